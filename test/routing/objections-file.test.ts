import assert from 'node:assert/strict';

import { readObjections } from '../../src/routing/objections-file.ts';

const NOW = Date.parse('2026-11-22T10:00:00Z');
const consent = (change: object = {}): object => ({
  resourceType: 'Consent',
  status: 'active',
  patient: { identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9990000018' } },
  provision: { type: 'deny', period: { start: '2026-01-01' } },
  ...change,
});

const GOOD: [name: string, text: string, found: object[]][] = [
  [
    'a CSV',
    'nhs_number,kind\n9990000018,objection\n',
    [{ nhsNumber: '9990000018', kind: 'objection', from: NOW }],
  ],
  [
    'a CSV with a byte order mark, other columns, spaces and quotes',
    '\uFEFFName,NHS_Number,Kind,From,Until\r\nx,"999 000 0018",restriction,2026-01-01,2027-01-01\r\n\r\n',
    [
      {
        nhsNumber: '9990000018',
        kind: 'restriction',
        from: Date.parse('2026-01-01'),
        until: Date.parse('2027-01-01'),
      },
    ],
  ],
  [
    'a Consent',
    JSON.stringify(consent()),
    [{ nhsNumber: '9990000018', kind: 'objection', from: Date.parse('2026-01-01') }],
  ],
  ['a Consent that permits', JSON.stringify(consent({ provision: { type: 'permit' } })), []],
  ['a Consent that has ended', JSON.stringify(consent({ status: 'inactive' })), []],
  [
    'a Bundle of Consents',
    JSON.stringify({ resourceType: 'Bundle', entry: [{ resource: consent() }] }),
    [{ nhsNumber: '9990000018', kind: 'objection', from: Date.parse('2026-01-01') }],
  ],
  [
    'one Consent a line',
    `${JSON.stringify(consent())}\n${JSON.stringify(consent({ provision: { type: 'deny' } }))}\n`,
    [
      { nhsNumber: '9990000018', kind: 'objection', from: Date.parse('2026-01-01') },
      { nhsNumber: '9990000018', kind: 'objection', from: NOW },
    ],
  ],
];

const WRONG: [name: string, text: string, line: number][] = [
  ['no header', '9990000018,objection\n', 1],
  ['a wrong check digit', 'nhs_number,kind\n9990000018,objection\n9990000019,objection\n', 3],
  ['an unknown kind', 'nhs_number,kind\n9990000018,dislike\n', 2],
  ['a date that is none', 'nhs_number,kind,from\n9990000018,objection,yesterday\n', 2],
  ['another resource', JSON.stringify({ resourceType: 'Patient' }), 1],
  ['a Consent that says neither', JSON.stringify(consent({ provision: {} })), 1],
  ['a Consent about nobody', JSON.stringify(consent({ patient: { reference: 'Patient/1' } })), 1],
  ['a line that is no JSON', `${JSON.stringify(consent())}\n{"resourceType":\n`, 2],
];

describe('readObjections', () => {
  for (const [name, text, found] of GOOD) {
    it(`reads ${name}`, () => assert.deepEqual(readObjections(text, NOW), { objections: found, faults: [] }));
  }
  for (const [name, text, line] of WRONG) {
    it(`names the line of ${name}, without the value`, () => {
      const { faults } = readObjections(text, NOW);
      assert.deepEqual(
        faults.map((fault) => fault.line),
        [line],
      );
      assert.doesNotMatch(faults[0]?.wrong ?? '', /999000/);
    });
  }
});
