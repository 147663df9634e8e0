import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { formatEvidence, type EvidenceFile } from '../../src/audit/proof/evidence-file.ts';
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

describe('evidence that leans on a federation key of before', () => {
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
    // While the newest lists it, it is no former one.
    const before = await verdictOf(withStatements(overlap(20, listing()), own));
    assert.deepEqual([before.holds, results(before, 'former-federation-key')], [true, []]);
  });
});
