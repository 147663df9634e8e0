import assert from 'node:assert/strict';

import { Directory } from '../../src/routing/directory.ts';
import { relationshipOf } from '../../src/routing/relationship.ts';
import { imported } from './imported.ts';

const AT = Date.parse('2026-11-23T12:00:00Z');
const directory = new Directory(
  {
    regions: [],
    practices: { G83021: '72Q' },
    organisations: [
      { code: 'RJ6', name: 'Croydon', feeds: [] },
      { code: 'E82', name: 'not the practices that begin so', feeds: [] },
    ],
  },
  imported(
    ['cost-centres', '2026-02-01', { E82006: { subIcb: '06K' }, E82074: { subIcb: '06K' }, Y01234: {} }],
    ['trusts', '2026-02-01', { RAP: {}, NTY: {}, NTYA0: {} }],
    ['sites', '2020-01-01', { NTYF2: { parent: 'NTY' }, RAPZ1: { parent: 'RJ6' } }],
  ),
);
const stands = (organisation: string, ...careLocations: string[]) => {
  const registration = { kind: 'registered', practice: 'F81027', current: '9990000018' } as const;
  return relationshipOf(organisation, { registration, careLocations, at: AT }, directory);
};

describe('how an organisation stands to a patient', () => {
  it('is by registration for the practice of the patient', () => {
    assert.equal(stands('F81027'), 'registered');
    assert.equal(stands('F81028'), 'asserted');
  });

  it('is by an encounter for who saw the patient, and for the organisation whose site did', () => {
    for (const [asks, saw] of [
      ['E82006', 'E82006'],
      ['RAP', 'RAP99'],
      ['RAP01', 'RAP99'],
      ['NTY', 'NTYF2'],
      ['NTYF2', 'NTY'],
      ['RJ6', 'RAPZ1'],
      ['TAF01', 'TAF'],
      ['TAF01', 'TAF02'],
    ] as const) {
      assert.equal(stands(asks, saw), 'encounter', `${asks} ${saw}`);
    }
  });

  it('and for no other practice, trust or site, however alike their codes are', () => {
    for (const [asks, saw] of [
      ['E82006', 'E82074'],
      ['E82999', 'E82998'],
      ['G83021', 'G83022'],
      ['Y01234', 'Y01235'],
      ['RAP', 'RAPZ1'],
      ['NTYA0', 'NTY'],
      ['NTYA0', 'NTYF2'],
      ['VVV01', 'VVV02'],
      ['RAP', 'RAL01'],
      ['', 'RAP'],
    ] as const) {
      assert.equal(stands(asks, saw), 'asserted', `${asks} ${saw}`);
    }
  });

  it('is by our own register for its practice, but not of a patient who is restricted, or was when last told', () => {
    const KINDS = [
      ['not-reached', 'registered'],
      ['restricted-before', 'asserted'],
    ] as const;
    for (const [kind, expected] of KINDS) {
      const known = { registration: { kind }, careLocations: [], register: { practice: 'F81028' }, at: AT };
      assert.equal(relationshipOf('F81028', known, directory), expected);
    }
  });
});
