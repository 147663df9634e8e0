import { createCipheriv, createPrivateKey, pbkdf2, randomBytes, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

import { MaterialError } from '../errors.ts';
import { encode, integer, nothing, octets, oid, pemText, sequence, type Der } from './der-writing.ts';

const derive = promisify(pbkdf2);

/** OWASP's count for PBKDF2 with HMAC-SHA-256. OpenSSL's own is 2,048, and Node has no way to say another. */
export const PBKDF2_ITERATIONS = 600_000;
const SALT_OCTETS = 16;
const IV_OCTETS = 16;
const KEY_OCTETS = 32;

/**
 * Encrypts a private key under a passphrase: PKCS#8 `ENCRYPTED PRIVATE KEY` (RFC 5958) with PBES2 (RFC 8018), PBKDF2 with
 * HMAC-SHA-256 and AES-256-CBC, which OpenSSL and every tool of this field opens.
 */
export async function encryptedPkcs8(key: KeyObject, passphrase: string): Promise<string> {
  const [salt, iv] = [randomBytes(SALT_OCTETS), randomBytes(IV_OCTETS)];
  const derived = await derive(passphrase, salt, PBKDF2_ITERATIONS, KEY_OCTETS, 'sha256');
  const cipher = createCipheriv('aes-256-cbc', derived, iv);
  const plain = key.export({ format: 'der', type: 'pkcs8' });
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  return pemText('ENCRYPTED PRIVATE KEY', encode(sequence(pbes2(salt, iv), octets(encrypted))));
}

/** A private key as PKCS#8 PEM in clear, as TLS takes it. */
export function plainPkcs8(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'pkcs8' }).toString();
}

/** Whether a PEM text holds a key that opens with a passphrase only. */
export function isEncryptedPem(text: string): boolean {
  return /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: *4, *ENCRYPTED/m.test(text);
}

/**
 * Opens a private key in PEM form.
 *
 * @param file for the message alone
 * @throws MaterialError `password-wrong`, `key-unreadable`; the cause is left out, for it may quote the key
 */
export function openPrivateKey(text: string, file: string, passphrase: string | undefined): KeyObject {
  const encrypted = isEncryptedPem(text);
  if (encrypted && passphrase === undefined) {
    throw new MaterialError(
      'password-wrong',
      `${file} is encrypted: name the variable that holds its passphrase.`,
    );
  }
  try {
    return createPrivateKey(
      encrypted ? { key: text, format: 'pem', passphrase: passphrase ?? '' } : { key: text, format: 'pem' },
    );
  } catch {
    throw encrypted
      ? new MaterialError('password-wrong', `${file} does not open with this passphrase: use the right one.`)
      : new MaterialError('key-unreadable', `${file} is no private key in PEM form: write one (PKCS#8).`);
  }
}

function pbes2(salt: Buffer, iv: Buffer): Der {
  const kdf = sequence(
    oid('1.2.840.113549.1.5.12'),
    sequence(octets(salt), integer(PBKDF2_ITERATIONS), sequence(oid('1.2.840.113549.2.9'), nothing())),
  );
  const aes256Cbc = sequence(oid('2.16.840.1.101.3.4.1.42'), octets(iv));
  return sequence(oid('1.2.840.113549.1.5.13'), sequence(kdf, aes256Cbc));
}
