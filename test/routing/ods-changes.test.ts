import assert from 'node:assert/strict';

import { readOdsChanges } from '../../src/routing/ods-changes.ts';
import { odsAffiliation, odsOrganization } from '../support/ods-resources.ts';
import { imported } from './imported.ts';

const DAY = '2026-11-23';
const known = imported(
  [
    'cost-centres',
    '2026-02-01',
    {
      F81027: { subIcb: '07H', status: 'open', roles: ['RO76'], joined: '2013-04-01', opened: '1974-04-01' },
    },
  ],
  ['trusts', '2026-02-01', { RAP: { icb: 'QMJ' } }],
  ['sites', '2020-01-01', { NTYF2: { parent: 'NTY' } }],
);
const read = (...resources: unknown[]) => {
  const { organisations, refused } = readOdsChanges(resources, known, DAY);
  return { refused, facts: Object.fromEntries([...organisations].flatMap(([, of]) => [...of])) };
};

describe('what the directory service lists as changed', () => {
  it('keeps what is known and a resource does not say', () => {
    const { facts } = read(
      odsOrganization('F81027', { name: 'ANOTHER NAME' }),
      odsOrganization('RAP', { end: '2024-12-31', active: false, roles: ['RO197'] }),
    );
    assert.deepEqual(facts['F81027'], {
      ...{ name: 'ANOTHER NAME', subIcb: '07H', status: 'open', roles: ['RO76'] },
      ...{ joined: '2013-04-01', opened: '1974-04-01' },
    });
    assert.deepEqual([facts['RAP']?.icb, facts['RAP']?.closed], ['QMJ', '2024-12-31']);
  });

  it('moves a practice to another commissioner, and a site to another operator', () => {
    const { facts } = read(odsAffiliation('F81027', '06N'), odsAffiliation('NTYF2', 'NNH', { code: 'RE6' }));
    assert.deepEqual([facts['F81027']?.subIcb, facts['F81027']?.joined], ['06N', '2026-11-01']);
    assert.equal(facts['NTYF2']?.parent, 'NNH');
  });

  it('takes, of two commissioners, the one in force that began last, in whatever order they are listed', () => {
    const two = [
      odsAffiliation('F81027', '06N', { start: '2026-11-01' }),
      odsAffiliation('F81027', '06K', { start: '2020-04-01' }),
    ];
    for (const listed of [two, two.toReversed()]) {
      const { facts } = read(...listed);
      assert.deepEqual([facts['F81027']?.subIcb, facts['F81027']?.joined], ['06N', '2026-11-01']);
    }
  });

  it('and the next that is announced where the one in force is known already', () => {
    const announced = [
      odsAffiliation('F81027', '06N', { start: '2027-10-01' }),
      odsAffiliation('F81027', '06Q', { start: '2027-04-01' }),
    ];
    const now = odsAffiliation('F81027', '07H', { start: '2013-04-01', end: '2027-03-31' });
    for (const listed of [[...announced, now], [now, ...announced], announced]) {
      const { facts } = read(...listed);
      assert.deepEqual([facts['F81027']?.subIcb, facts['F81027']?.joined], ['06Q', '2027-04-01']);
    }
    const another = odsAffiliation('F81027', '06K', { start: '2026-11-01', end: '2027-03-31' });
    assert.equal(read(...announced, another).facts['F81027']?.subIcb, '06K');
  });

  it('keeps what was announced where the one in force is listed alone', () => {
    const before = imported(
      ['cost-centres', '2026-02-01', { F81027: { subIcb: '07H', joined: '2013-04-01' } }],
      ['cost-centres', '2026-10-01', { F81027: { subIcb: '06Q', joined: '2027-04-01' } }],
    );
    const now = odsAffiliation('F81027', '07H', { start: '2013-04-01', end: '2027-03-31' });
    assert.equal(readOdsChanges([now], before, DAY).organisations.size, 0);
    const another = odsAffiliation('F81027', '06K', { start: '2026-11-01' });
    const { organisations } = readOdsChanges([another], before, DAY);
    assert.equal(organisations.get('cost-centres')?.get('F81027')?.subIcb, '06K');
  });

  it('takes a new practice with its commissioner, and leaves out what leads nowhere', () => {
    const { facts, refused } = read(
      odsOrganization('Y09999'),
      odsAffiliation('Y09999', '36L'),
      odsOrganization('FA001', { roles: ['RO182'] }),
    );
    assert.deepEqual([facts['Y09999']?.subIcb, facts['Y09999']?.status], ['36L', 'open']);
    assert.deepEqual([Object.keys(facts), refused], [['Y09999'], 0]);
  });

  it('takes no relationship that has ended, or is another', () => {
    const { facts } = read(
      odsAffiliation('F81027', '06N', { active: false }),
      odsAffiliation('F81027', '06K', { end: '2026-11-22' }),
      odsAffiliation('F81027', 'RQW', { code: 'RE3' }),
    );
    assert.deepEqual(facts, {});
  });

  it('counts what it cannot read', () => {
    const { facts, refused } = read(
      ...[undefined, 'text', { resourceType: 'Patient' }],
      { ...odsOrganization('F81027'), id: 'not a code' },
      { ...odsOrganization('F81027'), active: 'yes' },
      odsOrganization('F81027', { start: 'yesterday' }),
      { ...odsAffiliation('F81027', '06N'), organization: {} },
    );
    assert.deepEqual([facts, refused], [{}, 4]);
  });
});
