import { randomBytes } from 'node:crypto';

import type { Credential } from './issue.ts';
import { issueAuthority, issueLeaf } from './issue.ts';
import { credentialFiles, jsonText, type MadeFile } from './made-file.ts';
import { generateSigningKey, type SigningAlgorithm } from './signing-key.ts';
import { authorityValidity, leafValidity } from './validity.ts';

/** What a region's directory is to hold, and where. Paths are relative to the directory. */
export interface Layout {
  readonly authorities: readonly AuthorityPlace[];
  readonly leaves: readonly LeafPlace[];
  readonly signingKeys: readonly SigningKeyPlace[];
  /** 32 random bytes each, as base64url text. */
  readonly secrets: readonly string[];
  readonly copies: readonly { readonly from: string; readonly to: string }[];
}

export interface AuthorityPlace {
  readonly name: string;
  readonly certificate: string;
  readonly key: string;
}

export interface LeafPlace {
  /** Path of the issuing authority's certificate. */
  readonly issuer: string;
  readonly certificate: string;
  readonly key: string;
  readonly commonName: string;
  readonly uri: string;
  readonly usage: 'server' | 'client';
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
}

export interface SigningKeyPlace {
  readonly algorithm: SigningAlgorithm;
  readonly private: string;
  readonly public: string;
  /** Whether the public file is one key, or a set with one key in it. */
  readonly form: 'jwk' | 'jwks';
}

/** Makes fresh keys and certificates for everything in the layout. */
export async function makeFiles(layout: Layout, now: Date): Promise<MadeFile[]> {
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
  const { commonName, uri, usage, dns = [], ip = [] } = leaf;
  const request = { commonName, uri, usage, dns, ip, ...leafValidity(now) };
  return credentialFiles(leaf, await issueLeaf(authority, request));
}

async function makeSigningKey(place: SigningKeyPlace): Promise<MadeFile[]> {
  const { privateJwk, publicJwk } = await generateSigningKey(place.algorithm);
  const published = place.form === 'jwks' ? { keys: [publicJwk] } : publicJwk;
  return [
    { path: place.private, text: jsonText(privateJwk), secret: true },
    { path: place.public, text: jsonText(published), secret: false },
  ];
}
