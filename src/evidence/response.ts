import { EvidenceError } from '../errors.ts';
import type { IdentifiedPeer, Neighbours } from '../trust/neighbours.ts';
import { responseClaims, TYP, type ResponseClaims } from './claims.ts';
import { resourcesDigest, sha256 } from './digests.ts';
import { signMessage, verifyMessage, type SignedMessage } from './message.ts';
import { envelope, type Sender, type SignedQuery, type VerifiedQuery } from './query.ts';

/** The header that carries the signed response; the body beside it is bound by its digest. */
export const RESPONSE_HEADER = 'wayleave-response';

export type ResponseBody = Pick<
  ResponseClaims,
  'outcome' | 'status' | 'sources' | 'reason' | 'settings_not_offered'
> & {
  readonly bytes: Buffer;
  /** Digests of the released resources in the order of the body; absent for refusals. */
  readonly digests?: readonly string[];
};

/** The query that a response is bound to: its sender, `jti` and the digest of its signing input. */
export interface QueryRef {
  readonly issuer: string;
  readonly jti: string;
  readonly digest: string;
}

export function refOf(query: VerifiedQuery): QueryRef {
  return { issuer: query.claims.iss, jti: query.claims.jti, digest: query.digest };
}

/** Signs the response to one query whose signature was verified, refusals included. */
export function signResponse(
  sender: Sender,
  query: QueryRef,
  response: ResponseBody,
  now: number,
): SignedMessage & { claims: ResponseClaims } {
  const { bytes, digests, ...said } = response;
  const checkpoint = sender.checkpoint?.();
  const claims: ResponseClaims = {
    ...envelope(sender, query.issuer, now),
    query_jti: query.jti,
    query_digest: query.digest,
    ...said,
    body_digest: sha256(bytes),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(digests === undefined ? {} : { resources_digest: resourcesDigest(digests) }),
  };
  return { ...signMessage(sender.signer, TYP.response, claims), claims };
}

declare const believed: unique symbol;
/** A response that is from the neighbour asked, answers the query sent, and came with the body signed. */
export interface BelievedResponse {
  readonly claims: ResponseClaims;
  readonly token: string;
  readonly digest: string;
  readonly body: Buffer;
  readonly [believed]: true;
}

/**
 * Decides whether a response is believed. Order: signature, `typ`, `iss`, `aud`, connection, freshness, then
 * `query_jti`, `query_digest`, `body_digest`. Parsing and the subject check come after, on this result.
 *
 * @throws EvidenceError with one code per check; nothing of the response may then be used
 */
export async function verifyResponse(
  token: unknown,
  body: Buffer,
  status: number,
  query: SignedQuery,
  peer: IdentifiedPeer,
  neighbours: Neighbours,
  now: number,
): Promise<BelievedResponse> {
  if (typeof token !== 'string') throw new EvidenceError('unsigned');
  const { claims, digest } = await verifyMessage<ResponseClaims>(token, {
    typ: TYP.response,
    issuer: query.audience,
    audience: query.claims.iss,
    key: (kid) => neighbours.messageKey(peer.neighbour, kid, now),
    thumbprint: peer.thumbprint,
    claims: responseClaims,
    now,
  });
  if (claims.query_jti !== query.jti || claims.query_digest !== query.digest)
    throw new EvidenceError('wrong-query');
  if (claims.status !== status || claims.body_digest !== sha256(body)) throw new EvidenceError('wrong-body');
  return { claims, token, digest, body } as BelievedResponse;
}
