import { X509Certificate } from 'node:crypto';

import { signCertificate } from '../src/trust/certificate.ts';
import type { Credential, LeafRequest } from '../src/trust/issue.ts';
import { issueAuthority, issueLeaf } from '../src/trust/issue.ts';
import { entityIdentifier } from './federation.ts';
import { hostNames } from './make-region.ts';
import { authorityValidity, leafValidity, pastValidity } from './validity.ts';

/** Certificates that a broker must refuse, each wrong in exactly one way. */
export const VARIANTS = [
  'expired',
  'wrong-region',
  'unknown-ca',
  'two-uris',
  'server-only-eku',
  'nested',
] as const;

export type Variant = (typeof VARIANTS)[number];

type Usage = 'server' | 'client';

export interface VariantContext {
  /** The region whose authority signs, and which the leaf names where the variant does not say otherwise. */
  readonly region: string;
  readonly authority: Credential;
  /** The region that `wrong-region` claims to be, and that `two-uris` names as well. */
  readonly other: string;
  readonly now: Date;
}

/**
 * Issues one wrong certificate as PEM. The `nested` one is followed by the leaf that issued it, as an attacker
 * would send it; every other is alone.
 */
export function issueVariant(variant: Variant, usage: Usage, context: VariantContext): Promise<Credential> {
  return RECIPES[variant](context, {
    commonName: `${variant} ${usage}`,
    uri: entityIdentifier(context.region),
    usage,
    ...hostNames(usage),
    ...leafValidity(context.now),
  });
}

type Recipe = (context: VariantContext, leaf: LeafRequest) => Promise<Credential>;

const RECIPES: Record<Variant, Recipe> = {
  expired: ({ authority, now }, leaf) => issueLeaf(authority, { ...leaf, ...pastValidity(now) }),

  'wrong-region': ({ authority, other }, leaf) =>
    issueLeaf(authority, { ...leaf, uri: entityIdentifier(other) }),

  'unknown-ca': async ({ authority, now }, leaf) => {
    // It bears the real authority's name: whoever goes by names rather than by keys is taken in.
    const name = new X509Certificate(authority.certificate).subject.replace(/^CN=/, '');
    return issueLeaf(await issueAuthority({ name, ...authorityValidity(now) }), leaf);
  },

  'two-uris': ({ authority, other }, { uri, ...leaf }) =>
    signCertificate({ ...leaf, authority: false, uris: [uri, entityIdentifier(other)] }, authority),

  'server-only-eku': ({ authority }, leaf) => issueLeaf(authority, { ...leaf, usage: 'server' }),

  nested: async ({ authority }, { uri, ...leaf }) => {
    const issuer = await issueLeaf(authority, { ...leaf, uri, commonName: 'ordinary leaf' });
    const { certificate, key } = await signCertificate({ ...leaf, authority: false, uris: [uri] }, issuer);
    return { certificate: certificate + issuer.certificate, key };
  },
};
