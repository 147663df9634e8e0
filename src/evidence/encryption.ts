import { createCipheriv, createDecipheriv, randomBytes, type KeyObject } from 'node:crypto';

const NONCE = 12;
const TAG = 16;
/** Asking for random bytes costs as much for thousands as for one. */
const DRAWN = 4_096;
let drawn = Buffer.alloc(0);

/** Random bytes, none of which was given before. */
export function freshBytes(count: number): Buffer {
  if (count > DRAWN / 4) return randomBytes(count);
  if (drawn.length < count) drawn = randomBytes(DRAWN);
  const given = drawn.subarray(0, count);
  drawn = drawn.subarray(count);
  return given;
}

/**
 * AES-256-GCM: a nonce of 12 random bytes, the ciphertext, a tag of 16 bytes. The binding is authenticated, not carried.
 *
 * @param key as an object: Node takes three times as long to find out what a plain Buffer is
 */
export function encrypt(key: KeyObject, plain: Uint8Array, binding: Uint8Array): Buffer {
  const nonce = freshBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(binding);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** What `encrypt` was given, or undefined where the key, the binding or a byte is another. */
export function decrypt(key: KeyObject, sealed: Uint8Array, binding: Uint8Array): Buffer | undefined {
  try {
    const bytes = Buffer.from(sealed);
    const end = bytes.length - TAG;
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE), { authTagLength: TAG });
    decipher.setAAD(binding).setAuthTag(bytes.subarray(end));
    return Buffer.concat([decipher.update(bytes.subarray(NONCE, end)), decipher.final()]);
  } catch {
    return undefined;
  }
}
