import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';

import { decrypt, encrypt } from './encryption.ts';

/**
 * Keeps an NHS number in a store that otherwise knows patients by digest alone, where it will be needed again: to tell a
 * home region. AES-256-GCM under a key of its own, made from the key of patient digests (HKDF, RFC 5869).
 */
export class PatientNumberSeal {
  readonly #key: KeyObject;

  /** @param digestKey 32 random bytes */
  constructor(digestKey: Buffer) {
    this.#key = createSecretKey(
      Buffer.from(hkdfSync('sha256', digestKey, '', 'wayleave-patient-number', 32)),
    );
  }

  /** @param patient the digest that the row has: the seal opens in no other row */
  seal(nhsNumber: string, patient: string): Uint8Array {
    return encrypt(this.#key, Buffer.from(nhsNumber), Buffer.from(patient));
  }

  /** The number, or undefined where the seal is another row's or another region's. */
  open(sealed: Uint8Array, patient: string): string | undefined {
    return decrypt(this.#key, sealed, Buffer.from(patient))?.toString();
  }
}
