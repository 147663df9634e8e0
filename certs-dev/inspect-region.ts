import type { JsonWebKey, KeyObject } from 'node:crypto';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { jwkThumbprint } from '../src/trust/jwk-thumbprint.ts';
import { unless } from './directory.ts';
import type { Layout, SigningKeyPlace } from './layout.ts';

/** Why a region's directory cannot be used as it stands, as the end of a sentence. */
class Fault extends Error {}

/**
 * Says what is wrong with a region's directory, or `undefined` if everything in the layout is there, belongs
 * together and is in force at `now`.
 *
 * @throws the system's error if a file is there and cannot be read, for then making it again mends nothing.
 */
export async function regionFault(directory: string, layout: Layout, now: Date): Promise<string | undefined> {
  if (!(await stat(directory).catch(unless('ENOENT')))) return 'there was none';
  const read = (path: string): Promise<string> => readPresent(directory, path);
  try {
    for (const { certificate, key } of layout.authorities) {
      await checkCredential(read, { certificate, key, issuer: certificate }, now);
    }
    for (const leaf of layout.leaves) await checkCredential(read, leaf, now);
    for (const place of layout.signingKeys) await checkSigningKey(read, place);
    for (const path of layout.secrets) {
      if (Buffer.from(await read(path), 'base64url').length !== 32)
        throw new Fault(`${path} is not 32 bytes`);
    }
    for (const { from, to } of layout.copies) {
      if ((await read(from)) !== (await read(to))) throw new Fault(`${to} is not a copy of ${from}`);
    }
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error.message;
    throw error;
  }
}

type Read = (path: string) => Promise<string>;

async function readPresent(directory: string, path: string): Promise<string> {
  const text = await readFile(join(directory, path), 'utf8').catch(unless('ENOENT', 'ENOTDIR', 'EISDIR'));
  if (text === undefined) throw new Fault(`${path} is missing`);
  return text;
}

/** Runs a parser over a file's text; whatever it throws means the file is damaged. */
function parse<T>(path: string, parser: () => T): T {
  try {
    return parser();
  } catch {
    throw new Fault(`${path} is damaged`);
  }
}

interface CredentialPlace {
  readonly certificate: string;
  readonly key: string;
  readonly issuer: string;
  readonly uri?: string;
}

async function checkCredential(read: Read, place: CredentialPlace, now: Date): Promise<void> {
  const [certificateText, keyText, issuerText] = [
    await read(place.certificate),
    await read(place.key),
    await read(place.issuer),
  ];
  const certificate = parse(place.certificate, () => new X509Certificate(certificateText));
  const issuer = parse(place.issuer, () => new X509Certificate(issuerText));
  const key = parse(place.key, () => createPrivateKey(keyText));
  if (now < certificate.validFromDate) throw new Fault(`${place.certificate} is not in force yet`);
  if (now >= certificate.validToDate) throw new Fault(`${place.certificate} has expired`);
  if (!certificate.checkPrivateKey(key)) throw new Fault(`${place.key} is the key of another certificate`);
  if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) {
    throw new Fault(`${place.certificate} was not issued by ${place.issuer}`);
  }
  const names = certificate.subjectAltName?.split(', ') ?? [];
  if (place.uri !== undefined && !names.includes(`URI:${place.uri}`)) {
    throw new Fault(`${place.certificate} does not name ${place.uri}`);
  }
}

async function checkSigningKey(read: Read, place: SigningKeyPlace): Promise<void> {
  const [privateText, publicText] = [await read(place.private), await read(place.public)];
  const privateJwk = parse(place.private, () => JSON.parse(privateText) as JsonWebKey);
  const publicJwk = parse(place.public, () => {
    const published = JSON.parse(publicText) as JsonWebKey & { keys: [JsonWebKey] };
    return place.form === 'jwks' ? published.keys[0] : published;
  });
  const [kid, publicKid] = [
    parse(place.private, () =>
      jwkThumbprint(publicPart(createPrivateKey({ key: privateJwk, format: 'jwk' }))),
    ),
    parse(place.public, () => jwkThumbprint(publicPart(createPublicKey({ key: publicJwk, format: 'jwk' })))),
  ];
  if (kid !== publicKid) throw new Fault(`${place.private} and ${place.public} are two keys`);
  for (const [path, jwk] of [
    [place.private, privateJwk],
    [place.public, publicJwk],
  ] as const) {
    if (jwk.kid !== kid || jwk.alg !== place.algorithm) {
      throw new Fault(`${path} is not labelled as what it is`);
    }
  }
}

function publicPart(key: KeyObject): JsonWebKey {
  return (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
}
