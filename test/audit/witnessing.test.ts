import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, randomBytes, type JsonWebKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

import { readAudit } from '../support/audit.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { TestViewer } from '../support/viewer.ts';
import type { LogStatus } from '../../src/audit/audit-room.ts';
import { openStore } from '../../src/broker.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { formatAddCheckpoint } from '../../src/tlog/add-checkpoint.ts';
import { cosignaturesOf, openCheckpoint, signCheckpoint } from '../../src/tlog/checkpoint.ts';
import { append, emptyFrontier, rootOf } from '../../src/tlog/frontier.ts';
import { leafHash } from '../../src/tlog/merkle.ts';

const PATIENT = '9990000018';
const ROUND_MS = 150;
const SOON_MS = 15_000;
const LONDON_LOG = 'london.wayleave.example/log/1';

/** Waits until `look` gives something. */
async function soon<Result>(look: () => Promise<Result | undefined> | Result | undefined): Promise<Result> {
  for (const until = Date.now() + SOON_MS; Date.now() < until; await sleep(30)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new assert.AssertionError({ message: 'did not come' });
}

function keyOf(federation: TestFederation, region: RegionId, purpose: 'log' | 'witness'): KeyObject {
  const file = join(federation.directory, 'keys', region, 'private', `${purpose}.jwk.json`);
  return createPrivateKey({ key: JSON.parse(readFileSync(file, 'utf8')) as JsonWebKey, format: 'jwk' });
}

async function logOf(federation: TestFederation, region: RegionId): Promise<LogStatus> {
  return (await federation.broker(region).status()).log as LogStatus;
}

describe('the neighbours witness each other’s logs', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  before(async () => {
    federation = await startFederation({
      edit: (_region, config) => void (config['checkpoint_ms'] = ROUND_MS),
    });
    viewer = new TestViewer(federation, 'herts-west-essex', 'hwe-viewer');
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  it('has every neighbour’s cosignature on a head that covers an exchange', async () => {
    await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
    const config = federation.config('herts-west-essex');
    const { length } = await readAudit(config);
    const log = await soon(async () => {
      const { witnesses, ...status } = await logOf(federation, 'herts-west-essex');
      return witnesses.every(({ size, fault }) => size >= length && fault === undefined)
        ? { witnesses, ...status }
        : undefined;
    });
    assert.deepEqual(log.witnesses.map(({ region }) => region).sort(), [
      'essex-suffolk',
      'london',
      'west-midlands',
    ]);
    assert.deepEqual([log.forks, log.unproved], [[], []]);
    const store = await openStore(config);
    const checkpoint = await store.checkpoints.latest(log.origin);
    await store.close();
    assert.ok(checkpoint);
    const key = createPublicKey(keyOf(federation, 'herts-west-essex', 'log'));
    assert.ok(openCheckpoint(checkpoint.note, { origin: log.origin, keys: [key] }).size >= length);
    const witnesses = (['london', 'essex-suffolk', 'west-midlands'] as const).map((region) => ({
      name: `${region}.wayleave.example/witness`,
      key: createPublicKey(keyOf(federation, region, 'witness')),
    }));
    assert.equal(cosignaturesOf(checkpoint.note, witnesses).length, 3);
  });

  it('sends the newest cosigned head with each response', async () => {
    await soon(async () => {
      await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
      const rows = await readAudit(federation.config('herts-west-essex'));
      const response = rows.findLast((row) => row.event === 'response-believed')?.values['response'] ?? '';
      const claims = JSON.parse(Buffer.from(response.split('.')[1] ?? '', 'base64url').toString()) as {
        checkpoint?: string;
      };
      return claims.checkpoint?.startsWith(`${LONDON_LOG}\n`) && claims.checkpoint.includes('/witness ')
        ? true
        : undefined;
    });
  });

  it('keeps the proof that the responder’s log holds its answer, and only of our own queries', async () => {
    const config = federation.config('herts-west-essex');
    const id = '7a1e5d0c-0000-4000-8000-0000000000aa';
    const asked = { headers: { 'X-Request-Id': id } };
    await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`, asked);
    const proved = await soon(async () => {
      const rows = await readAudit(config);
      return rows.find((row) => row.event === 'inclusion-proved' && row.exchange === id);
    });
    const { leaf, checkpoint } = proved.detail as { leaf: string; checkpoint: string };
    assert.equal((JSON.parse(leaf) as { event: string }).event, 'query-answered');
    assert.ok(checkpoint.startsWith(`${LONDON_LOG}\n`));
    const request = {
      path: '/federation/v1/inclusion',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ jtis: [proved.jti] }),
    };
    const of = async (region: RegionId) =>
      (await new TestNeighbour(federation, region).send('london', undefined, request)).body as unknown as {
        entries: { leaf: string }[];
      };
    assert.equal((await of('herts-west-essex')).entries[0]?.leaf, leaf);
    assert.deepEqual((await of('essex-suffolk')).entries, []);
  });

  it('refuses what is no checkpoint of the sender’s own log', async () => {
    const essex = new TestNeighbour(federation, 'essex-suffolk');
    const send = async (body: string) => {
      const request = {
        path: '/federation/v1/add-checkpoint',
        headers: { 'Content-Type': 'text/plain' },
        body,
      };
      return (await essex.send('herts-west-essex', undefined, request)).status;
    };
    const head = { origin: LONDON_LOG, size: 1, root: randomBytes(32) };
    const signedByLondon = signCheckpoint(head, keyOf(federation, 'london', 'log'));
    const ofEssex = { ...head, origin: 'essex-suffolk.wayleave.example/log/1' };
    const byAnother = signCheckpoint(ofEssex, keyOf(federation, 'essex-suffolk', 'witness'));
    assert.equal(await send(formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: signedByLondon })), 404);
    assert.equal(await send(formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: byAnother })), 403);
    assert.equal(await send('old 0\n\nnothing'), 400);
    assert.equal(await send(''), 400);
  });
});

describe('a log that grows fast', () => {
  it('is cosigned after a number of entries, long before the time', async () => {
    const federation = await startFederation({
      regions: ['herts-west-essex', 'london'],
      edit: (_region, config) => Object.assign(config, { checkpoint_ms: 120_000, checkpoint_entries: 3 }),
    });
    const viewer = new TestViewer(federation, 'herts-west-essex', 'hwe-viewer');
    const cosigned = async () => {
      const { witnesses } = await logOf(federation, 'herts-west-essex');
      return witnesses.find(({ region }) => region === 'london')?.size ?? 0;
    };
    assert.equal(await cosigned(), 0);
    await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
    const { length } = await readAudit(federation.config('herts-west-essex'));
    await soon(async () => (await cosigned()) >= length || undefined);
    viewer.close();
    await federation.stop();
  });
});

describe('a log that lies to its witnesses', () => {
  let federation: TestFederation;
  const at: RegionId[] = ['herts-west-essex', 'essex-suffolk'];
  beforeEach(async () => {
    federation = await startFederation({
      edit: (_region, config) => void (config['checkpoint_ms'] = ROUND_MS),
    });
  });
  afterEach(() => federation.stop());

  /** What London would show if its log were these leaves. */
  function headOf(leaves: readonly string[]): string {
    const frontier = append(
      emptyFrontier(),
      leaves.map((leaf) => leafHash(Buffer.from(leaf))),
    );
    return signCheckpoint(
      { origin: LONDON_LOG, size: leaves.length, root: rootOf(frontier) },
      keyOf(federation, 'london', 'log'),
    );
  }

  /** London, in the hands of a test, shows a head as the first that the witness sees. */
  async function show(to: RegionId, checkpoint: string): Promise<number> {
    const body = formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint });
    const request = {
      path: '/federation/v1/add-checkpoint',
      headers: { 'Content-Type': 'text/plain' },
      body,
    };
    return (await new TestNeighbour(federation, 'london').send(to, undefined, request)).status;
  }

  /** A federation whose brokers have not seen London's true log. */
  async function withoutLondon(): Promise<void> {
    await federation.stopBroker('london');
    for (const region of at) {
      const file = federation.config(region).store.slice('sqlite:'.length);
      const database = new DatabaseSync(file);
      database.exec('DELETE FROM witnessed');
      database.close();
    }
  }

  it('that shows two neighbours two pasts of one length: both keep the proof and show it', async () => {
    await withoutLondon();
    const [one, other] = [headOf(['a', 'b', 'c']), headOf(['a', 'x', 'c'])];
    assert.equal(await show('herts-west-essex', one), 200);
    assert.equal(await show('essex-suffolk', other), 200);
    for (const region of at) {
      const forks = await soon(async () => {
        const { forks: seen } = await logOf(federation, region);
        return seen !== undefined && seen.length > 0 ? seen : undefined;
      });
      assert.equal(forks[0]?.origin, LONDON_LOG);
      const kept = await soon(async () => {
        const rows = await readAudit(federation.config(region));
        return rows.find(({ event }) => event === 'fork-seen');
      });
      const { held, seen } = kept.detail as { held: string; seen: string };
      assert.deepEqual([held, seen].sort(), [one, other].sort());
    }
  });

  it('that shows two pasts of two lengths, and cannot join them: both say that it is unproved', async () => {
    await withoutLondon();
    assert.equal(await show('herts-west-essex', headOf(['a', 'b', 'c'])), 200);
    assert.equal(await show('essex-suffolk', headOf(['a', 'x', 'c', 'd'])), 200);
    for (const region of at) {
      const unproved = await soon(async () => {
        const [first] = (await logOf(federation, region)).unproved;
        return first;
      });
      assert.equal(unproved.origin, LONDON_LOG);
    }
  });

  it('that shows one neighbour another past of the same length: refused, kept and shown there', async () => {
    await withoutLondon();
    assert.equal(await show('herts-west-essex', headOf(['a', 'b'])), 200);
    assert.equal(await show('herts-west-essex', headOf(['a', 'x'])), 409);
    const { forks } = await logOf(federation, 'herts-west-essex');
    assert.equal(forks?.[0]?.origin, LONDON_LOG);
  });

  it('whose store lost it: it is closed by what the neighbours hold', async () => {
    const config = federation.config('london');
    await soon(async () => {
      const { witnesses } = await logOf(federation, 'london');
      return witnesses.every(({ size, fault }) => size > 0 && fault === undefined) || undefined;
    });
    await federation.stopBroker('london');
    const database = new DatabaseSync(config.store.slice('sqlite:'.length));
    database.exec(
      'DELETE FROM log_entry; DELETE FROM log_sealed; DELETE FROM log; DELETE FROM log_tile; ' +
        'DELETE FROM checkpoint; DELETE FROM open_work',
    );
    database.close();
    await federation.startBroker('london');
    const { closed, ready } = await federation.broker('london').status();
    assert.deepEqual([ready, closed?.why], [false, 'behind']);
  });

  it('that leaves an exchange out: the asker says that it was not proved', async () => {
    const viewer = new TestViewer(federation, 'herts-west-essex', 'hwe-viewer');
    const id = '7a1e5d0c-0000-4000-8000-0000000000ab';
    const london = federation.config('london').store.slice('sqlite:'.length);
    const asked = viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`, {
      headers: { 'X-Request-Id': id },
    });
    await asked;
    viewer.close();
    const database = new DatabaseSync(london);
    database.exec("UPDATE log_entry SET jti = NULL WHERE event = 'query-answered'");
    database.close();
    const said = await soon(async () => {
      const rows = await readAudit(federation.config('herts-west-essex'));
      return rows.find((row) => row.event === 'inclusion-not-proved' && row.exchange === id);
    });
    assert.equal(said.region, 'london');
  });

  it('that was changed behind the broker’s back is not written on: the start says where it is broken', async () => {
    const { store: place } = federation.config('london');
    await federation.stopBroker('london');
    const database = new DatabaseSync(place.slice('sqlite:'.length));
    const change = database.prepare(
      'UPDATE log_entry SET leaf = ? WHERE sequence = (SELECT max(sequence) FROM log_entry)',
    );
    change.run(Buffer.from('{"seq":0,"event":"started"}'));
    database.exec('DELETE FROM checkpoint');
    database.close();
    await assert.rejects(federation.startBroker('london'), (error: Error) => {
      assert.equal(error.name, 'StartError');
      return /broken at entry \d+/.test(error.message);
    });
  });
});
