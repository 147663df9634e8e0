import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { generateSigningKey } from '../../src/trust/signing-key.ts';
import { ensureStatement } from '../../certs-dev/statements.ts';
import type { EvidenceFile } from '../../src/audit/proof/evidence-file.ts';
import { formatEvidence } from '../../src/audit/proof/evidence-file.ts';
import { verifyEvidence } from '../../src/audit/proof/verify-file.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { importSigner } from '../../src/evidence/keys.ts';
import { readSelfSigned } from '../../src/audit/proof/statements.ts';
import { signStatement } from '../../src/evidence/statement.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { TestViewer } from '../support/viewer.ts';
import { failures, withLog } from './evidence-of.ts';

const ASKER: RegionId = 'herts-west-essex';
const RESPONDER: RegionId = 'london';
const PATIENT = '9990000018';

const notChecked = async (file: EvidenceFile): Promise<string[]> => {
  const { steps } = await verifyEvidence(Buffer.from(formatEvidence(file)));
  return steps.filter(({ result }) => result === 'not-checked').map(({ check }) => check);
};

describe('evidence from before a key was changed', () => {
  let federation: TestFederation;
  let file: EvidenceFile;

  before(async () => {
    federation = await startFederation();
    const viewer = new TestViewer(federation, ASKER);
    const reply = await viewer.ask(PATIENT, `/fhir/AllergyIntolerance?patient=${PATIENT}`);
    viewer.close();
    await changeMessageKey();
    file = await withLog(
      federation,
      ASKER,
      async (log) => (await log.export(String(reply.headers['x-request-id']))).file,
    );
  });
  after(() => federation.stop());

  /** London signs with a new key, and says so in a statement that everybody approves. */
  async function changeMessageKey(): Promise<void> {
    await federation.stopBroker(RESPONDER);
    await federation.stopBroker(ASKER);
    const keys = join(federation.directory, 'keys', RESPONDER);
    const { privateJwk, publicJwk } = await generateSigningKey('ES256');
    await writeFile(join(keys, 'private/message.jwk.json'), JSON.stringify(privateJwk), { mode: 0o600 });
    await writeFile(join(keys, 'public/message.jwk.json'), JSON.stringify(publicJwk));
    assert.equal(
      await ensureStatement(join(federation.directory, `${RESPONDER}.yaml`), keys, Date.now() + 1_000),
      true,
    );
    await new Promise((later) => setTimeout(later, 1_100));
    for (const region of [RESPONDER, ASKER]) await federation.startBroker(region);
  }

  async function london(): Promise<{ former: string; now: string }> {
    const read = await Promise.all(file.statements.map(readSelfSigned));
    const own = read
      .filter(({ broker }) => broker.region === RESPONDER)
      .toSorted((one, other) => one.broker.sequence - other.broker.sequence);
    assert.equal(own.length, 2);
    return { former: own[0]?.token ?? '', now: own[1]?.token ?? '' };
  }

  const without = (token: string): EvidenceFile => ({
    ...file,
    statements: file.statements.filter((one) => one !== token),
  });

  it('brings the statement of then beside that of now, and holds', async () => {
    await london();
    assert.deepEqual(await failures(file), []);
    assert.ok(!(await notChecked(file)).includes('key-in-force'));
  });

  it('does not hold by the statement of now alone', async () => {
    assert.deepEqual(await failures(without((await london()).former)), ['response']);
  });

  it('holds by the statement of then alone, which covers the time', async () => {
    assert.deepEqual(await failures(without((await london()).now)), []);
  });

  it('refuses two statements of one number, and one whose federation key the newer does not vouch for', async () => {
    const { former } = await london();
    const { statement } = await readSelfSigned(former);
    const { privateJwk, publicJwk } = await generateSigningKey('ES256');
    const stranger = await importSigner(privateJwk);
    const forged = (sequence: number): string =>
      signStatement(stranger, {
        ...statement,
        jwks: { keys: [publicJwk as never] },
        metadata: { wayleave_broker: { ...statement.metadata.wayleave_broker, sequence } },
      });
    const { sequence } = statement.metadata.wayleave_broker;
    for (const token of [forged(sequence), forged(sequence + 7), former]) {
      assert.deepEqual(await failures({ ...file, statements: [...file.statements, token] }), ['statement']);
    }
  });

  it('says that a key was not shown to be listed at the time, where only a later statement lists it', async () => {
    const path = join(federation.directory, 'keys', RESPONDER, 'offline/federation.jwk.json');
    const signer = await importSigner(JSON.parse(await readFile(path, 'utf8')) as object);
    const { former } = await london();
    const { statement } = await readSelfSigned(former);
    const { now } = await london();
    const later = signStatement(signer, { ...statement, iat: Math.ceil(Date.now() / 1000) + 60 });
    const changed = {
      ...without(now),
      statements: without(now).statements.map((one) => (one === former ? later : one)),
    };
    assert.deepEqual(await failures(changed), []);
    assert.ok((await notChecked(changed)).includes('key-in-force'));
  });
});
