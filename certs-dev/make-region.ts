import { randomBytes } from 'node:crypto';

import type { Credential } from '../src/trust/issue.ts';
import { issueAuthority, issueLeaf } from '../src/trust/issue.ts';
import type { MadeFile } from './directory.ts';
import type { Layout, LeafPlace, SigningKeyPlace } from './layout.ts';
import { generateSigningKey } from './signing-key.ts';
import { authorityValidity, leafValidity } from './validity.ts';

/** Makes fresh keys and certificates for everything in the layout. */
export async function makeRegion(layout: Layout, now: Date): Promise<MadeFile[]> {
  const authorities = new Map(
    await Promise.all(
      layout.authorities.map(async ({ name, certificate, key }) => {
        const credential = await issueAuthority({ name, ...authorityValidity(now) });
        return [certificate, { key, credential }] as const;
      }),
    ),
  );
  const authority = (path: string): Credential => {
    const found = authorities.get(path);
    if (!found) throw new TypeError(`The layout has no authority ${path}.`);
    return found.credential;
  };

  const [leaves, signingKeys] = await Promise.all([
    Promise.all(layout.leaves.map((leaf) => makeLeaf(authority(leaf.issuer), leaf, now))),
    Promise.all(layout.signingKeys.map(makeSigningKey)),
  ]);
  return [
    ...[...authorities].flatMap(([path, { key, credential }]) =>
      credentialFiles({ certificate: path, key }, credential),
    ),
    ...leaves.flat(),
    ...signingKeys.flat(),
    ...layout.secrets.map((path) => ({ path, text: randomBytes(32).toString('base64url'), secret: true })),
    ...layout.copies.map(({ from, to }) => ({ path: to, text: authority(from).certificate, secret: false })),
  ];
}

async function makeLeaf(authority: Credential, leaf: LeafPlace, now: Date): Promise<MadeFile[]> {
  const { commonName, uri, usage } = leaf;
  const request = { commonName, uri, usage, ...hostNames(usage), ...leafValidity(now) };
  return credentialFiles(leaf, await issueLeaf(authority, request));
}

/** A server is also known by where it listens, so that curl and other clients can check it in their own way. */
export function hostNames(usage: 'server' | 'client'): { dns?: string[]; ip?: string[] } {
  return usage === 'server' ? { dns: ['localhost'], ip: ['127.0.0.1'] } : {};
}

export function credentialFiles(
  place: { certificate: string; key: string },
  credential: Credential,
): MadeFile[] {
  return [
    { path: place.certificate, text: credential.certificate, secret: false },
    { path: place.key, text: credential.key, secret: true },
  ];
}

async function makeSigningKey(place: SigningKeyPlace): Promise<MadeFile[]> {
  const { privateJwk, publicJwk } = await generateSigningKey(place.algorithm);
  const published = place.form === 'jwks' ? { keys: [publicJwk] } : publicJwk;
  return [
    { path: place.private, text: json(privateJwk), secret: true },
    { path: place.public, text: json(published), secret: false },
  ];
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
