import { createHash, createSecretKey, hash, type KeyObject } from 'node:crypto';

import { StartError } from '../errors.ts';
import { decrypt, encrypt, freshBytes } from '../evidence/encryption.ts';
import type { SealedValues } from '../store/contracts.ts';

/**
 * What an entry commits to without saying it: SHA-256 of a 128-bit random salt and the value. Salt and value are
 * encrypted under a key of the entry's own (AES-256-GCM), and that key is wrapped by one of the secrets. So proofs
 * need no key, a stolen database names nobody, and deleting an entry's wrapped key erases what it holds.
 */
export type Values = Readonly<Record<string, string>>;

/** A value with the salt that its commitment was made with (base64url). */
export interface Opened {
  readonly salt: string;
  readonly value: string;
}

/** An entry's own key, encrypted under one of the secrets. */
export type WrappedKey = Pick<SealedValues, 'wrappedBy' | 'wrappedKey'>;

const SALT = 16;
const KEY = 32;

/** Keys that wrap entries' keys: the first wraps what is new, the others open what is older. */
export class Keyring {
  readonly #current: { id: string; key: KeyObject };
  readonly #keys: ReadonlyMap<string, KeyObject>;

  /** @param keys 32 random bytes each, the current one first */
  constructor(keys: readonly Buffer[]) {
    const [first] = keys;
    if (first === undefined || keys.some((key) => key.length !== KEY)) {
      throw new StartError('secrets: audit.keys has no key of 32 bytes: write 32 random bytes in base64url.');
    }
    this.#keys = new Map(keys.map((key) => [keyId(key), createSecretKey(key)]));
    this.#current = { id: keyId(first), key: createSecretKey(first) };
  }

  /** Name of the key that wraps what is new. */
  get current(): string {
    return this.#current.id;
  }

  /** Names of the other keys. */
  get former(): string[] {
    return [...this.#keys.keys()].filter((id) => id !== this.#current.id);
  }

  wrap(key: Buffer): WrappedKey {
    return { wrappedBy: this.#current.id, wrappedKey: encrypt(this.#current.key, key, NOTHING) };
  }

  /** The entry's own key; undefined when its wrapping key is not among ours, or it does not open. */
  unwrap({ wrappedBy, wrappedKey }: WrappedKey): KeyObject | undefined {
    const key = this.#keys.get(wrappedBy);
    const opened = key === undefined ? undefined : decrypt(key, wrappedKey, NOTHING);
    return opened === undefined ? undefined : createSecretKey(opened);
  }
}

/** Names a key without telling anything of it. */
export function keyId(key: Buffer): string {
  return createHash('sha256').update('wayleave audit key id').update(key).digest('hex').slice(0, 16);
}

/** @returns the commitments for the leaf, and what the store keeps beside it */
export function seal(values: Values, keyring: Keyring): { commitments: Values; sealed: SealedValues } {
  const names = Object.keys(values);
  const random = freshBytes(KEY + SALT * names.length);
  const key = random.subarray(0, KEY);
  const opened: Record<string, Opened> = {};
  const commitments: Record<string, string> = {};
  names.forEach((name, nth) => {
    const salt = random.subarray(KEY + SALT * nth, KEY + SALT * (nth + 1));
    const value = values[name] ?? '';
    commitments[name] = commitment(salt, value);
    opened[name] = { salt: salt.toString('base64url'), value };
  });
  const ciphertext = encrypt(
    createSecretKey(key),
    Buffer.from(JSON.stringify(opened)),
    bindingOf(commitments),
  );
  return { commitments, sealed: { ...keyring.wrap(key), ciphertext } };
}

/**
 * Opens what was sealed and holds each value against its commitment in the leaf.
 *
 * @returns undefined when it cannot be opened: erased, another key, or not what the leaf commits to
 */
export function unseal(
  sealed: SealedValues | undefined,
  commitments: Values,
  keyring: Keyring,
): Readonly<Record<string, Opened>> | undefined {
  const key = sealed === undefined ? undefined : keyring.unwrap(sealed);
  if (sealed === undefined || key === undefined) return undefined;
  const text = decrypt(key, sealed.ciphertext, bindingOf(commitments));
  if (text === undefined) return undefined;
  const opened = JSON.parse(text.toString('utf8')) as Record<string, Opened>;
  return Object.entries(opened).every(([name, one]) => commits(commitments[name], one)) ? opened : undefined;
}

/** True when `expected`, from a leaf, is the commitment to this salt and value. */
export function commits(expected: string | undefined, { salt, value }: Opened): boolean {
  const bytes = Buffer.from(salt, 'base64url');
  return bytes.length === SALT && expected === commitment(bytes, value);
}

function commitment(salt: Buffer, value: string): string {
  return hash('sha256', Buffer.concat([salt, Buffer.from(value)]), 'base64url');
}

const NOTHING = Buffer.alloc(0);

/** Ties the ciphertext to its own leaf: moved to another it does not open. */
function bindingOf(commitments: Values): Buffer {
  return Buffer.from(JSON.stringify(Object.values(commitments)));
}
