import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { InclusionDesk, MOST_INCLUSIONS } from '../../src/audit/inclusion/inclusion-desk.ts';
import { ProofCollector, type InclusionLink } from '../../src/audit/inclusion/proof-collector.ts';
import { unprovedIn } from '../../src/audit/inclusion/unproved.ts';
import { AuditLog } from '../../src/audit/log.ts';
import { RefusalSummary } from '../../src/audit/refusal-summary.ts';
import { Keyring } from '../../src/audit/sealing.ts';
import { AuditTrail } from '../../src/audit/trail.ts';
import { Checkpoints } from '../../src/audit/witnessing/checkpoints.ts';
import type { KnownLogs } from '../../src/audit/witnessing/known-logs.ts';
import type { Store } from '../../src/store/contracts.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import type { Neighbour } from '../../src/trust/neighbours.ts';

const MINUTE = 60_000;
const OURS = 'herts.example/log/1';
const LONDON = { region: 'london' } as Neighbour;
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const digest = (value: string): string => value;

/** London with two replicas over one store, and Hertfordshire that asks it. */
describe('the proof that a responder’s log holds its answer', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wayleave-inclusion-'));
  const now = Date.now;
  let london: Store;
  let herts: Store;
  let trail: AuditTrail;
  const logIn = (store: Store, origin: string): AuditLog =>
    new AuditLog({ store: store.log, origin, keyring: new Keyring([randomBytes(32)]), digest, now });
  const replicas = ['london.example/log/1', 'london.example/log/2'] as const;
  const logs = {
    logOf: async (_neighbour: Neighbour, origin: string) => ({ origin, keys: [publicKey] }),
  } as unknown as KnownLogs;

  before(async () => {
    london = await openSqliteStore(join(directory, 'london.db'));
    herts = await openSqliteStore(join(directory, 'herts.db'));
    trail = new AuditTrail(logIn(herts, OURS), herts.log, now);
  });
  after(async () => {
    await Promise.all([london.close(), herts.close()]);
    rmSync(directory, { recursive: true, force: true });
  });

  /** What both ends write of one exchange; @param replica which of London's had it */
  async function exchanged(replica: (typeof replicas)[number]): Promise<string> {
    const jti = randomUUID();
    const response = { token: 'a.b.c', digest: `digest of ${jti}` };
    const there = new AuditTrail(logIn(london, replica), london.log, now);
    await there.queryAnswered({ exchange: jti }, 'herts', { outcome: 'answered', response });
    const answer = {
      event: 'response-believed',
      region: 'london',
      jti,
      outcome: 'answered',
      ms: 1,
      response,
    } as const;
    await trail.released({ exchange: randomUUID() }, [answer], { resources: [], count: 0 }, true);
    return jti;
  }

  async function signed(): Promise<void> {
    for (const origin of replicas) {
      await new Checkpoints({ ...london, origin, key: privateKey, now: () => now() - 2 * MINUTE }).sign();
    }
  }

  function collector(): ProofCollector {
    const unproved = (since: number) => unprovedIn(herts.log, OURS, since);
    return new ProofCollector({ logs, trail, regions: () => ['london'], unproved, now });
  }

  /** London's first replica answers, through a desk of its own; counted. */
  function link(): InclusionLink & { calls: number } {
    const desk = new InclusionDesk(london.log, london.checkpoints, replicas[0], () => undefined, now);
    const one = {
      calls: 0,
      neighbour: LONDON,
      inclusions: (jtis: readonly string[]) => {
        one.calls += 1;
        return desk.inclusionsOf('herts', jtis);
      },
    };
    return one;
  }

  async function provedHere(): Promise<(string | undefined)[]> {
    const found = await herts.log.search({ from: 0, to: Infinity, event: 'inclusion-proved', limit: 1_000 });
    return found.map(({ index }) => index.jti);
  }

  it('is fetched after a restart for what was believed before it, once, of whichever replica', async () => {
    const jtis = [await exchanged(replicas[0]), await exchanged(replicas[1])];
    await signed();
    for (let start = 0; start < 2; start += 1) {
      const proofs = collector();
      await proofs.refill();
      await proofs.collect(link());
      assert.deepEqual((await provedHere()).toSorted(), jtis.toSorted());
      assert.deepEqual(proofs.waiting(), [{ region: 'london', count: 0, more: false }]);
    }
  });

  it('is fetched for more than one request asks about, in one round', async () => {
    const before = (await provedHere()).length;
    const count = 2 * MOST_INCLUSIONS + 1;
    for (let nth = 0; nth < count; nth += 1) await exchanged(replicas[nth % 2 === 0 ? 0 : 1]);
    await signed();
    const proofs = collector();
    await proofs.refill();
    const asked = link();
    await proofs.collect(asked);
    assert.equal((await provedHere()).length - before, count);
    assert.equal(asked.calls, 3);
  });

  it('keeps in the log what the queue has no room for, and says that there is more', async () => {
    const proofs = collector();
    await proofs.refill();
    const held = await exchanged(replicas[0]);
    await signed();
    for (let nth = 0; nth < 10_001; nth += 1)
      proofs.await('london', { exchange: 'e', jti: `never-${nth}`, responseDigest: 'd' });
    proofs.await('london', { exchange: 'e', jti: held, responseDigest: `digest of ${held}` });
    assert.deepEqual(proofs.waiting(), [{ region: 'london', count: 10_000, more: true }]);
  });

  it('is not believed for another response to the same query', async () => {
    const jti = await exchanged(replicas[1]);
    await signed();
    const proofs = new ProofCollector({
      ...{ logs, trail, regions: () => ['london'], now },
      unproved: async function* () {
        yield { region: 'london', at: now(), exchange: 'e', jti, responseDigest: 'another' };
      },
    });
    await proofs.refill();
    await proofs.collect(link());
    assert.ok(!(await provedHere()).includes(jti));
    assert.equal(proofs.waiting()[0]?.count, 1);
  });
});

describe('the summary of refusals', () => {
  it('tells every minute of a long stop, the oldest first, each once, of however many replicas', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'wayleave-refusals-'));
    const store = await openSqliteStore(join(directory, 'store.db'));
    const end = Math.floor(Date.now() / MINUTE) * MINUTE;
    const log = new AuditLog({
      ...{ store: store.log, origin: OURS, keyring: new Keyring([randomBytes(32)]), digest },
      now: () => end,
    });
    const codes = Array.from({ length: 12 }, (_, nth) => `code-${nth}`);
    // More rows than a store gives at once.
    for (let minute = 1; minute <= 100; minute += 1)
      await Promise.all(codes.map((code) => store.log.count(code, end - minute * MINUTE)));
    for (let run = 0; run < 2; run += 1) {
      const replica = () =>
        new RefusalSummary(store.log, new AuditTrail(log, store.log, () => end), () => end);
      await Promise.all([replica().summarise(), replica().summarise()]);
      const entries = await log.page(0, 10_000);
      const minutes = entries.map(({ leaf }) => (leaf.detail as { minute: number }).minute);
      assert.equal(entries.length, 1_200);
      assert.equal(new Set(entries.map(({ leaf }) => `${leaf.reason} ${minutes[leaf.seq]}`)).size, 1_200);
      assert.deepEqual(
        minutes,
        minutes.toSorted((one, other) => one - other),
      );
    }
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });
});
