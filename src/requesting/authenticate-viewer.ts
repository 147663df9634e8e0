import type { TLSSocket } from 'node:tls';

import { EvidenceError, RequestError, type RequestCode } from '../errors.ts';
import { isPersonal } from '../evidence/claims.ts';
import {
  claimedIssuer,
  verifyViewerToken,
  type VerifiedViewerToken,
  type ViewerClaims,
} from '../evidence/viewer-token.ts';
import { fromNhsNumberToken } from '../fhir/nhs-number.ts';
import type { ReplayStore } from '../store/contracts.ts';
import { peerCertificateOf } from '../trust/peer-certificate.ts';
import type { Viewer, Viewers } from '../trust/viewers.ts';

declare const authenticated: unique symbol;
/** A viewer that proved who it is, and the one patient and person it asks for. */
export interface AuthenticatedViewer {
  readonly viewer: Viewer;
  readonly claims: ViewerClaims;
  readonly nhsNumber: string;
  /** SDS job role code, after the viewer's own roles were mapped. */
  readonly role: string;
  /** The token as it came, which we keep, and the digest of its signing input, which travels. */
  readonly token: string;
  readonly origin: string;
  readonly [authenticated]: true;
}

export interface Door {
  readonly viewers: Viewers;
  readonly replay: ReplayStore;
  /** Our own entity identifier: the audience of every token. */
  readonly self: string;
  /** When our store was opened last (ms); undefined for one that was never closed. */
  readonly openedAt?: number | undefined;
}

/** A viewer that proved who it is, and may not ask this all the same: kept in the audit with who it was. */
export class ViewerRefusal extends RequestError {
  readonly claims: ViewerClaims;
  constructor(code: RequestCode, claims: ViewerClaims, detail?: string) {
    super(code, detail);
    this.claims = claims;
  }
}

/** Purposes that this product serves (Spine `reason_for_request`). */
const PURPOSES = new Set(['directcare']);
const SDS_ROLE = /^R\d{4}$/;

/**
 * Certificate, then token, then replay for single-use tokens, then what the token says.
 *
 * @param binding what the listener that the request came by stands for
 * @throws RequestError with one code per check, ViewerRefusal once the signature was good
 */
export async function authenticateViewer(
  authorization: string | undefined,
  socket: TLSSocket,
  binding: 'certificate' | 'single-use',
  door: Door,
  now: number,
): Promise<AuthenticatedViewer> {
  return checkClaims(await proveViewer(authorization, socket, binding, door, now));
}

/** Who signed the token, whatever it says. */
export interface ProvedViewer {
  readonly viewer: Viewer;
  readonly verified: VerifiedViewerToken;
  readonly token: string;
}

/** Certificate, then token, then replay for single-use tokens. @throws RequestError with one code per check */
export async function proveViewer(
  authorization: string | undefined,
  socket: TLSSocket,
  binding: 'certificate' | 'single-use',
  door: Door,
  now: number,
): Promise<ProvedViewer> {
  const peer = binding === 'certificate' ? peerCertificateOf(socket) : undefined;
  const bound = binding === 'certificate' ? door.viewers.byCertificate(peer, now) : undefined;
  const token = bearer(authorization);
  const viewer = bound ?? door.viewers.byIssuer(claimedIssuer(token));
  return { viewer, token, verified: await verifiedToken(token, viewer, peer?.thumbprint, door, now) };
}

async function verifiedToken(
  token: string,
  viewer: Viewer,
  thumbprint: string | undefined,
  door: Door,
  now: number,
): Promise<VerifiedViewerToken> {
  try {
    const verified = await verifyViewerToken(token, viewer, door.self, thumbprint, now, door.openedAt);
    if (viewer.binding === 'single-use') {
      const { iss, jti, exp } = verified.claims;
      const first = await door.replay.spend(iss, jti, (exp + 120) * 1000);
      if (!first) throw new EvidenceError('replayed');
    }
    return verified;
  } catch (error) {
    // The check that failed is told as the code of a fixed list; the token itself stays unsaid.
    if (error instanceof EvidenceError) throw new RequestError('token-refused', error.code, { cause: error });
    throw error;
  }
}

function checkClaims({ viewer, verified, token }: ProvedViewer): AuthenticatedViewer {
  const { claims, origin } = verified;
  const nhsNumber = fromNhsNumberToken(claims.patient);
  if (nhsNumber === undefined) throw new ViewerRefusal('bad-nhs-number', claims, 'patient of the token');
  const role = checkAsker(claims, viewer, PURPOSES);
  const viewerOf: Omit<AuthenticatedViewer, typeof authenticated> = {
    viewer,
    claims,
    nhsNumber,
    role,
    token,
    origin,
  };
  return viewerOf as AuthenticatedViewer;
}

/**
 * For what, for which organisation and as whom it is asked.
 *
 * @returns the SDS job role code
 * @throws ViewerRefusal
 */
export function checkAsker(claims: ViewerClaims, viewer: Viewer, purposes: ReadonlySet<string>): string {
  const refuse = (code: RequestCode): never => {
    throw new ViewerRefusal(code, claims);
  };
  if (!purposes.has(claims.reason_for_request)) return refuse('purpose-refused');
  if (!viewer.organisations.includes(claims.requesting_organization)) return refuse('organisation-refused');
  if (!isKnownPerson(claims.requesting_user, viewer)) return refuse('user-refused');
  const local = claims.requesting_user_role;
  const role = Object.hasOwn(viewer.roles, local) ? viewer.roles[local] : local;
  return role !== undefined && SDS_ROLE.test(role) ? role : refuse('role-refused');
}

/** An SDS user, or a person whom the viewer itself names. */
function isKnownPerson(user: string, viewer: Viewer): boolean {
  if (!isPersonal(user)) return false;
  if (user.startsWith('https://fhir.nhs.uk/Id/sds-user-id|')) return /\|\d{9,12}$/.test(user);
  return user.startsWith(`${viewer.issuer}/Id/user|`);
}

function bearer(authorization: string | undefined): string {
  const found = /^Bearer ([A-Za-z0-9_.-]+)$/i.exec(authorization ?? '');
  if (found?.[1] === undefined) throw new RequestError('token-missing');
  return found[1];
}
