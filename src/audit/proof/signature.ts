import { EvidenceError } from '../../errors.ts';
import { readHeader } from '../../evidence/jws.ts';
import type { PublicJwk } from '../../trust/entity-statement.ts';
import type { SelfSignedRegion } from './statements.ts';

/** A signature of a message that was verified: by which key, when by its own word, and over which connection. */
export interface Signature {
  readonly name: 'query' | 'response';
  /** Of the entry that keeps the message. */
  readonly sequence: number;
  readonly from: SelfSignedRegion;
  readonly key: PublicJwk;
  /** True when a statement that lists the key spoke at the time. */
  readonly listedThen: boolean;
  /** Seconds since the epoch. */
  readonly iat: number;
  /** Of the certificate that the sender bound the message to (RFC 8705 `x5t#S256`). */
  readonly thumbprint: string;
}

/** What a message says of its signer, unverified: only good for finding what it is to be verified with. */
export interface Claimed {
  readonly kid: string | undefined;
  readonly iat: number | undefined;
  readonly thumbprint: string | undefined;
}

export function claimedBy(token: string): Claimed {
  const { kid } = headerOf(token);
  const { iat, cnf } = payloadOf(token);
  const thumbprint = (cnf as { readonly 'x5t#S256'?: unknown } | undefined)?.['x5t#S256'];
  return {
    kid: typeof kid === 'string' ? kid : undefined,
    iat: typeof iat === 'number' ? iat : undefined,
    thumbprint: typeof thumbprint === 'string' ? thumbprint : undefined,
  };
}

function headerOf(token: string): { readonly kid?: unknown } {
  try {
    return readHeader(token);
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    return {};
  }
}

function payloadOf(token: string): { readonly iat?: unknown; readonly cnf?: unknown } {
  try {
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
    return (JSON.parse(payload) ?? {}) as { iat?: unknown; cnf?: unknown };
  } catch {
    return {};
  }
}
