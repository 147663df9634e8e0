import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

import { decrypt, encrypt } from './encryption.ts';

/**
 * Seals small state that leaves the broker and comes back: cursors and page links. AES-256-GCM; the binding is
 * authenticated, not carried, so that a seal opens only for the same caller, patient and search.
 */
export class Sealer {
  readonly #key: KeyObject;

  /** @param key 32 random bytes @throws TypeError for any other length */
  constructor(key: Buffer) {
    if (key.length !== 32) throw new TypeError('a sealing key has 32 bytes');
    this.#key = createSecretKey(key);
  }

  /** @param until milliseconds since the epoch after which the seal no longer opens */
  seal(state: unknown, binding: readonly string[], until: number): string {
    const text = JSON.stringify([Math.ceil(until / 1000), state]);
    return encrypt(this.#key, Buffer.from(text), bindingOf(binding)).toString('base64url');
  }

  /** The state, or undefined when the seal is not ours, is bound to something else, or has expired. */
  open(sealed: string, binding: readonly string[], now: number): unknown {
    const text = decrypt(this.#key, Buffer.from(sealed, 'base64url'), bindingOf(binding));
    if (text === undefined) return undefined;
    const [until, state] = JSON.parse(text.toString()) as [number, unknown];
    return until * 1000 > now ? state : undefined;
  }
}

function bindingOf(binding: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(binding));
}

/** A keyed digest (HMAC-SHA-256): finds a patient's rows without naming the patient. */
export function keyedDigest(key: KeyObject | Buffer, value: string): string {
  return keyedDigestBytes(key, value).toString('base64url');
}

/** The same as 32 bytes. */
export function keyedDigestBytes(key: KeyObject | Buffer, value: string): Buffer {
  return createHmac('sha256', key).update(value).digest();
}
