import { verify, type KeyObject, type X509Certificate } from 'node:crypto';

import { factsOf, SIGNATURES } from './certificate-facts.ts';
import { CrlRefused } from './crl-refused.ts';
import { NotDer } from './der.ts';
import { readCrl, type ReadCrl, type Revoked } from './read-crl.ts';

/** A complete list of revoked certificates (RFC 5280, 5) whose signature was verified. */
export interface Crl extends Pick<ReadCrl, 'thisUpdate' | 'nextUpdate' | 'number'> {
  /** Of `CertificateFacts`: whose list it is. */
  readonly authority: string;
  /** By serial number, as `CertificateFacts` has it. */
  readonly revoked: ReadonlyMap<string, Revoked>;
}

export const MOST_CRL_BYTES = 10 * 1024 * 1024;

/**
 * Believes a list, DER or PEM, if one of the authorities signed it. The signature is verified before the entries are
 * read. A list from a little in the future is believed: its signer knows of revocations what our clock cannot undo.
 *
 * @param authorities the anchors of the party whose list it should be, and its issuers below them
 * @throws CrlRefused
 */
export function believeCrl(bytes: Buffer, authorities: readonly X509Certificate[]): Crl {
  if (bytes.length > MOST_CRL_BYTES) throw new CrlRefused('crl-too-large');
  const read = reading(() => readCrl(derOf(bytes)));
  const signer = authorities.find((one) => factsOf(one).subject.equals(read.issuer) && signedBy(read, one));
  if (signer === undefined) {
    const named = authorities.some((one) => factsOf(one).subject.equals(read.issuer));
    throw new CrlRefused(named ? 'crl-signature' : 'crl-issuer');
  }
  const { thisUpdate, nextUpdate, number } = read;
  return {
    ...{ thisUpdate, nextUpdate, number, authority: factsOf(signer).authority },
    revoked: reading(() => read.entries()),
  };
}

/**
 * A list never gives way to an older one of the same authority: replayed, it would take revocations back.
 *
 * @throws CrlRefused `crl-older`
 */
export function assertNotOlder(offered: Crl, held: Crl): void {
  if (isOlder(offered, held)) throw new CrlRefused('crl-older');
}

/** By either measure: a lower number (RFC 5280, 5.2.3), or made earlier. */
export function isOlder(one: Crl, other: Crl): boolean {
  const lower = one.number !== undefined && other.number !== undefined && one.number < other.number;
  return lower || one.thisUpdate < other.thisUpdate;
}

function reading<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof NotDer)) throw error;
    throw new CrlRefused('crl-unreadable', { cause: error });
  }
}

const PEM = /^-----BEGIN X509 CRL-----\s+([A-Za-z0-9+/=\s]+)-----END X509 CRL-----\s*$/;

function derOf(bytes: Buffer): Buffer {
  if (bytes[0] !== '-'.charCodeAt(0)) return bytes;
  const body = PEM.exec(bytes.toString('latin1'))?.[1];
  if (body === undefined) throw new NotDer('PEM');
  return Buffer.from(body, 'base64');
}

function signedBy({ algorithm, signed, signature }: ReadCrl, authority: X509Certificate): boolean {
  const how = SIGNATURES[algorithm];
  if (how === undefined) throw new CrlRefused('crl-algorithm');
  const { strongKey, signsLists } = factsOf(authority);
  const key: KeyObject = authority.publicKey;
  if (!strongKey || !signsLists || !authority.ca || key.asymmetricKeyType !== how.key) return false;
  return verify(how.hash, signed, key, signature);
}
