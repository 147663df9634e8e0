import tls, { type TLSSocket } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestListener } from 'node:http';

import { startFederation } from '../support/federation.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { quantile } from './audit-floor.ts';

/**
 * The time from an admin's revocation to the last byte that the revoked neighbour can get, at one broker: with idle
 * keep-alive connections open, and queries under way whose record has not answered. `npm run bench:revocation`.
 */
const ROUNDS = 20;
const IDLE = 20;
const UNDER_WAY = 8;
const WHOLE = { kind: 'neighbour' } as const;
const SAID = { by: 'officer-1', why: 'measured' };

/** A record that never answers a search. */
const silent: RequestListener = () => undefined;

const federation = await startFederation({
  regions: ['herts-west-essex', 'london'],
  records: { 'hwe-shared-care-record': silent },
});
const { trust, ports } = federation.broker('herts-west-essex');
const london = new TestNeighbour(federation, 'london');
const decided: number[] = [];
const last: number[] = [];
for (let round = 0; round < ROUNDS; round += 1) {
  const idle = await Promise.all(Array.from({ length: IDLE }, connected));
  const closed = idle.map((socket) => new Promise<void>((done) => void socket.once('close', () => done())));
  const cut = Array.from({ length: UNDER_WAY }, async () => {
    const search = [{ id: 'Condition', query: 'Condition' }];
    const query = await london.query('herts-west-essex', '9990000026', { search });
    return london.send('herts-west-essex', query).then(
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
const ms = (values: readonly number[]): string =>
  `median ${quantile(values, 0.5).toFixed(1)} ms, longest ${Math.max(...values).toFixed(1)} ms`;
console.log(`${ROUNDS} revocations, each with ${IDLE} idle connections and ${UNDER_WAY} queries under way:`);
console.log(`  on the disk and in the log: ${ms(decided)}`);
console.log(`  last connection closed, last query cut off: ${ms(last)}`);

async function connected(): Promise<TLSSocket> {
  const socket = tls.connect({
    ...{ port: ports.federation, host: '127.0.0.1', ...london.tls('herts-west-essex') },
    checkServerIdentity: () => undefined,
  });
  await new Promise((done, failed) => socket.once('secureConnect', done).once('error', failed));
  socket.on('error', () => undefined).resume();
  return socket;
}
