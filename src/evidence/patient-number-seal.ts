import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';

const NONCE = 12;
const TAG = 16;

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
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    cipher.setAAD(Buffer.from(patient));
    return Buffer.concat([nonce, cipher.update(nhsNumber), cipher.final(), cipher.getAuthTag()]);
  }

  /** The number, or undefined where the seal is another row's or another region's. */
  open(sealed: Uint8Array, patient: string): string | undefined {
    const bytes = Buffer.from(sealed);
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE), {
        authTagLength: TAG,
      });
      decipher.setAAD(Buffer.from(patient));
      decipher.setAuthTag(bytes.subarray(bytes.length - TAG));
      return Buffer.concat([
        decipher.update(bytes.subarray(NONCE, bytes.length - TAG)),
        decipher.final(),
      ]).toString();
    } catch {
      return undefined;
    }
  }
}
