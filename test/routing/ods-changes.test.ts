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
