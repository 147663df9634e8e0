import { createHmac, createPrivateKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

/** A compact JWS as nobody's library would make it: any header, any payload, any signature. */
export function compose(
  header: object,
  payload: object | string | Buffer,
  signature: (signingInput: Buffer) => Buffer,
): string {
  const input = [header, payload]
    .map((part) =>
      Buffer.isBuffer(part) ? part : Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)),
    )
    .map((bytes) => bytes.toString('base64url'))
    .join('.');
  return `${input}.${signature(Buffer.from(input)).toString('base64url')}`;
}

/** Signs as a private JWK's own algorithm does: ES256 (RFC 7518, 3.4) or EdDSA (RFC 8037). */
export function signedWith(jwk: Record<string, unknown>): (signingInput: Buffer) => Buffer {
  const key = createPrivateKey({ key: jwk, format: 'jwk' });
  if (jwk['alg'] === 'EdDSA') return (input) => sign(null, input, key);
  return (input) => sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' });
}

/** HS256 keyed with bytes that everybody knows: the trick of RFC 8725, 2.1. */
export function hmacWith(key: string | Buffer): (signingInput: Buffer) => Buffer {
  return (input) => createHmac('sha256', key).update(input).digest();
}

export function rs256(): (signingInput: Buffer) => Buffer {
  const { privateKey }: { privateKey: KeyObject } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return (input) => sign('sha256', input, privateKey);
}

/** The parts of a token's text. */
export function partsOf(token: string): [header: string, payload: string, signature: string] {
  const [header = '', payload = '', signature = ''] = token.split('.');
  return [header, payload, signature];
}

/** The order of the curve P-256 (FIPS 186-5). */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The other signature that verifies for the same ES256 input: (r, n - s). */
export function twinOf(token: string): string {
  const [header, payload, signature] = partsOf(token);
  const bytes = Buffer.from(signature, 'base64url');
  const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`);
  const other = Buffer.from((P256_ORDER - s).toString(16).padStart(64, '0'), 'hex');
  return [header, payload, Buffer.concat([bytes.subarray(0, 32), other]).toString('base64url')].join('.');
}
