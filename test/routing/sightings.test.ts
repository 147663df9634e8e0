import assert from 'node:assert/strict';

import { csvReader } from '../../src/routing/care-locations-csv.ts';
import { readEncounter } from '../../src/routing/encounter.ts';
import { seenTimes } from '../../src/routing/sighting-times.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const NHS = 'https://fhir.nhs.uk/Id/nhs-number';
const ORGANISATION = 'https://fhir.nhs.uk/Id/ods-organization-code';
const SITE = 'https://fhir.nhs.uk/Id/ods-site-code';

const day = (text: string): number => Date.parse(`${text}T00:00:00Z`);

describe('when a patient was seen', () => {
  const cases: [string, string, string, ReturnType<typeof seenTimes>][] = [
    ['one day', '2026-04-01', '', { firstSeen: day('2026-04-01'), lastSeen: day('2026-04-01') }],
    ['a stay', '2026-04-01', '2026-04-09', { firstSeen: day('2026-04-01'), lastSeen: day('2026-04-09') }],
    [
      'with hours and zones',
      ...(['2026-04-01T23:30:00-02:00', '2026-04-02T02:00:00+00:00'] as const),
      { firstSeen: Date.parse('2026-04-02T01:30:00Z'), lastSeen: Date.parse('2026-04-02T02:00:00Z') },
    ],
    [
      'an end without its hour',
      ...(['2026-04-01T10:00:00Z', '2026-04-01'] as const),
      { firstSeen: Date.parse('2026-04-01T10:00:00Z'), lastSeen: Date.parse('2026-04-01T10:00:00Z') },
    ],
    ['a month alone', '2026-04', '', { firstSeen: day('2026-04-01'), lastSeen: day('2026-04-01') }],
    [
      'a clock that is ahead',
      '2026-11-24',
      '',
      { firstSeen: day('2026-11-24'), lastSeen: day('2026-11-24') },
    ],
    ['nothing', '', '2026-04-01', 'date-missing'],
    ['a day that there is not', '2026-02-30', '', 'date-wrong'],
    ['an hour that there is not', '2026-04-01T25:00:00Z', '', 'date-wrong'],
    ['a day in English', '01/04/2026', '', 'date-wrong'],
    ['megabytes that are no date', '2026-04-01'.repeat(100_000), '', 'date-wrong'],
    ['a day cut short', '2026-04-0', '', 'date-wrong'],
    ['an end that is none', '2026-04-01', 'today', 'date-wrong'],
    ['the day after tomorrow', '2026-11-25', '', 'date-future'],
    ['an end in the future', '2026-11-20', '2027-01-01', 'date-future'],
    ['before there was an NHS', '1947-12-31', '', 'date-too-old'],
    ['the end before the beginning', '2026-04-02', '2026-04-01', 'dates-reversed'],
  ];
  for (const [name, start, end, expected] of cases) {
    it(name, () => assert.deepEqual(seenTimes(start, end, NOW), expected));
  }
});

describe('a line of a CSV of care locations', () => {
  const read = (line: string, header = 'nhs_number,organisation,first_seen,last_seen,source') =>
    csvReader(header)?.(line, NOW) ?? 'no header';
  const good = {
    ...{ nhsNumber: '9990000018', organisation: 'RJ611' },
    ...{ firstSeen: day('2026-04-01'), lastSeen: day('2026-04-09'), source: 'pas' },
  };

  it('is read in any order of columns, beside others, with quotations', () => {
    assert.deepEqual(read('9990000018,RJ611,2026-04-01,2026-04-09,pas'), good);
    assert.deepEqual(read('999 000 0018, RJ611 ,2026-04-01,2026-04-09,pas'), good);
    assert.deepEqual(
      read(
        '"pas","said ""so"", twice",2026-04-09,2026-04-01,"RJ611",9990000018,',
        '\uFEFFsource,Remark,LAST_SEEN,first_seen,organisation,nhs_number,other',
      ),
      good,
    );
  });

  it('may leave out the end and the source', () => {
    const once = { ...good, lastSeen: good.firstSeen, source: '' };
    assert.deepEqual(read('9990000018,RJ611,2026-04-01', 'nhs_number,organisation,first_seen'), once);
    assert.deepEqual(read('9990000018,RJ611,2026-04-01,,'), once);
  });

  const refused: [string, string][] = [
    ['9990000018,RJ611,2026-04-01', 'columns'],
    ['9990000018,RJ611,2026-04-01,,pas,more', 'columns'],
    ['9990000018,"RJ611,2026-04-01,,pas', 'quotes'],
    ['9990000018,"RJ6"11,2026-04-01,,pas', 'quotes'],
    [',RJ611,2026-04-01,,', 'nhs-number-missing'],
    ['9990000019,RJ611,2026-04-01,,', 'nhs-number-wrong'],
    ['999000001,RJ611,2026-04-01,,', 'nhs-number-wrong'],
    ['9990000018,,2026-04-01,,', 'organisation-missing'],
    ['9990000018,rj611,2026-04-01,,', 'organisation-wrong'],
    ['9990000018,RJ\uFFFD,2026-04-01,,', 'organisation-wrong'],
    ['9990000018,RJ611,2026-04-01,,Our PAS', 'source-wrong'],
    ['9990000018,RJ611,2027-04-01,,', 'date-future'],
  ];
  for (const [line, fault] of refused) {
    it(`is refused: ${fault}, ${line.length} characters`, () => assert.equal(read(line), fault));
  }

  it('needs a header with its columns', () => {
    for (const header of [
      '',
      'nhs_number,organisation',
      '9990000018,RJ6,2026-04-01',
      '"nhs_number,organisation',
    ]) {
      assert.equal(csvReader(header), undefined);
    }
  });
});

describe('an Encounter as a sighting', () => {
  const identifier = (system: string, value: string) => ({ identifier: { system, value } });
  const encounter = {
    resourceType: 'Encounter',
    status: 'finished',
    subject: identifier(NHS, '9990000018'),
    serviceProvider: identifier(ORGANISATION, 'RJ6'),
    period: { start: '2026-04-01T08:00:00Z', end: '2026-04-03T08:00:00Z' },
  };
  const places = (...codes: [string, string][]) => ({
    location: codes.map(([system, value]) => ({ location: identifier(system, value) })),
  });
  const organisations = (change: object) => {
    const read = readEncounter({ ...encounter, ...change }, NOW);
    return typeof read === 'string' ? read : read.organisations;
  };
  const subject = (change: object) => {
    const read = readEncounter({ ...encounter, ...change }, NOW);
    return typeof read === 'string' ? read : read.subject;
  };

  it('tells the organisation, its sites in its place, and both where the site is another’s', () => {
    assert.deepEqual(organisations({}), ['RJ6']);
    assert.deepEqual(organisations(places([SITE, 'RJ611'])), ['RJ611']);
    assert.deepEqual(organisations(places([SITE, 'RJ611'], [SITE, 'RJ614'], [SITE, 'RJ611'])), [
      'RJ611',
      'RJ614',
    ]);
    assert.deepEqual(organisations(places([SITE, 'RATPH'])), ['RATPH', 'RJ6']);
    assert.deepEqual(organisations({ ...places([ORGANISATION, 'RQW']), serviceProvider: undefined }), [
      'RQW',
    ]);
    assert.equal(organisations({ serviceProvider: { display: 'Croydon' } }), 'organisation-missing');
    assert.equal(
      organisations({ serviceProvider: identifier(ORGANISATION, 'Croydon') }),
      'organisation-wrong',
    );
  });

  it('tells no patient of two numbers, and none by an old one', () => {
    const identifiers = (...values: object[]) => {
      const identifier = values.map((value) => ({ system: NHS, ...value }));
      return subject({ contained: [{ id: 'p', identifier }], subject: { reference: '#p' } });
    };
    const [one, other] = [{ value: '9990000018' }, { value: '9990000026' }];
    assert.equal(identifiers(one, other), 'nhs-number-wrong');
    assert.deepEqual(identifiers(one, one), { nhsNumber: one.value });
    assert.deepEqual(identifiers({ ...other, use: 'old' }, one), { nhsNumber: one.value });
    assert.equal(identifiers({ ...one, use: 'old' }), 'nhs-number-missing');
  });

  it('tells the patient by identifier, contained or by reference', () => {
    const nhsNumber = '9990000018';
    const contained = [{ resourceType: 'Patient', id: 'p', identifier: [{ system: NHS, value: nhsNumber }] }];
    assert.deepEqual(subject({}), { nhsNumber });
    assert.deepEqual(subject({ contained, subject: { reference: '#p' } }), { nhsNumber });
    assert.deepEqual(subject({ subject: { reference: 'Patient/1' } }), { reference: 'Patient/1' });
    assert.equal(subject({ contained, subject: { reference: '#q' } }), 'nhs-number-missing');
    assert.equal(subject({ subject: undefined }), 'nhs-number-missing');
    assert.equal(subject({ subject: identifier('https://other.example', nhsNumber) }), 'nhs-number-missing');
    assert.equal(subject({ subject: identifier(NHS, '9990000019') }), 'nhs-number-wrong');
  });

  it('is none where nobody was seen, and is refused where it cannot be read', () => {
    for (const status of ['entered-in-error', 'cancelled', 'planned']) {
      assert.equal(readEncounter({ ...encounter, status, subject: undefined }, NOW), 'not-a-sighting');
    }
    assert.equal(readEncounter({ ...encounter, resourceType: 'Patient' }, NOW), 'not-an-encounter');
    assert.equal(readEncounter(null, NOW), 'not-an-encounter');
    // What no text can be made of is read as if it were not there.
    const odd = { toString: 0 };
    const contained = { contained: [{ id: odd }], subject: { reference: '#p' } };
    assert.equal(readEncounter({ ...encounter, status: odd, ...contained }, NOW), 'nhs-number-missing');
    assert.equal(readEncounter({ ...encounter, period: undefined }, NOW), 'date-missing');
    assert.equal(readEncounter({ ...encounter, period: { start: '2027-01-01' } }, NOW), 'date-future');
  });
});
