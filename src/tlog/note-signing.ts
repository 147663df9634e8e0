import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

import { EvidenceError } from '../errors.ts';
import type { Note, NoteSignature } from './note.ts';
import { keyId, SIGNATURE_TYPE, type SignatureType, type VerifierKey } from './note-keys.ts';

const TIME_BYTES = 8;

/**
 * Signs a note's text (type 0x01, Ed25519 over the text).
 *
 * @param privateKey Ed25519.
 * @throws TypeError for another kind of key, or a name that no key may have.
 */
export function signText(text: string, name: string, privateKey: KeyObject): NoteSignature {
  const id = idOfSigner(name, SIGNATURE_TYPE.ed25519, privateKey);
  return { name, keyId: id, signature: sign(null, Buffer.from(text), privateKey) };
}

/**
 * Cosigns a checkpoint's text at a time (type 0x04, C2SP tlog-cosignature, "Ed25519 signed message").
 *
 * @param atSeconds Whole seconds since the epoch, more than 0: a cosignature must not leave out its time.
 * @throws TypeError for another kind of key or time, or a name that no key may have.
 */
export function cosignText(
  text: string,
  name: string,
  privateKey: KeyObject,
  atSeconds: number,
): NoteSignature {
  if (!Number.isSafeInteger(atSeconds) || atSeconds <= 0) throw new TypeError('a time is in whole seconds');
  const id = idOfSigner(name, SIGNATURE_TYPE.cosignature, privateKey);
  const time = Buffer.alloc(TIME_BYTES);
  time.writeBigUInt64BE(BigInt(atSeconds));
  const signature = sign(null, cosignedMessage(text, BigInt(atSeconds)), privateKey);
  return { name, keyId: id, signature: Buffer.concat([time, signature]) };
}

function idOfSigner(name: string, type: SignatureType, privateKey: KeyObject): number {
  return keyId(name, type, createPublicKey(privateKey));
}

function cosignedMessage(text: string, seconds: bigint): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${String(seconds)}\n${text}`);
}

export interface Verified {
  readonly key: VerifierKey;
  readonly signature: NoteSignature;
  /** Seconds since the epoch that a cosignature was made at; undefined for the other type. */
  readonly atSeconds: number | undefined;
}

/**
 * The signatures of a note by the keys that are known here, in the note's order. Those by other keys are passed
 * over, also where only the name or only the id is a known one's (C2SP signed-note, "Signatures").
 *
 * @throws EvidenceError `bad-signature` if one that bears a known key's name and id does not verify, or is a
 *   cosignature without a time: the whole note is then refused.
 */
export function verifiedSignatures(note: Note, keys: readonly VerifierKey[]): Verified[] {
  return note.signatures.flatMap((signature) =>
    keys
      .filter((key) => key.name === signature.name && key.id === signature.keyId)
      .map((key) => ({ key, signature, atSeconds: verifyOne(note.text, signature, key) })),
  );
}

function verifyOne(text: string, { signature }: NoteSignature, key: VerifierKey): number | undefined {
  if (key.type === SIGNATURE_TYPE.ed25519) {
    assertVerifies(Buffer.from(text), signature, key);
    return undefined;
  }
  if (signature.length <= TIME_BYTES) throw new EvidenceError('bad-signature', 'cosignature');
  const seconds = signature.readBigUInt64BE();
  assertVerifies(cosignedMessage(text, seconds), signature.subarray(TIME_BYTES), key);
  if (seconds === 0n || seconds > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new EvidenceError('bad-signature', 'time of a cosignature');
  }
  return Number(seconds);
}

function assertVerifies(message: Buffer, signature: Buffer, key: VerifierKey): void {
  if (!verify(null, message, key.publicKey, signature)) throw new EvidenceError('bad-signature', 'note');
}
