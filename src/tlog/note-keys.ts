import { createPublicKey, hash, type KeyObject } from 'node:crypto';

import { EvidenceError } from '../errors.ts';
import { decodeBase64 } from './base64.ts';
import { isKeyName } from './note.ts';

/** Signature type identifier bytes (C2SP signed-note, "Signature types") that are used here. */
export const SIGNATURE_TYPE = { ed25519: 0x01, cosignature: 0x04 } as const;
export type SignatureType = (typeof SIGNATURE_TYPE)[keyof typeof SIGNATURE_TYPE];

const PUBLIC_KEY_BYTES = 32;

/** A public key that may sign notes, in one way, under one name. */
export interface VerifierKey {
  readonly name: string;
  readonly type: SignatureType;
  /** As in a signature line: unsigned 32-bit. */
  readonly id: number;
  /** Ed25519. */
  readonly publicKey: KeyObject;
}

/**
 * The verifier key of a name, a type and an Ed25519 public key.
 *
 * @throws TypeError for a name that no key may have, or a key that is not an Ed25519 public key.
 */
export function verifierKey(name: string, type: SignatureType, publicKey: KeyObject): VerifierKey {
  return { name, type, id: keyId(name, type, publicKey), publicKey };
}

/**
 * SHA-256(name || 0x0A || type || public key)[:4] as an unsigned 32-bit number (C2SP signed-note, "Signatures").
 *
 * @throws TypeError as `verifierKey`.
 */
export function keyId(name: string, type: SignatureType, publicKey: KeyObject): number {
  if (!isKeyName(name)) throw new TypeError('a key name has no space, plus or control character');
  const named = Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(type), rawPublicKey(publicKey)]);
  return hash('sha256', named, 'buffer').readUInt32BE();
}

/**
 * The 32 bytes of an Ed25519 public key (RFC 8032, 5.1.5).
 *
 * @throws TypeError for a private key or one of another kind.
 */
export function rawPublicKey(key: KeyObject): Buffer {
  if (key.type !== 'public' || key.asymmetricKeyType !== 'ed25519') {
    throw new TypeError('an Ed25519 public key is needed');
  }
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
}

/** A verifier key as text: `<name>+<hex key id>+<base64(type || public key)>` (C2SP signed-note, "Verifier keys"). */
export function formatVerifierKey({ name, type, id, publicKey }: VerifierKey): string {
  const material = Buffer.concat([Buffer.of(type), rawPublicKey(publicKey)]);
  return `${name}+${id.toString(16).padStart(8, '0')}+${material.toString('base64')}`;
}

/**
 * Reads a verifier key's text form.
 *
 * @throws EvidenceError `malformed` for another form or a key id that is not the key's; `alg-refused` for a
 *   signature type other than Ed25519 (0x01) and cosignature/v1 (0x04).
 */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name = '', hexId = '', base64 = ''] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? [];
  const material = decodeBase64(base64);
  const type = material?.[0];
  if (!isKeyName(name) || material === undefined || type === undefined) throw malformed();
  if (!isSignatureType(type)) throw new EvidenceError('alg-refused', 'verifier key');
  if (material.length !== 1 + PUBLIC_KEY_BYTES) throw malformed();
  const key = verifierKey(name, type, publicKeyOf(material.subarray(1)));
  if (key.id !== Number.parseInt(hexId, 16)) throw malformed();
  return key;
}

const malformed = (): EvidenceError => new EvidenceError('malformed', 'verifier key');

function isSignatureType(type: number): type is SignatureType {
  return Object.values<number>(SIGNATURE_TYPE).includes(type);
}

function publicKeyOf(raw: Buffer): KeyObject {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') };
  return createPublicKey({ key: jwk, format: 'jwk' });
}
