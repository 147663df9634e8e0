import type { LogStore } from '../../store/contracts.ts';
import { leafOf } from '../entry.ts';
import { walk } from '../walk.ts';

/** A response that we believed, and whose place in the responder's log is not proved to us yet. */
export interface Awaited {
  /** Our id of the request. */
  readonly exchange: string;
  readonly jti: string;
  /** Of the response's signing input, base64url. */
  readonly responseDigest: string;
}

export interface Believed extends Awaited {
  readonly region: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** The most proofs that are held in memory to know which responses have one: the newest are looked at first. */
const MOST_PROVED = 1_000_000;

/**
 * What one log says was believed since a time and does not say was proved, nor that it could not be; newest first.
 *
 * @param since milliseconds since the epoch
 */
export async function* unprovedIn(
  store: Pick<LogStore, 'search'>,
  log: string,
  since: number,
): AsyncGenerator<Believed, void, undefined> {
  const span = { log, from: since, to: Number.MAX_SAFE_INTEGER };
  const settled = new Set<string>();
  for (const event of ['inclusion-proved', 'inclusion-not-proved']) {
    for await (const { index } of walk(store, { ...span, event })) {
      if (index.jti !== undefined && settled.size < MOST_PROVED) settled.add(index.jti);
    }
  }
  for await (const entry of walk(store, { ...span, event: 'response-believed' })) {
    const { region, jti, exchange, at, response_digest: responseDigest } = leafOf(entry);
    if (region === undefined || jti === undefined || responseDigest === undefined) continue;
    if (!settled.has(jti)) yield { region, jti, exchange, at, responseDigest };
  }
}
