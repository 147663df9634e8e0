import { EvidenceError } from '../errors.ts';
import {
  entityStatement,
  STATEMENT_TYP,
  type EntityStatement,
  type PublicJwk,
} from '../trust/entity-statement.ts';
import type { Signer } from './keys.ts';
import { signMessage, verifySignature } from './message.ts';

/** Signs an entity statement with the federation key, which lives off the running brokers. */
export function signStatement(federationKey: Signer, statement: EntityStatement): string {
  return signMessage(federationKey, STATEMENT_TYP, statement).token;
}

/**
 * Verifies a neighbour's entity statement against its pinned federation keys (OpenID Federation 1.0).
 *
 * @param entity the entity identifier that the pin is for
 * @throws EvidenceError; a statement out of its dates is `not-fresh`
 */
export async function verifyStatement(
  token: string,
  pinned: readonly PublicJwk[],
  entity: string,
  now: number,
): Promise<EntityStatement> {
  const { header, payload } = await verifySignature(token.trim(), (kid) =>
    pinned.find((key) => key.kid === kid),
  );
  if (header.typ !== STATEMENT_TYP) throw new EvidenceError('wrong-typ');
  const parsed = entityStatement.safeParse(JSON.parse(new TextDecoder().decode(payload)));
  if (!parsed.success) throw new EvidenceError('bad-claims', 'entity statement');
  const statement = parsed.data;
  if (statement.iss !== entity || statement.sub !== entity) throw new EvidenceError('wrong-issuer');
  if (statement.iat * 1000 > now || statement.exp * 1000 <= now) throw new EvidenceError('not-fresh');
  return statement;
}

/**
 * What a statement says of itself, unverified: only good for finding the keys that it must be verified with.
 *
 * @throws EvidenceError `malformed`, `bad-claims`
 */
export function claimedStatement(token: string): EntityStatement {
  const claimed = entityStatement.safeParse(payloadOf(token));
  if (claimed.success) return claimed.data;
  throw new EvidenceError('bad-claims', 'entity statement');
}

function payloadOf(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  } catch (cause) {
    throw new EvidenceError('malformed', 'entity statement', { cause });
  }
}
