import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the ports that systems give to outgoing connections and to listeners on port 0, so that nothing else takes
 * one between its being looked at and its use, but for another who chooses here.
 */
const [LOWEST, BEYOND] = [20_000, 32_000];
/** Test files run beside each other: what one of them left to be looked for must not be found at another's. */
const RANGES = 4;
const RANGE = Math.floor((BEYOND - LOWEST) / RANGES);
const OURS = LOWEST + (Number(process.env['MOCHA_WORKER_ID'] ?? 0) % RANGES) * RANGE;
const MOST_TRIES = 1_000;

/** Ports of 127.0.0.1 that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries += 1) {
    if (tries === MOST_TRIES + count) throw new Error('no free ports were found');
    const port = randomInt(OURS, OURS + RANGE);
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
