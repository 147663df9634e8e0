import http from 'node:http';
import https from 'node:https';

import { startDeadline } from '../deadline.ts';
import { DeliveryError } from '../errors.ts';
import { MOST_CRL_BYTES } from '../trust/crl.ts';
import { exchange } from './exchange.ts';

const FETCH_MS = 30_000;

/**
 * Fetches a revocation list, which nobody has verified yet. Redirects are not followed.
 *
 * @param withinMs default half a minute
 * @throws DeliveryError
 */
export async function fetchCrl(url: string, withinMs = FETCH_MS): Promise<Buffer> {
  using deadline = startDeadline(withinMs);
  const agent = url.startsWith('https:')
    ? new https.Agent({ rejectUnauthorized: true })
    : new http.Agent({ keepAlive: false });
  try {
    const { status, body } = await exchange(
      { method: 'GET', url, agent, mostBytes: MOST_CRL_BYTES },
      deadline,
    );
    if (status === 200) return body;
    throw new DeliveryError(status < 500 ? 'peer-refused' : 'peer-failed');
  } finally {
    agent.destroy();
  }
}
