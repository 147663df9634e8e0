import { EvidenceError, MaterialError } from '../errors.ts';
import type { EntityStatement, PublicJwk } from '../trust/entity-statement.ts';
import { claimedStatement, verifyStatement } from './statement.ts';

/**
 * A statement of our own that we hold, whatever its dates: signed by a federation key that is ours.
 *
 * @param keys our federation keys; by default those that it lists itself, which proves that it is whole
 * @throws MaterialError `statement-refused`
 */
export async function heldStatement(
  token: string,
  file: string,
  keys?: readonly PublicJwk[],
): Promise<EntityStatement> {
  try {
    const { iss, iat, jwks } = claimedStatement(token);
    return await verifyStatement(token, keys ?? jwks.keys, iss, iat * 1000);
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    throw new MaterialError(
      'statement-refused',
      `${file} is no entity statement that ${keys === undefined ? 'its own' : 'our'} federation key signed (${error.code}): ` +
        'name the one that was signed last.',
      { cause: error },
    );
  }
}
