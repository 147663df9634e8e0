import assert from 'node:assert/strict';

import { believeCrl, type Crl } from '../../src/trust/crl.ts';
import { factsOf } from '../../src/trust/certificate-facts.ts';
import type { RevocationLists } from '../../src/trust/revocation.ts';
import { made, type Made, type Wanted } from '../support/made-certificate.ts';
import { madeCrl } from '../support/made-crl.ts';
import {
  ChangingNeighbours,
  entityOf,
  ourClient,
  ourServer,
  verdictOf,
  type Pinned,
  type Presented,
  type Role,
} from './two-ends.ts';

const LONDON = entityOf('london');
const ESSEX = entityOf('essex-suffolk');
const ROLES = ['client', 'server'] as const;

const root = made({ name: 'London Root', authority: true });
const essexRoot = made({ name: 'Essex Root', authority: true });
const issuing = made({ name: 'London Issuing', by: root, authority: { below: 0 } });
const upper = made({ name: 'London Upper', by: root, authority: true });
const lower = made({ name: 'London Lower', by: upper, authority: true });

const pinned: Pinned[] = [
  { region: 'london', anchors: [root], names: ['shcr.london.example', 'both.example'] },
  { region: 'essex-suffolk', anchors: [essexRoot], names: ['shcr.essex.example', 'both.example'] },
];

/** A good leaf of London's, but for what a test changes. */
const leaf = (role: Role, change: Partial<Wanted> = {}): Made =>
  made({ name: 'leaf', by: root, usages: [role], uris: [LONDON], ...change });
const other = (role: Role): Role => (role === 'client' ? 'server' : 'client');

type Row = readonly [present: (role: Role) => Presented, atServer: string, atClient?: string];

describe('a neighbour’s certificate, over real handshakes at both ends', () => {
  const rows: Record<string, Row> = {
    'a good one': [(role) => ({ leaf: leaf(role) }), 'london'],
    'one for both uses': [(role) => ({ leaf: leaf(role, { usages: ['client', 'server'] }) }), 'london'],
    'one with an RSA key': [(role) => ({ leaf: leaf(role, { key: 'rsa-2048' }) }), 'london'],
    'one with an Ed25519 key': [(role) => ({ leaf: leaf(role, { key: 'ed25519' }) }), 'london'],

    'no name': [(role) => ({ leaf: leaf(role, { uris: [] }) }), 'certificate-name'],
    'two URIs': [(role) => ({ leaf: leaf(role, { uris: [LONDON, ESSEX] }) }), 'certificate-name'],
    'the same URI twice': [(role) => ({ leaf: leaf(role, { uris: [LONDON, LONDON] }) }), 'certificate-name'],
    'a URI that is nobody’s': [
      (role) => ({ leaf: leaf(role, { uris: [`${LONDON}/`] }) }),
      'certificate-unknown',
    ],
    'another region’s URI': [(role) => ({ leaf: leaf(role, { uris: [ESSEX] }) }), 'certificate-chain'],

    'a host that is listed': [hosts('shcr.london.example'), 'london'],
    'a host that is listed, in capitals': [hosts('SHCR.London.Example'), 'london'],
    'a listed host beside others': [hosts('www.example', 'shcr.london.example'), 'london'],
    'a host that is not listed': [hosts('www.example'), 'certificate-unknown'],
    'a host below a listed one': [hosts('a.shcr.london.example'), 'certificate-unknown'],
    'a wildcard over a listed host': [hosts('*.london.example'), 'certificate-unknown'],
    'a host that two list': [hosts('both.example'), 'certificate-name'],
    'hosts of two regions': [hosts('shcr.london.example', 'shcr.essex.example'), 'certificate-name'],
    'another region’s host': [hosts('shcr.essex.example'), 'certificate-chain'],
    'the URI and the own host': [withBoth('shcr.london.example'), 'london'],
    'the URI and another region’s host': [withBoth('shcr.essex.example'), 'certificate-name'],
    'another region’s URI and the own host': [
      (role) => ({ leaf: leaf(role, { uris: [ESSEX], dns: ['shcr.london.example'] }) }),
      'certificate-name',
    ],

    'one for the other use': [
      (role) => ({ leaf: leaf(role, { usages: [other(role)] }) }),
      'handshake INVALID_PURPOSE',
    ],
    'one for electronic mail': [
      (role) => ({ leaf: leaf(role, { usages: ['email'] }) }),
      'handshake INVALID_PURPOSE',
    ],
    'one of no stated use': [(role) => ({ leaf: leaf(role, { usages: [] }) }), 'certificate-usage'],

    'one that has expired': [(role) => ({ leaf: leaf(role, { until: -1 }) }), 'handshake CERT_HAS_EXPIRED'],
    'one that is not valid yet': [
      (role) => ({ leaf: leaf(role, { from: 600 }) }),
      'handshake CERT_NOT_YET_VALID',
    ],
    'a weak key': [(role) => ({ leaf: leaf(role, { key: 'rsa-1024' }) }), 'certificate-weak-key'],
    'a curve that is not for this': [
      (role) => ({ leaf: leaf(role, { key: 'secp256k1' }) }),
      'handshake ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE',
      'handshake EPROTO',
    ],
    'a weak signature': [(role) => ({ leaf: leaf(role, { hash: 'sha1' }) }), 'certificate-weak-signature'],
    'a critical extension that nobody knows': [
      (role) => ({ leaf: leaf(role, { strange: true }) }),
      'certificate-chain',
    ],

    'one through an issuer': [below(issuing, issuing), 'london'],
    'one through two issuers': [below(lower, lower, upper), 'london'],
    'the chain in the wrong order': [below(lower, upper, lower), 'london'],
    'what is not needed in between': [below(lower, essexRoot, lower, issuing, upper), 'london'],
    'the anchor itself sent too': [below(issuing, issuing, root), 'london'],
    'the issuer missing': [below(issuing), 'handshake UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    'one of two issuers missing': [below(lower, lower), 'handshake UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
    'an issuer below one that must have none': [
      (role) => {
        const deep = made({ name: 'deep', by: issuing, authority: true });
        return { leaf: leaf(role, { by: deep }), with: [deep, issuing] };
      },
      'handshake PATH_LENGTH_EXCEEDED',
    ],
    'an issuer that has expired': [
      (role) => {
        const old = made({ name: 'old', by: root, authority: true, until: -1 });
        return { leaf: leaf(role, { by: old }), with: [old] };
      },
      'handshake CERT_HAS_EXPIRED',
    ],
    'an issuer that is no authority': [
      (role) => {
        const none = leaf(role, { name: 'none' });
        return { leaf: leaf(role, { by: none }), with: [none] };
      },
      'certificate-chain',
    ],
    'an issuer for other hosts only': [
      (role) => {
        const narrow = made({
          name: 'narrow',
          by: root,
          authority: true,
          permitted: { uri: '.kent.example' },
        });
        return { leaf: leaf(role, { by: narrow }), with: [narrow] };
      },
      'certificate-chain',
    ],

    'one that another region’s anchor issued in this region’s name': [
      (role) => ({ leaf: leaf(role, { by: essexRoot }) }),
      'certificate-chain',
      'handshake UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
    'the same through an issuer': [
      (role) => {
        const theirs = made({ name: 'London Issuing', by: essexRoot, authority: true });
        return { leaf: leaf(role, { by: theirs }), with: [theirs] };
      },
      'certificate-chain',
      'handshake UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    ],
    'another region’s own certificate': [
      (role) => ({ leaf: leaf(role, { by: essexRoot, uris: [ESSEX] }) }),
      'essex-suffolk',
      'handshake UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
    'one of an authority of the same name': [
      (role) => ({ leaf: leaf(role, { by: made({ name: 'London Root', authority: true }) }) }),
      'handshake CERT_SIGNATURE_FAILURE',
    ],
  };
  for (const [what, [present, atServer, atClient = atServer]] of Object.entries(rows)) {
    it(`${what}: ${atServer === atClient ? atServer : `${atServer}, ${atClient}`}`, async () => {
      assert.deepEqual(
        [
          await verdictOf(present('client'), pinned, 'client'),
          await verdictOf(present('server'), pinned, 'server'),
        ],
        [atServer, atClient],
      );
    });
  }

  it('an issuer that is pinned without its root: no connection', async () => {
    const only: Pinned[] = [{ region: 'london', anchors: [issuing] }];
    for (const role of ROLES) {
      const presented = { leaf: leaf(role, { by: issuing }) };
      assert.equal(await verdictOf(presented, only, role), 'handshake UNABLE_TO_GET_ISSUER_CERT');
    }
  });

  function hosts(...dns: string[]): (role: Role) => Presented {
    return (role) => ({ leaf: leaf(role, { uris: [], dns }) });
  }
  function withBoth(...dns: string[]): (role: Role) => Presented {
    return (role) => ({ leaf: leaf(role, { dns }) });
  }
  function below(by: Made, ...others: Made[]): (role: Role) => Presented {
    return (role) => ({ leaf: leaf(role, { by }), with: others });
  }
});

describe('a neighbour’s certificate and its revocation lists, over real handshakes at both ends', () => {
  const list = (by: Made, change: Partial<Parameters<typeof madeCrl>[0]> = {}): Crl =>
    believeCrl(madeCrl({ by, ...change }), [by.x509]);
  const lists = (held: readonly Crl[], change: Partial<RevocationLists> = {}): RevocationLists => ({
    ...{ whenOld: 'refuse', graceMs: 0, ...change },
    by: (issuer) => held.find(({ authority }) => authority === factsOf(issuer).authority),
  });
  const londonWith = (held: RevocationLists): Pinned[] => [
    { region: 'london', anchors: [root], lists: held },
    { region: 'essex-suffolk', anchors: [essexRoot] },
  ];
  const good = { client: leaf('client'), server: leaf('server') };
  const through = { client: leaf('client', { by: issuing }), server: leaf('server', { by: issuing }) };
  const ofLeaves = (by: Made, of: typeof good, change: object = {}): Crl =>
    list(by, { revoked: [of.client.x509, of.server.x509], ...change });
  const direct = (role: Role): Presented => ({ leaf: good[role] });
  const chained = (role: Role): Presented => ({ leaf: through[role], with: [issuing] });
  const old = { until: -5 };
  const hour = 3_600_000;

  const rows: Record<string, readonly [(role: Role) => Presented, RevocationLists, string]> = {
    'nothing revoked': [direct, lists([list(root)]), 'london'],
    'another one revoked': [direct, lists([ofLeaves(root, through)]), 'london'],
    revoked: [direct, lists([ofLeaves(root, good)]), 'certificate-revoked'],
    'revoked by a list that is too old': [direct, lists([ofLeaves(root, good, old)]), 'certificate-revoked'],
    'revoked by such a list, where that only warns': [
      direct,
      lists([ofLeaves(root, good, old)], { whenOld: 'warn' }),
      'certificate-revoked',
    ],
    'the list too old': [direct, lists([list(root, old)]), 'crl-too-old'],
    'the list too old, where that only warns': [
      direct,
      lists([list(root, old)], { whenOld: 'warn' }),
      'london',
    ],
    'the list too old, within the grace': [direct, lists([list(root, old)], { graceMs: hour }), 'london'],
    'no list held': [direct, lists([]), 'crl-too-old'],
    'no list held, where that only warns': [direct, lists([], { whenOld: 'warn' }), 'london'],
    'another authority’s list held': [direct, lists([list(essexRoot)]), 'crl-too-old'],
    'the issuer and the leaf looked for': [chained, lists([list(root), list(issuing)]), 'london'],
    'the issuer revoked': [
      chained,
      lists([list(root, { revoked: [issuing.x509] }), list(issuing)]),
      'certificate-revoked',
    ],
    'the leaf revoked by its issuer': [
      chained,
      lists([list(root), ofLeaves(issuing, through)]),
      'certificate-revoked',
    ],
    'the leaf listed by the root, whose it is not': [
      chained,
      lists([ofLeaves(root, through), list(issuing)]),
      'london',
    ],
    'no list of the issuer’s': [chained, lists([list(root)]), 'crl-too-old'],
  };
  for (const [what, [present, held, verdict]] of Object.entries(rows)) {
    it(`${what}: ${verdict}`, async () => {
      for (const role of ROLES)
        assert.equal(await verdictOf(present(role), londonWith(held), role), verdict, role);
    });
  }

  it('counts for the neighbour whose list it is, and for no other', async () => {
    const essexLeaf = leaf('client', { by: essexRoot, uris: [ESSEX] });
    const held = lists([list(root), list(essexRoot, { revoked: [essexLeaf.x509] })]);
    assert.equal(await verdictOf({ leaf: essexLeaf }, londonWith(held), 'client'), 'essex-suffolk');
  });
});

describe('a change of a neighbour’s trust, on a connection that stays open', () => {
  const next = made({ name: 'London Root 2', authority: true });
  const pin = (...anchors: Made[]): Pinned[] => [{ region: 'london', anchors }];
  const ends = { client: ourServer, server: ourClient };

  for (const role of ROLES) {
    it(`takes old and new while both anchors are pinned, and the old no longer: as ${role}`, async () => {
      const both = pin(root, next);
      const neighbours = new ChangingNeighbours(both);
      await using oldLeaf = await ends[role]({ leaf: leaf(role) }, both, neighbours);
      await using newLeaf = await ends[role]({ leaf: leaf(role, { by: next }) }, both, neighbours);
      assert.deepEqual([await oldLeaf.say(), await newLeaf.say()], ['london', 'london']);
      neighbours.pin(pin(next));
      assert.deepEqual([await oldLeaf.say(), await newLeaf.say()], ['certificate-chain', 'london']);
      assert.deepEqual([oldLeaf.connections, newLeaf.connections], [1, 1]);
      if (role === 'server') assert.deepEqual([oldLeaf.heard, newLeaf.heard], [1, 2]);
    });

    it(`feels a revocation list that came since: as ${role}`, async () => {
      const presented = leaf(role);
      const neighbours = new ChangingNeighbours(pin(root));
      await using end = await ends[role]({ leaf: presented }, pin(root), neighbours);
      assert.equal(await end.say(), 'london');
      const crl = believeCrl(madeCrl({ by: root, revoked: [presented.x509] }), [root.x509]);
      const lists: RevocationLists = { whenOld: 'warn', graceMs: 0, by: () => crl };
      neighbours.pin([{ region: 'london', anchors: [root], lists }]);
      assert.equal(await end.say(), 'certificate-revoked');
      assert.equal(end.connections, 1);
    });

    it(`takes an anchor that was renewed with the same key, beside its expired certificate: as ${role}`, async () => {
      const expired = made({ name: 'London Root', authority: true, sameKeyAs: root, until: -1 });
      assert.equal(await verdictOf({ leaf: leaf(role) }, pin(expired, root), role), 'london');
    });
  }

  const TEN_MINUTES = 600_000;
  const clocks: readonly [what: string, wanted: Partial<Wanted>, ahead: number, verdict: string][] = [
    ['ten minutes fast, and hours left', {}, TEN_MINUTES, 'london'],
    ['ten minutes slow, and an hour since', {}, -TEN_MINUTES, 'london'],
    ['ten minutes fast, and five minutes left', { until: 5 }, TEN_MINUTES, 'certificate-expired'],
    ['ten minutes slow, and five minutes since', { from: -5 }, -TEN_MINUTES, 'certificate-not-yet-valid'],
  ];
  for (const [what, wanted, ahead, verdict] of clocks) {
    it(`is judged by our own clock: ${what}: ${verdict}`, async () => {
      for (const role of ROLES) {
        assert.equal(await verdictOf({ leaf: leaf(role, wanted) }, pin(root), role, ahead), verdict, role);
      }
    });
  }
});
