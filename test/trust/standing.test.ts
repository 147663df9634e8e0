import assert from 'node:assert/strict';

import type { DecisionDetail, DecisionKind, TrustDecision } from '../../src/trust/decisions.ts';
import { readDecision, REFRESH } from '../../src/trust/decisions.ts';
import {
  standingsAfter,
  standingsOf,
  statementDigest,
  type SignedStatement,
} from '../../src/trust/standing.ts';
import { aKey, claims, signed } from './a-statement.ts';

const [pinned, next, thief] = [aKey('pinned'), aKey('next'), aKey('thief')];
const agreement = { version: '1' };
const first = signed(claims({ sequence: 1 }, [pinned]), pinned);
const FILE = {
  ...{ region: 'london', entity: 'https://london.example', federationKeys: [pinned] },
  ...{ anchors: ['anchor-1'], statementToken: first.token },
};

/** Decides in order, by admin `a` unless it says otherwise, on a state with London's file. */
class Deciding {
  readonly #decisions: TrustDecision[] = [];
  readonly #signed = new Map<string, SignedStatement>([[first.token, first]]);
  readonly #files: readonly (typeof FILE)[];

  constructor(files: readonly (typeof FILE)[] = [FILE]) {
    this.#files = files;
  }

  add<Kind extends DecisionKind>(
    kind: Kind,
    detail: DecisionDetail<Kind>,
    by = 'a',
    region = 'london',
  ): this {
    const sequence = this.#decisions.length;
    this.#decisions.push({
      ...{ sequence, at: 1_000 + sequence, kind, region, by, exchange: 'x', detail },
    } as TrustDecision);
    return this;
  }

  knows(...statements: SignedStatement[]): this {
    for (const one of statements) this.#signed.set(one.token, one);
    return this;
  }

  get standings() {
    const read = (token: string): SignedStatement | undefined => this.#signed.get(token);
    return this.#decisions.reduce(
      (before, decision) =>
        standingsAfter(
          before,
          decision,
          'token' in decision.detail ? read(decision.detail.token) : undefined,
        ),
      standingsOf(this.#files, read),
    );
  }

  get london() {
    return this.standings.neighbours.get('london') ?? assert.fail();
  }

  get sequence() {
    return this.london.signed?.statement.metadata.wayleave_broker.sequence;
  }
}

describe('how a neighbour stands', () => {
  it('is what its file says, where nothing was decided', () => {
    const { london } = new Deciding();
    assert.deepEqual(london.signed, first);
    assert.deepEqual([london.anchors, london.federationKeys], [['anchor-1'], [pinned]]);
  });

  it('has no statement where the file’s is signed by another key, or is of another region or entity', () => {
    for (const wrong of [
      signed(claims({}, [thief]), thief),
      signed(claims({ region: 'essex' }, [pinned]), pinned),
      signed({ ...claims({}, [pinned]), sub: 'https://thief.example' }, pinned),
    ]) {
      const deciding = new Deciding([{ ...FILE, statementToken: wrong.token }]).knows(wrong);
      assert.equal(deciding.london.signed, undefined);
    }
  });

  it('takes a later statement, never an earlier one, nor one of a key that is not pinned', () => {
    const [second, third] = [2, 3].map((sequence) => signed(claims({ sequence }, [pinned]), pinned));
    assert.ok(second && third);
    const deciding = new Deciding()
      .knows(second, third)
      .add('statement-taken', { token: third.token }, REFRESH);
    assert.equal(deciding.sequence, 3);
    assert.equal(deciding.add('statement-taken', { token: second.token }, REFRESH).sequence, 3);
    // Listed as a key of its own: what signs must have been pinned before.
    const forged = signed(claims({ sequence: 9 }, [pinned, thief]), thief);
    assert.equal(deciding.knows(forged).add('statement-taken', { token: forged.token }, REFRESH).sequence, 3);
  });

  it('keeps its anchors and federation keys through a refresh, whatever the statement lists', () => {
    const grasping = signed(claims({ sequence: 2, tls: { anchors: ['thief'] } }, [pinned, thief]), pinned);
    const { london } = new Deciding()
      .knows(grasping)
      .add('statement-taken', { token: grasping.token }, REFRESH);
    assert.deepEqual([london.anchors, london.federationKeys], [['anchor-1'], [pinned]]);
  });

  it('counts what is pending from the approval of that very text on, with its anchors and keys', () => {
    const wider = signed(claims({ sequence: 2, tls: { anchors: ['anchor-1', 'anchor-2'] } }, [next]), pinned);
    const deciding = new Deciding()
      .knows(wider)
      .add('statement-pending', { token: wider.token, changes: ['tls'] });
    assert.equal(deciding.sequence, 1);
    deciding.add('statement-approved', { digest: statementDigest('another') });
    assert.equal(deciding.sequence, 1);
    const { london } = deciding.add('statement-approved', { digest: statementDigest(wider.token) });
    assert.deepEqual([london.signed, london.pending], [wider, undefined]);
    assert.deepEqual([london.anchors, london.federationKeys], [['anchor-1', 'anchor-2'], [next]]);
    // From here on the former federation key signs nothing any more.
    const old = signed(claims({ sequence: 3 }, [pinned]), pinned);
    assert.equal(deciding.knows(old).add('statement-taken', { token: old.token }, REFRESH).sequence, 2);
  });

  it('forgets what was declined, and remembers that it was', () => {
    const wider = signed(claims({ sequence: 2, contact: 'x' }, [pinned]), pinned);
    const digest = statementDigest(wider.token);
    const deciding = new Deciding()
      .knows(wider)
      .add('statement-pending', { token: wider.token, changes: ['contact'] })
      .add('statement-declined', { digest })
      .add('statement-approved', { digest });
    assert.deepEqual([deciding.sequence, deciding.london.pending], [1, undefined]);
    assert.ok(deciding.london.declined.has(digest));
  });

  it('is revoked, and reinstated, as a whole and in part', () => {
    const key = { kind: 'message-key', kid: 'k' } as const;
    const certificate = { kind: 'certificate', thumbprint: 'c'.repeat(43) } as const;
    const whole = { kind: 'neighbour' } as const;
    const deciding = new Deciding();
    for (const what of [key, certificate, whole]) {
      deciding.add('revoked', { what, reason: 'key-compromise', compromised_since: 7 });
    }
    const all = { at: 1_000, reason: 'key-compromise', compromisedSince: 7 };
    assert.deepEqual(deciding.london.revokedKeys.get('k'), all);
    assert.deepEqual(deciding.london.revokedCertificates.get(certificate.thumbprint), { ...all, at: 1_001 });
    assert.deepEqual(deciding.london.revoked, { ...all, at: 1_002 });
    deciding.add('reinstated', { what: whole });
    assert.deepEqual([deciding.london.revoked, deciding.london.revokedKeys.size], [undefined, 1]);
    deciding.add('reinstated', { what: key }).add('reinstated', { what: certificate });
    assert.deepEqual([deciding.london.revokedKeys.size, deciding.london.revokedCertificates.size], [0, 0]);
  });

  it('stays revoked whatever statement comes', () => {
    const second = signed(claims({ sequence: 2 }, [pinned]), pinned);
    const { london } = new Deciding()
      .knows(second)
      .add('revoked', { what: { kind: 'neighbour' }, reason: 'unspecified' })
      .add('statement-taken', { token: second.token }, REFRESH);
    assert.equal(london.revoked?.reason, 'unspecified');
  });

  it('is paused until a time, and resumed', () => {
    const deciding = new Deciding().add('paused', { until: 5_000 });
    assert.equal(deciding.london.pausedUntil, 5_000);
    assert.equal(deciding.add('resumed', {}).london.pausedUntil, undefined);
  });
});

describe('how a neighbour is enrolled', () => {
  const proposed = { entity: FILE.entity, federation_keys: [pinned], token: first.token, agreement };
  const proposing = (by = 'a') => new Deciding([]).add('enrolment-proposed', proposed, by);

  it('by a proposal and another admin’s approval', () => {
    const deciding = proposing();
    assert.deepEqual([...deciding.standings.neighbours.keys()], []);
    assert.equal(deciding.standings.proposals.get('london')?.by, 'a');
    deciding.add('enrolment-approved', { proposal: 0, alone: false }, 'b');
    assert.deepEqual([deciding.london.signed, deciding.london.agreement], [first, agreement]);
    assert.equal(deciding.standings.proposals.size, 0);
  });

  it('not by the one who proposed it, unless alone; not by an approval of another proposal', () => {
    const deciding = proposing()
      .add('enrolment-approved', { proposal: 0, alone: false }, 'a')
      .add('enrolment-approved', { proposal: 7, alone: false }, 'b');
    assert.deepEqual([...deciding.standings.neighbours.keys()], []);
    deciding.add('enrolment-approved', { proposal: 0, alone: true }, 'a');
    assert.deepEqual(deciding.london.signed, first);
  });

  it('not after it was declined', () => {
    const deciding = proposing()
      .add('enrolment-declined', { proposal: 0 }, 'b')
      .add('enrolment-approved', { proposal: 0, alone: false }, 'b');
    assert.deepEqual([...deciding.standings.neighbours.keys()], []);
  });

  it('not under keys that did not sign, nor in the name of another', () => {
    const unsigned = new Deciding([]).add('enrolment-proposed', { ...proposed, federation_keys: [thief] });
    assert.equal(unsigned.standings.proposals.size, 0);
    const inName = new Deciding().add('enrolment-proposed', proposed, 'a', 'another-region');
    assert.equal(inName.standings.proposals.size, 0);
  });

  it('anew under new federation keys; what was revoked stays so until it is reinstated', () => {
    const anew = signed(claims({ sequence: 2 }, [next]), next);
    const deciding = new Deciding()
      .knows(anew)
      .add('revoked', { what: { kind: 'message-key', kid: 'k' }, reason: 'key-compromise' })
      .add('revoked', { what: { kind: 'neighbour' }, reason: 'key-compromise' })
      .add('enrolment-proposed', { ...proposed, federation_keys: [next], token: anew.token })
      .add('enrolment-approved', { proposal: 2, alone: false }, 'b');
    const { london } = deciding;
    assert.deepEqual([london.signed, london.federationKeys], [anew, [next]]);
    assert.equal(london.revoked?.reason, 'key-compromise');
    assert.ok(london.revokedKeys.has('k'));
    assert.equal(deciding.add('reinstated', { what: { kind: 'neighbour' } }).london.revoked, undefined);
  });

  it('not by a proposal of before a revocation, nor over a later statement of the file', () => {
    const anew = signed(claims({ sequence: 2 }, [next]), next);
    const anewProposed = { ...proposed, federation_keys: [next], token: anew.token };
    const revoked = new Deciding()
      .knows(anew)
      .add('enrolment-proposed', anewProposed)
      .add('revoked', { what: { kind: 'neighbour' }, reason: 'key-compromise' })
      .add('enrolment-approved', { proposal: 0, alone: false }, 'b');
    assert.deepEqual(revoked.london.signed, first);
    const later = signed(claims({ sequence: 9 }, [pinned]), pinned);
    const file = new Deciding([{ ...FILE, statementToken: later.token }])
      .knows(anew, later)
      .add('enrolment-proposed', anewProposed)
      .add('enrolment-approved', { proposal: 0, alone: false }, 'b');
    assert.deepEqual([file.london.signed, file.london.federationKeys], [later, [pinned]]);
  });

  it('and what waited is overtaken by a later statement that is taken', () => {
    const waits = signed(claims({ sequence: 2, contact: 'x' }, [pinned]), pinned);
    const taken = signed(claims({ sequence: 3 }, [pinned]), pinned);
    const { london } = new Deciding()
      .knows(waits, taken)
      .add('statement-pending', { token: waits.token, changes: ['contact'] })
      .add('statement-taken', { token: taken.token }, REFRESH);
    assert.equal(london.pending, undefined);
  });
});

describe('a decision as it is kept', () => {
  const kept = { sequence: 0, at: 1, region: 'london', by: 'a', exchange: 'x' };

  it('is read in the form of its kind alone', () => {
    assert.deepEqual(readDecision({ ...kept, kind: 'paused', detail: '{"until":5}' })?.detail, { until: 5 });
    for (const [kind, detail] of [
      ['paused', '{}'],
      ['paused', '{"until":5,"more":1}'],
      ['paused', 'not json'],
      ['revoked', '{"what":{"kind":"everything"},"reason":"unspecified"}'],
      ['of-a-later-version', '{}'],
      ['constructor', '{}'],
    ] as const) {
      assert.equal(readDecision({ ...kept, kind, detail }), undefined, `${kind} ${detail}`);
    }
  });
});
