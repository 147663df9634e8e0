import { compactDecrypt, CompactEncrypt, errors } from 'jose';

/** OWASP's least for PBKDF2 with HMAC-SHA-512 is 210,000. */
const ITERATIONS = 600_000;
/** More than that is no file of ours, and would hold the start for minutes. */
const MOST_ITERATIONS = 5_000_000;
const SALT_OCTETS = 16;
const ALGORITHM = 'PBES2-HS512+A256KW';
const CONTENT = 'A256GCM';

/**
 * Encrypts a private JWK under a passphrase, as RFC 7517 section 7 has it: a compact JWE (RFC 7516) with
 * PBES2-HS512+A256KW (RFC 7518, 4.8) and `cty` `jwk+json`.
 */
export function encryptJwk(jwk: object, passphrase: string): Promise<string> {
  return new CompactEncrypt(Buffer.from(JSON.stringify(jwk)))
    .setProtectedHeader({ alg: ALGORITHM, enc: CONTENT, cty: 'jwk+json' })
    .setKeyManagementParameters({ p2c: ITERATIONS, p2s: crypto.getRandomValues(new Uint8Array(SALT_OCTETS)) })
    .encrypt(Buffer.from(passphrase));
}

/** Whether a text has the form of a compact JWE. */
export function isCompactJwe(text: string): boolean {
  return /^[\w-]+(?:\.[\w-]+){4}$/.test(text.trim());
}

/**
 * The text that was encrypted, or undefined where the passphrase is not its own.
 *
 * @throws TypeError for what is no such JWE; the message quotes nothing of it
 */
export async function openJwe(text: string, passphrase: string): Promise<string | undefined> {
  try {
    const { plaintext } = await compactDecrypt(text.trim(), Buffer.from(passphrase), {
      keyManagementAlgorithms: [ALGORITHM],
      contentEncryptionAlgorithms: [CONTENT],
      maxPBES2Count: MOST_ITERATIONS,
    });
    return new TextDecoder().decode(plaintext);
  } catch (error) {
    if (error instanceof errors.JWEDecryptionFailed) return undefined;
    throw new TypeError('no JWE under a passphrase');
  }
}
