import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { formatEvidence, type EvidenceFile } from '../../src/audit/proof/evidence-file.ts';
import { statementsAt } from '../../src/audit/proof/statement-history.ts';
import { readSelfSigned } from '../../src/audit/proof/statements.ts';
import type { Verdict } from '../../src/audit/proof/verdict.ts';
import { verifyEvidence } from '../../src/audit/proof/verify-file.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { importSigner, type Signer } from '../../src/evidence/keys.ts';
import { signStatement } from '../../src/evidence/statement.ts';
import type { EntityStatement, PublicJwk } from '../../src/trust/entity-statement.ts';
import { generateSigningKey } from '../../src/trust/signing-key.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { TestViewer } from '../support/viewer.ts';
import { failures, withLog } from './evidence-of.ts';

const ASKER: RegionId = 'herts-west-essex';
const RESPONDER: RegionId = 'london';
const PATIENT = '9990000018';
const DAY_S = 86_400;

describe('evidence that leans on keys of before', () => {
  let federation: TestFederation;
  let file: EvidenceFile;
  /** London's, which lists the key that signed the response. */
  let statement: EntityStatement;
  let original: string;
  let former: { signer: Signer; jwk: PublicJwk };
  let present: { signer: Signer; jwk: PublicJwk };
  let other: PublicJwk;
  let pinned: readonly PublicJwk[];

  before(async () => {
    federation = await startFederation({ regions: [ASKER, RESPONDER] });
    const viewer = new TestViewer(federation, ASKER);
    const reply = await viewer.ask(PATIENT, `/fhir/AllergyIntolerance?patient=${PATIENT}`);
    viewer.close();
    const id = String(reply.headers['x-request-id']);
    file = await withLog(federation, ASKER, async (log) => (await log.export(id)).file);
    const read = await Promise.all(file.statements.map(readSelfSigned));
    const london = read.find(({ broker }) => broker.region === RESPONDER) ?? assert.fail();
    ({ statement, token: original } = london);
    const [jwk = assert.fail()] = statement.jwks.keys;
    former = { signer: await importSigner(json(RESPONDER, 'offline/federation.jwk.json')), jwk };
    present = await newKey();
    other = (await newKey()).jwk;
    const asker = json(ASKER, 'public/federation.jwks.json') as { keys: PublicJwk[] };
    pinned = [...asker.keys, present.jwk];
  });
  after(() => federation.stop());

  const json = (region: RegionId, name: string): object =>
    JSON.parse(readFileSync(join(federation.directory, 'keys', region, name), 'utf8')) as object;
  async function newKey(): Promise<{ signer: Signer; jwk: PublicJwk }> {
    const { privateJwk, publicJwk } = await generateSigningKey('ES256');
    return { signer: await importSigner(privateJwk), jwk: publicJwk as never };
  }

  /** A statement of London, so many after its own, issued some days before the exchange. */
  function signed(
    after: number,
    daysBefore: number,
    by: Signer,
    keys: PublicJwk[],
    messageKeys: PublicJwk[],
  ): string {
    const iat = Math.floor(statement.iat - daysBefore * DAY_S);
    const { wayleave_broker: broker } = statement.metadata;
    return signStatement(by, {
      ...statement,
      ...{ iat, exp: iat + 365 * DAY_S, jwks: { keys } },
      metadata: {
        wayleave_broker: { ...broker, message_keys: messageKeys, sequence: broker.sequence + after },
      },
    });
  }
  /** The three steps of another federation key; the last one lists the former no more. */
  const overlap = (daysBefore: number, messageKeys = [other]): string =>
    signed(1, daysBefore, present.signer, [former.jwk, present.jwk], messageKeys);
  const dropped = (daysBefore: number, messageKeys = [other]): string =>
    signed(2, daysBefore, present.signer, [present.jwk], messageKeys);
  const listing = (): PublicJwk[] => statement.metadata.wayleave_broker.message_keys;
  const withStatements = (...tokens: string[]): EvidenceFile => ({
    ...file,
    statements: [...file.statements.filter((one) => one !== original), ...tokens],
  });
  const verdictOf = (one: EvidenceFile): Promise<Verdict> =>
    verifyEvidence(Buffer.from(formatEvidence(one)), { federationKeys: pinned });
  const retired = async (...tokens: string[]) => {
    const verdict = await verdictOf(withStatements(...tokens));
    assert.equal(verdict.holds, true, JSON.stringify(verdict.steps));
    const told = verdict.steps.filter(({ check }) => check === 'key-retired');
    return [verdict.clean, ...told.map(({ result, retired: one }) => [result, one?.signed])];
  };
  const results = (verdict: Verdict, check: string): string[] =>
    verdict.steps.filter((step) => step.check === check).map(({ result }) => result);

  it('refuses a statement of the former key that is dated after those that follow it', async () => {
    const [third, fourth] = [overlap(180), dropped(150)];
    for (const tokens of [
      [fourth, third, original],
      [original, third, fourth],
      [third, original],
    ]) {
      const wrong = await failures(withStatements(...tokens), { federationKeys: pinned });
      assert.ok(wrong.includes('statement-order'), wrong.join());
    }
  });

  it('tells each statement that only a former key signed, with or without the keys of now', async () => {
    const own = signed(0, 40, former.signer, [former.jwk], listing());
    const one = withStatements(dropped(0, listing()), overlap(20, listing()), own);
    const verdict = await verdictOf(one);
    assert.equal(verdict.holds, true, JSON.stringify(verdict.steps));
    assert.deepEqual(results(verdict, 'former-federation-key'), ['not-checked']);
    const unpinned = await verifyEvidence(Buffer.from(formatEvidence(one)));
    assert.deepEqual(results(unpinned, 'former-federation-key'), ['not-checked']);
    // The statement that dropped the key can be left out: that the newest at hand lists it still shows nothing.
    const withoutDrop = withStatements(overlap(20, listing()), own);
    const hidden = await verdictOf(withoutDrop);
    assert.deepEqual([hidden.holds, results(hidden, 'former-federation-key')], [true, ['not-checked']]);
    const alike = await verifyEvidence(Buffer.from(formatEvidence(withoutDrop)));
    assert.deepEqual(results(alike, 'former-federation-key'), ['not-checked']);
  });

  it('says nothing of a former key where each statement is signed by the leading one, or by one that is pinned', async () => {
    const own = signed(0, 40, former.signer, [former.jwk], listing());
    const next = signed(1, 20, former.signer, [former.jwk, present.jwk], listing());
    for (const [tokens, keys] of [
      [[next, own], undefined],
      [
        [next, own],
        [...pinned, former.jwk],
      ],
      [
        [overlap(20, listing()), own],
        [...pinned, former.jwk],
      ],
    ] as const) {
      const one = Buffer.from(formatEvidence(withStatements(...tokens)));
      const verdict = await verifyEvidence(one, { federationKeys: keys });
      assert.deepEqual([verdict.holds, results(verdict, 'former-federation-key')], [true, []]);
    }
  });

  it('warns of what a message key signed more than a day after it was dropped, with the dates', async () => {
    const lists = (after: number, daysBefore: number): string =>
      signed(after, daysBefore, former.signer, [former.jwk, present.jwk], listing());
    const drops = (after: number, daysBefore: number): string =>
      signed(after, daysBefore, former.signer, [former.jwk, present.jwk], [other]);
    pinned = [...pinned, former.jwk];
    assert.deepEqual(await retired(lists(0, 200), drops(1, 180)), [false, ['warning', 'after-retirement']]);
    const one = await verdictOf(withStatements(lists(0, 200), drops(1, 180)));
    const step = one.steps.find(({ check }) => check === 'key-retired');
    for (const each of [step?.retired?.signedAt, step?.retired?.dropped.issued])
      assert.ok(each !== undefined && step?.says.includes(each));
    assert.deepEqual(results(one, 'key-in-force'), ['not-checked']);

    assert.deepEqual(await retired(lists(0, 200), drops(1, 0.5)), [true, ['not-checked', 'within-refresh']]);
    assert.deepEqual(await retired(lists(0, 200), drops(1, -1)), [true, ['ok', 'before-retirement']]);
    // The newest statement of then counts, whatever came later.
    assert.deepEqual(await retired(lists(0, 200), drops(1, 180), lists(2, -1)), [
      false,
      ['warning', 'after-retirement'],
    ]);
    assert.deepEqual(await retired(lists(0, 200), drops(1, 180), lists(2, 100)), [true]);
    assert.deepEqual(await retired(lists(0, 200), lists(1, -1), drops(2, -2)), [
      true,
      ['ok', 'before-retirement'],
    ]);
  });

  it('warns of what a message key signs that only a statement of a former federation key lists', async () => {
    const backdated = signed(0, 185, former.signer, [former.jwk], listing());
    assert.deepEqual(await retired(overlap(180), dropped(150), backdated), [
      false,
      ['warning', 'after-retirement'],
    ]);
  });

  it('takes no key for retired by a statement of a former federation key alone, and warns where others drop it too', async () => {
    const by = (after: number, days: number, signer: Signer, keys: PublicJwk[]): string =>
      signed(after, days, signer, [former.jwk, present.jwk], keys);
    const base = by(0, 200, former.signer, listing());
    const forged = by(1, 180, former.signer, [other]);
    const told = async (newest: string, keys: readonly PublicJwk[] | undefined) => {
      const one = Buffer.from(formatEvidence(withStatements(newest, forged, base)));
      const verdict = await verifyEvidence(one, { federationKeys: keys });
      assert.equal(verdict.holds, true, JSON.stringify(verdict.steps));
      const steps = verdict.steps.filter(({ check }) => check === 'key-retired');
      return [
        verdict.clean,
        ...steps.map(({ result, retired: it }) => [result, it?.signed, it?.byFormerKey]),
      ];
    };
    const known = pinned.filter((key) => key !== former.jwk);
    for (const keys of [known, undefined]) {
      const later = by(2, -1, present.signer, listing());
      assert.deepEqual(await told(later, keys), [true, ['not-checked', 'after-retirement', true]]);
      // It was dropped, and the statement that is made up says so too early.
      const soon = by(2, 0.5, present.signer, [other]);
      assert.deepEqual(await told(soon, keys), [true, ['not-checked', 'after-retirement', true]]);
      const long = by(2, 150, present.signer, [other]);
      assert.deepEqual(await told(long, keys), [false, ['warning', 'after-retirement', false]]);
    }
    // Who pins the former key too takes its word.
    const later = by(2, -1, present.signer, listing());
    const both = [...known, former.jwk];
    assert.deepEqual(await told(later, both), [false, ['warning', 'after-retirement', false]]);
  });

  it('warns though a statement of a former federation key lists a key again that the others had dropped', async () => {
    const by = (after: number, days: number, signer: Signer, keys: PublicJwk[]): string =>
      signed(after, days, signer, [former.jwk, present.jwk], keys);
    const [base, drop] = [by(0, 200, present.signer, listing()), by(1, 180, present.signer, [other])];
    const forged = by(2, 100, former.signer, listing());
    const newest = by(3, -1, present.signer, [other]);
    const one = Buffer.from(formatEvidence(withStatements(newest, forged, drop, base)));
    const known = pinned.filter((key) => key !== former.jwk);
    const { clean, steps } = await verifyEvidence(one, { federationKeys: known });
    const told = steps.filter(({ check }) => check === 'key-retired');
    assert.deepEqual(
      [clean, ...told.map(({ result, retired: it }) => [result, it?.signed, it?.byFormerKey])],
      [false, ['warning', 'after-retirement', false]],
    );
  });

  it('is exported with the newest statement of then, though it came later', async () => {
    const own = await readSelfSigned(signed(2, 0, former.signer, [former.jwk], [other]));
    const kept = [
      { sequence: own.broker.sequence - 1, at: Date.now() + 1_000, days: 180, keys: [other] },
      { sequence: own.broker.sequence - 2, at: 0, days: 200, keys: listing() },
    ].map(({ sequence, at, days, keys }, nth) => ({
      ...{
        entity: own.entity,
        sequence,
        at,
        token: signed(1 - nth, days, former.signer, [former.jwk], keys),
      },
    }));
    const found = await statementsAt([statement.iat - 10], own, { of: async () => kept });
    assert.deepEqual(
      found.map(({ broker }) => broker.sequence - own.broker.sequence).toSorted(),
      [-1, -2, 0],
    );
  });
});
