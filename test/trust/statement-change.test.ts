import assert from 'node:assert/strict';

import type { BrokerMetadata } from '../../src/trust/entity-statement.ts';
import { judgeRefresh } from '../../src/trust/statement-change.ts';
import { aKey, claims } from './a-statement.ts';

const federation = aKey('federation');
const read = (change: Partial<BrokerMetadata> = {}, keys = [federation]) => {
  const statement = claims(change, keys);
  return { token: JSON.stringify(statement), statement };
};
const held = read({ sequence: 5 });

describe('what a refresh of a statement may change', () => {
  const FREE: Record<string, Partial<BrokerMetadata>> = {
    'message keys': { message_keys: [aKey('new')] },
    'log keys': { log_keys: [aKey('new')] },
    'the sequence, by up to 1,000': { sequence: 1_005 },
  };
  for (const [what, change] of Object.entries(FREE)) {
    it(`takes by itself: ${what}`, () => {
      assert.deepEqual(judgeRefresh(held, read({ sequence: 6, ...change })), { kind: 'take' });
    });
  }

  const WAITS: Record<string, Partial<BrokerMetadata>> = {
    tls: { tls: { anchors: ['anchor-1', 'anchor-2'] } },
    endpoints: { endpoints: { federation: 'https://127.0.0.1:2' } },
    coverage: { coverage: { sub_icbs: ['36L', '06H'], organisations: ['RAL'] } },
    records: { records: [] },
    logs: { logs: ['london.example/log/1', 'london.example/log/2'] },
    witness_keys: { witness_keys: [aKey('new')] },
    refresh_hint: { refresh_hint: 60 },
    name: { name: 'Greater London' },
    contact: { contact: 'thief' },
    sequence: { sequence: Number.MAX_SAFE_INTEGER },
  };
  it('leaves for an admin: one endpoint more', () => {
    const { endpoints } = held.statement.metadata.wayleave_broker;
    const more = { endpoints: { ...endpoints, federation_alternates: ['https://127.0.0.1:2'] } };
    assert.deepEqual(judgeRefresh(held, read({ sequence: 6, ...more })), {
      ...{ kind: 'pending', changes: ['endpoints'] },
    });
  });

  for (const [member, change] of Object.entries(WAITS)) {
    it(`leaves for an admin: ${member}`, () => {
      const verdict = judgeRefresh(held, read({ sequence: 6, message_keys: [aKey('too')], ...change }));
      assert.deepEqual(verdict, { kind: 'pending', changes: [member] });
    });
  }

  it('leaves for an admin: federation keys, even one more', () => {
    const verdict = judgeRefresh(held, read({ sequence: 6 }, [federation, aKey('second')]));
    assert.deepEqual(verdict, { kind: 'pending', changes: ['federation_keys'] });
  });

  it('tells of what an approval would pin as well, where something else waits anyhow', () => {
    const fresh = read({ sequence: 6, name: 'London and more' });
    const pins = { federationKeys: [federation, aKey('second')], anchors: ['anchor-2'] };
    assert.deepEqual(judgeRefresh(held, fresh, pins), {
      ...{ kind: 'pending', changes: ['name', 'federation_keys', 'tls'] },
    });
    const same = { federationKeys: [federation], anchors: ['anchor-1\n'] };
    assert.deepEqual(judgeRefresh(held, fresh, same), { kind: 'pending', changes: ['name'] });
    assert.deepEqual(judgeRefresh(held, read({ sequence: 6 }), pins), { kind: 'take' });
  });

  it('is nothing where only the order of members is another', () => {
    const { statement } = read({ sequence: 6, coverage: { organisations: ['RAL'], sub_icbs: ['36L'] } });
    assert.deepEqual(judgeRefresh(held, { token: 'another text', statement }), { kind: 'take' });
  });

  it('refuses a lower sequence, and an equal one with other bytes', () => {
    assert.deepEqual(judgeRefresh(held, read({ sequence: 4 })), { kind: 'refused', code: 'lower-sequence' });
    assert.deepEqual(judgeRefresh(held, { ...held, token: `${held.token} ` }), {
      ...{ kind: 'refused', code: 'equal-sequence' },
    });
    assert.deepEqual(judgeRefresh(held, { ...held }), { kind: 'same' });
  });

  it('refuses one that was issued before the one that it follows: evidence believes no two such', () => {
    const { token, statement } = read({ sequence: 6 });
    const issued = (iat: number) => judgeRefresh(held, { token, statement: { ...statement, iat } });
    assert.deepEqual(issued(statement.iat - 1), { kind: 'refused', code: 'issued-earlier' });
    assert.deepEqual(issued(statement.iat), { kind: 'take' });
  });

  it('refuses a statement of another entity or region', () => {
    const other = claims({ sequence: 6 }, [federation]);
    assert.deepEqual(
      judgeRefresh(held, { token: 't', statement: { ...other, sub: 'https://thief.example' } }),
      {
        ...{ kind: 'refused', code: 'another-entity' },
      },
    );
    assert.deepEqual(judgeRefresh(held, read({ sequence: 6, region: 'essex-suffolk' })), {
      ...{ kind: 'refused', code: 'another-region' },
    });
  });
});
