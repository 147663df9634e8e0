import https from 'node:https';

import { startDeadline } from '../deadline.ts';
import { DeliveryError } from '../errors.ts';
import { exchange } from './exchange.ts';

/** Where a statement is served (OpenID Federation 1.0, section 9). */
export const STATEMENT_PATH = '/.well-known/openid-federation';

const FETCH_MS = 5_000;
/** One with dozens of records, anchors and keys is some tens of KiB. */
const MOST_BYTES = 256 * 1024;

/**
 * A statement is believed for its signature alone, and whoever missed a change of authorities must still be able to fetch
 * the cure: so the certificate of whoever serves it is not judged. Nothing but a statement is ever fetched over this.
 */
const unjudged = new https.Agent({ rejectUnauthorized: false, maxCachedSessions: 0, keepAlive: false });

/**
 * Fetches the text of an entity statement; nothing of it is verified.
 *
 * @param base an https address; the path is added to it
 * @throws DeliveryError
 */
export async function fetchStatement(base: string, withinMs = FETCH_MS): Promise<string> {
  using deadline = startDeadline(withinMs);
  const url = `${base.replace(/\/+$/, '')}${STATEMENT_PATH}`;
  const answer = await exchange({ method: 'GET', url, agent: unjudged, mostBytes: MOST_BYTES }, deadline);
  if (answer.status !== 200) throw new DeliveryError('peer-failed', 'statement');
  return answer.body.toString('utf8').trim();
}
