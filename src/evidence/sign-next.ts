import { MaterialError } from '../errors.ts';
import { publicJwk, type EntityStatement, type PublicJwk } from '../trust/entity-statement.ts';
import { publicHalf } from '../trust/signing-key.ts';
import type { StatementRequest } from '../trust/statement-request.ts';
import { importSigner } from './keys.ts';
import { nextStatement } from './next-statement.ts';
import { signStatement, verifyStatement } from './statement.ts';
import { statementChanges, type StatementChange } from './statement-changes.ts';

export interface SigningWish {
  readonly request: StatementRequest;
  readonly former: EntityStatement | undefined;
  /** The federation key, opened. */
  readonly federationKey: object;
  readonly added: readonly PublicJwk[];
  readonly dropped: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface SignedNext {
  readonly statement: EntityStatement;
  readonly token: string;
  readonly changes: readonly StatementChange[];
}

/**
 * Signs the entity statement that follows a former one, and believes it only after verifying it as a neighbour would.
 *
 * @throws MaterialError
 */
export async function signNext({ federationKey, ...wish }: SigningWish): Promise<SignedNext> {
  const statement = nextStatement({ ...wish, signingKey: publicOf(federationKey) });
  const token = signStatement(await importSigner(federationKey), statement);
  await verifyStatement(token, wish.former?.jwks.keys ?? statement.jwks.keys, statement.sub, wish.now);
  return { statement, token, changes: statementChanges(wish.former, statement) };
}

function publicOf(federationKey: object): PublicJwk {
  try {
    return publicJwk.parse(publicHalf(federationKey));
  } catch {
    throw new MaterialError('key-unreadable', 'The federation key is no private ES256 or EdDSA JWK.');
  }
}
