import { decodeJwt } from 'jose';
import { z } from 'zod';

import { auditClaims } from './claims.ts';
import type { PinnedKey, Signer } from './keys.ts';
import { signMessage, verifyMessage } from './message.ts';
import { orderedId } from './ordered-id.ts';

/** JOSE `typ` of the token that a viewer signs for one patient. */
export const VIEWER_TYP = 'wayleave-viewer+jwt';

/** Seconds that a token may live: bound to a certificate (as GP Connect's), or used once. */
export const VIEWER_LIFE_S = { certificate: 300, 'single-use': 60 } as const;

export const viewerClaims = z.object({
  iss: z.string().min(1).max(200),
  aud: z.url(),
  iat: z.number().int(),
  exp: z.number().int(),
  jti: z.string().min(16).max(64),
  cnf: z.object({ 'x5t#S256': z.string() }).optional(),
  /** `https://fhir.nhs.uk/Id/nhs-number|...`: the one patient that the token is for. */
  patient: z.string().max(100),
  /** ODS code of the practice that the viewer knows the patient to be registered with, where it does. */
  registered_practice: z
    .string()
    .regex(/^[A-Z0-9]{3,12}$/, 'an ODS code')
    .optional(),
  ...auditClaims,
});

export type ViewerClaims = z.infer<typeof viewerClaims>;

declare const verified: unique symbol;
/** A token that its viewer signed for us, in time and on its own connection. Not yet checked for replay. */
export interface VerifiedViewerToken {
  readonly claims: ViewerClaims;
  /** SHA-256 of the token's signing input: the `origin` of every query that it leads to. */
  readonly origin: string;
  readonly [verified]: true;
}

/** Who a token says it is from, unverified: only good for finding the registration to verify it with. */
export function claimedIssuer(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

/**
 * Verifies a viewer's token against its registration.
 *
 * @param thumbprint of the viewer's certificate; undefined where the binding is `single-use`
 * @param openedAt when our store was opened last: no single-use token from before is fresh (ms)
 * @throws EvidenceError with one code per check
 */
export async function verifyViewerToken(
  token: string,
  viewer: { issuer: string; keys: readonly PinnedKey[]; binding: keyof typeof VIEWER_LIFE_S },
  audience: string,
  thumbprint: string | undefined,
  now: number,
  openedAt?: number,
): Promise<VerifiedViewerToken> {
  const { claims, digest } = await verifyMessage<ViewerClaims>(token, {
    typ: VIEWER_TYP,
    issuer: viewer.issuer,
    audience,
    key: (kid) => viewer.keys.find((key) => key.kid === kid),
    thumbprint: viewer.binding === 'certificate' ? (thumbprint ?? 'no certificate') : undefined,
    claims: viewerClaims,
    now,
    // What was used once is not known from before; a token that is bound to its connection may be used again anyway.
    notBefore: viewer.binding === 'single-use' ? openedAt : undefined,
    freshness: { rule: 'until-exp', longestLifeS: VIEWER_LIFE_S[viewer.binding] },
  });
  return { claims, origin: digest } as VerifiedViewerToken;
}

/** Signs a viewer token, as a viewer's platform does; for the command line, the demo and tests. */
export function signViewerToken(
  signer: Signer,
  claims: Omit<ViewerClaims, 'iat' | 'exp' | 'jti'> & Partial<Pick<ViewerClaims, 'jti'>>,
  lifeS: number,
  now: number,
): string {
  const iat = Math.floor(now / 1000);
  return signMessage(signer, VIEWER_TYP, { iat, exp: iat + lifeS, jti: orderedId(now), ...claims }).token;
}
