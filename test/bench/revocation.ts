import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestListener } from 'node:http';

import { logOrigin } from '../../src/tlog/origin.ts';
import { startFederation } from '../support/federation.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { startReplica } from '../support/replica.ts';
import { signAnew } from '../support/statement.ts';
import { errorCode } from '../support/viewer.ts';
import { quantile } from './audit-floor.ts';

/**
 * The time from an admin's revocation to the last byte that the revoked neighbour can get: at the broker that was told, with
 * idle keep-alive connections open and queries under way whose record has not answered; and at another replica of it.
 * `npm run bench:revocation`.
 */
const ROUNDS = 20;
const IDLE = 20;
const UNDER_WAY = 8;
const HWE = 'herts-west-essex';
const WHOLE = { kind: 'neighbour' } as const;
const SAID = { by: 'officer-1', why: 'measured' };

await atOneBroker();
await atAnotherReplica();

async function atOneBroker(): Promise<void> {
  /** A record that never answers a search. */
  const silent: RequestListener = () => undefined;
  const federation = await startFederation({
    regions: [HWE, 'london'],
    records: { 'hwe-shared-care-record': silent },
  });
  const { trust } = federation.broker(HWE);
  const london = new TestNeighbour(federation, 'london');
  const decided: number[] = [];
  const last: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const idle = await Promise.all(Array.from({ length: IDLE }, () => london.connect(HWE)));
    const closed = idle.map((socket) => new Promise<void>((done) => void socket.once('close', () => done())));
    const cut = Array.from({ length: UNDER_WAY }, async () => {
      const search = [{ id: 'Condition', query: 'Condition' }];
      const query = await london.query(HWE, '9990000026', { search });
      return london.send(HWE, query).then(
        () => 'answered',
        () => 'cut',
      );
    });
    await sleep(200);
    const started = performance.now();
    await trust.revoke('london', WHOLE, { reason: 'key-compromise' }, SAID);
    decided.push(performance.now() - started);
    const ends = await Promise.all(cut);
    await Promise.all(closed);
    last.push(performance.now() - started);
    if (ends.some((end) => end !== 'cut')) throw new Error('a query was answered after the revocation');
    await trust.reinstate('london', WHOLE, SAID);
  }
  await federation.stop();
  console.log(
    `${ROUNDS} revocations, each with ${IDLE} idle connections and ${UNDER_WAY} queries under way:`,
  );
  console.log(`  on the disk and in the log: ${ms(decided)}`);
  console.log(`  last connection closed, last query cut off: ${ms(last)}`);
}

async function atAnotherReplica(): Promise<void> {
  const store = await (await sharedPostgres()).newDatabase();
  const federation = await startFederation({
    regions: [HWE, 'london'],
    edit: (region, config) => {
      if (region === HWE) config['store'] = store;
    },
  });
  const log = logOrigin(federation.config(HWE).entity, '2');
  await signAnew(federation, HWE, ({ logs }) => ({ logs: [...logs, log] }));
  const replica = await startReplica(federation, HWE, '2');
  const { trust } = federation.broker(HWE);
  const london = new TestNeighbour(replica, 'london');
  const refused: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    // At any moment between two looks of the other.
    await sleep(Math.random() * 1_000);
    const idle = await london.connect(HWE);
    const query = await london.query(HWE, '9990000018');
    const started = performance.now();
    await Promise.all([
      once(idle, 'close'),
      trust.revoke('london', WHOLE, { reason: 'key-compromise' }, SAID),
    ]);
    refused.push(performance.now() - started);
    const { body } = await london.send(HWE, query);
    if (errorCode(body) !== 'neighbour-revoked') throw new Error('the other replica did not refuse');
    const back = replica.broker(HWE).trust;
    await trust.reinstate('london', WHOLE, SAID);
    while (back.brief().neighbours.find(({ region }) => region === 'london')?.state === 'revoked')
      await sleep(10);
  }
  await replica[Symbol.asyncDispose]();
  await federation.stop();
  console.log(`${ROUNDS} revocations at one of two replicas on PostgreSQL:`);
  console.log(`  the other has closed the connection, and refuses: ${ms(refused)}`);
}

function ms(values: readonly number[]): string {
  return `median ${quantile(values, 0.5).toFixed(1)} ms, longest ${Math.max(...values).toFixed(1)} ms`;
}
