import assert from 'node:assert/strict';

import { auditLogIn, openStore } from '../../src/broker.ts';
import { loadConfig } from '../../src/config/load.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { append, emptyFrontier, rootOf } from '../../src/tlog/frontier.ts';
import { leafHash } from '../../src/tlog/merkle.ts';
import { ASKING, configFile } from '../bench/places.ts';
import { readLeaf, type Leaf } from '../../src/audit/entry.ts';
import type { KillRun } from './kills.ts';

const AT_ONCE = 5_000;

/** A whole log, which is what its head says: numbered without a gap, under the root of its leaves. */
async function wholeLog(region: RegionId): Promise<Leaf[]> {
  const config = loadConfig(configFile(region));
  const store = await openStore(config);
  try {
    const { origin } = await auditLogIn(store, config, loadSecrets(config.secretsDirectory));
    const leaves: Leaf[] = [];
    let frontier = emptyFrontier();
    for (let stored; (stored = await store.log.entries(origin, leaves.length, AT_ONCE)).length > 0;) {
      frontier = append(
        frontier,
        stored.map(({ leaf }) => leafHash(leaf)),
      );
      leaves.push(...stored.map(({ leaf }) => readLeaf(leaf)));
    }
    assert.ok(
      leaves.every(({ seq }, nth) => seq === nth),
      `${region}: numbered without a gap`,
    );
    const head = await store.log.head(origin);
    assert.equal(head.size, leaves.length);
    assert.deepEqual(Buffer.from(head.root), rootOf(frontier), `${region}: the head is the leaves'`);
    assert.deepEqual(await store.log.openWork(origin, 10), [], `${region}: nothing is left open`);
    return leaves;
  } finally {
    await store.close();
  }
}

/**
 * After any number of kills: every answer that the viewer had is in the asker's log; every response that the asker
 * believed is in the responder's; and no log has lost or doubled an entry.
 */
export async function checkLogs(run: KillRun): Promise<{ believed: number; interrupted: number }> {
  const [asker, responder] = [await wholeLog(ASKING), await wholeLog('london')];
  const released = new Set(
    asker.filter(({ event }) => event === 'released-to-viewer').map((one) => one.exchange),
  );
  const lost = run.answered.filter((id) => !released.has(id));
  assert.deepEqual(lost, [], 'answers without an entry');

  const believed = asker.filter(({ event, region }) => event === 'response-believed' && region === 'london');
  const given = responder.filter(({ event }) => event === 'query-answered');
  const digests = new Set(given.map((one) => one.response_digest));
  assert.equal(digests.size, given.length, 'an answer that is in the log twice');
  assert.equal(new Set(given.map(({ jti }) => jti)).size, given.length, 'a query that was answered twice');
  const unkept = believed.filter((one) => !digests.has(one.response_digest));
  assert.deepEqual(
    unkept.map(({ jti }) => jti),
    [],
    'responses that were believed and are in no log of the responder',
  );

  const received = responder.filter(({ event }) => event === 'query-received');
  assert.equal(
    new Set(received.map(({ jti }) => jti)).size,
    received.length,
    'a query that was received twice',
  );
  const both = [...asker, ...responder];
  return {
    believed: believed.length,
    interrupted: both.filter(({ event }) => event === 'interrupted').length,
  };
}
