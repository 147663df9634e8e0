import assert from 'node:assert/strict';

import { issueAuthority, issueLeaf, type Credential } from '../../src/trust/issue.ts';
import { endings, type Ending, type Inventory } from '../../src/trust/expiry.ts';
import type { Neighbour } from '../../src/trust/neighbours.ts';

const DAY = 86_400_000;
const NOW = Date.parse('2026-11-23T10:00:00Z');
const after = (days: number): Date => new Date(NOW + days * DAY);

describe('what ends, and how near it is', () => {
  let authority: Credential;
  let server: Credential;
  let client: Credential;

  before(async () => {
    authority = await issueAuthority({ name: 'ours', notBefore: after(-1), notAfter: after(400) });
    const leaf = { commonName: 'x', uri: 'https://x.example', notBefore: after(-1) };
    server = await issueLeaf(authority, { ...leaf, usage: 'server', notAfter: after(60) });
    client = await issueLeaf(authority, { ...leaf, usage: 'client', notAfter: after(5) });
  });

  const neighbour = (region: string, change: object = {}): Neighbour =>
    ({
      ...{ region, entity: `https://${region}.example`, anchors: [authority.certificate] },
      ...{ validFrom: NOW - DAY, validUntil: NOW + 100 * DAY },
      broker: { message_keys: [] },
      ...change,
    }) as unknown as Neighbour;

  const inventory = (change: Partial<Inventory> = {}): Inventory => ({
    own: {
      region: 'us',
      server: server.certificate,
      client: client.certificate,
      anchors: [authority.certificate],
      statementUntil: NOW + 200 * DAY,
      messageKeys: [],
    },
    neighbours: [],
    lists: [],
    agreements: [],
    ...change,
  });
  const told = (found: readonly Ending[]): string[] =>
    found.map(({ whose, kind, name, daysLeft, level }) => `${whose} ${kind} ${name}: ${daysLeft} ${level}`);

  it('tells of everything of ours and theirs, the soonest first', () => {
    const key = { kty: 'EC', kid: 'k', alg: 'ES256', crv: 'P-256', x: '' } as const;
    const own = {
      ...inventory().own,
      server: server.certificate + authority.certificate,
      messageKeys: [{ ...key, exp: (NOW + 20 * DAY) / 1000 }, key],
    };
    const keys = { broker: { message_keys: [{ ...key, kid: 'theirs', exp: (NOW + DAY / 2) / 1000 }] } };
    const found = endings(
      inventory({
        own,
        neighbours: [neighbour('london', { validUntil: NOW - 1, ...keys })],
        agreements: [
          { region: 'london', agreement: { until: '2026-11-23', review_by: '2026-12-06' } },
          { region: 'essex', agreement: { review_by: '2026-11-20' } },
        ],
      }),
      NOW,
    );
    assert.deepEqual(told(found), [
      'ours agreement-review time to review the agreement with essex: -3 ended',
      'theirs statement london statement: -1 ended',
      'theirs message-key london message key theirs: 0 1',
      'ours agreement agreement with london: 0 1',
      'ours certificate own client: 5 7',
      'ours agreement-review time to review the agreement with london: 13 14',
      'ours message-key own message key k: 20 30',
      'ours certificate own server: 60 90',
      'ours statement own statement: 200 ok',
      'ours issuer own server issuer CN=ours: 400 ok',
      'ours anchor own anchor CN=ours: 400 ok',
      'theirs anchor london anchor CN=ours: 400 ok',
    ]);
  });

  it('each level begins with its day, to the millisecond', () => {
    const cases: readonly [leftMs: number, level: string, daysLeft: number][] = [
      [90 * DAY + 1, 'ok', 90],
      [90 * DAY, '90', 90],
      [30 * DAY + 1, '90', 30],
      [30 * DAY, '30', 30],
      [14 * DAY + 1, '30', 14],
      [14 * DAY, '14', 14],
      [7 * DAY, '7', 7],
      [DAY + 1, '7', 1],
      [DAY, '1', 1],
      [1, '1', 0],
      [0, 'ended', 0],
      [-1, 'ended', -1],
    ];
    for (const [leftMs, level, daysLeft] of cases) {
      const statementUntil = NOW + leftMs;
      const found = endings(inventory({ own: { ...inventory().own, statementUntil } }), NOW);
      const statement = found.find(({ kind }) => kind === 'statement');
      assert.deepEqual([statement?.level, statement?.daysLeft], [level, daysLeft], String(leftMs));
      assert.equal(statement?.validUntil, new Date(statementUntil).toISOString());
    }
  });

  it('tells of both anchors while a neighbour changes its authority, also from one file', async () => {
    const next = await issueAuthority({ name: 'next', notBefore: after(-1), notAfter: after(10) });
    for (const anchors of [
      [authority.certificate, next.certificate],
      [authority.certificate + next.certificate],
    ]) {
      const found = endings(inventory({ neighbours: [neighbour('london', { anchors })] }), NOW);
      const theirs = found.filter(({ whose, kind }) => whose === 'theirs' && kind === 'anchor');
      assert.deepEqual(told(theirs), [
        'theirs anchor london anchor CN=next: 10 14',
        'theirs anchor london anchor CN=ours: 400 ok',
      ]);
    }
  });

  it('tells of what is ours once, where a region is its own neighbour', () => {
    const found = endings(inventory({ neighbours: [neighbour('us')] }), NOW);
    assert.deepEqual(
      found.filter(({ whose }) => whose === 'theirs'),
      [],
    );
  });

  it('tells of revocation lists by their next update, and of none sooner than half of its life before', () => {
    const list = (place: string, lifeDays: number, leftDays: number) => ({
      ...{ region: 'london', place },
      ...{ thisUpdate: NOW + (leftDays - lifeDays) * DAY, nextUpdate: NOW + leftDays * DAY },
    });
    const lists = [
      list('daily', 1, 0.5),
      list('weekly', 7, 6.5),
      list('weekly, late', 7, 0.5),
      list('late', 1, -0.5),
      list('yearly', 365, 20),
    ];
    const theirs = endings(inventory({ lists }), NOW).filter(({ kind }) => kind === 'revocation-list');
    assert.deepEqual(told(theirs), [
      'theirs revocation-list london revocation list late: -1 ended',
      'theirs revocation-list london revocation list daily: 0 ok',
      'theirs revocation-list london revocation list weekly, late: 0 1',
      'theirs revocation-list london revocation list weekly: 6 ok',
      'theirs revocation-list london revocation list yearly: 20 30',
    ]);
    assert.ok(theirs.every(({ region }) => region === 'london'));
  });
});
