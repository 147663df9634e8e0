import { EvidenceError } from '../../errors.ts';
import { sha256 } from '../../evidence/digests.ts';
import { verifyingKey } from '../../evidence/keys.ts';
import { readHeader } from '../../evidence/jws.ts';
import { verifyStatement } from '../../evidence/statement.ts';
import { witnessName } from '../../tlog/origin.ts';
import { SIGNATURE_TYPE, verifierKey, type VerifierKey } from '../../tlog/note-keys.ts';
import {
  entityStatement,
  type BrokerMetadata,
  type EntityStatement,
  type PublicJwk,
} from '../../trust/entity-statement.ts';

/** A region as a statement shows it that its own federation key signed. */
export interface SelfSigned {
  readonly token: string;
  readonly statement: EntityStatement;
  readonly entity: string;
  readonly broker: BrokerMetadata;
  /** Of the federation key that signed (RFC 7638): to be compared with what the region tells by another way. */
  readonly thumbprint: string;
}

/**
 * Verifies a statement by the key that it holds itself. That proves that it is whole, and not whose it is: for that
 * the key's thumbprint must be known from elsewhere.
 *
 * @throws EvidenceError
 */
export async function readSelfSigned(token: string): Promise<SelfSigned> {
  const claimed = entityStatement.safeParse(payloadOf(token));
  if (!claimed.success) throw new EvidenceError('bad-claims', 'entity statement');
  const { iss, iat, jwks } = claimed.data;
  const statement = await verifyStatement(token, jwks.keys, iss, iat * 1000);
  const { kid } = readHeader(token);
  const key = jwks.keys.find((one) => one.kid === kid);
  if (key === undefined || token !== token.trim()) throw new EvidenceError('malformed', 'entity statement');
  const broker = statement.metadata.wayleave_broker;
  return { token, statement, entity: statement.sub, broker, thumbprint: jwkThumbprint(key) };
}

function payloadOf(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  } catch (cause) {
    throw new EvidenceError('malformed', 'entity statement', { cause });
  }
}

/** SHA-256 of the key's required members, in their order (RFC 7638), base64url. */
export function jwkThumbprint({ crv, kty, x, y }: PublicJwk): string {
  return sha256(JSON.stringify(kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x }));
}

/** The keys that may sign a checkpoint of a log, and cosign it, as some statements list them. */
export async function checkpointKeys(
  origin: string,
  owner: SelfSigned | undefined,
  witnesses: readonly SelfSigned[],
): Promise<VerifierKey[]> {
  const own = await ed25519(owner?.broker.log_keys ?? [], origin, SIGNATURE_TYPE.ed25519);
  const others = await Promise.all(
    witnesses.map(({ entity, broker }) =>
      ed25519(broker.witness_keys, witnessName(entity), SIGNATURE_TYPE.cosignature),
    ),
  );
  return [...own, ...others.flat()];
}

async function ed25519(
  jwks: readonly PublicJwk[],
  name: string,
  type: VerifierKey['type'],
): Promise<VerifierKey[]> {
  const keys = await Promise.all(jwks.filter(({ crv }) => crv === 'Ed25519').map(verifyingKey));
  return keys.map((key) => verifierKey(name, type, key));
}
