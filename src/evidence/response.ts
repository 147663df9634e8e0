import type { z } from 'zod';

import { EvidenceError } from '../errors.ts';
import type { IdentifiedPeer, Neighbours } from '../trust/neighbours.ts';
import { responseClaims, TYP, type ResponseClaims } from './claims.ts';
import { resourcesDigest, sha256 } from './digests.ts';
import { signMessage, verifyMessage, type SignedMessage } from './message.ts';
import { envelope, type Sender, type SignedAsking, type SignedQuery, type Verified } from './query.ts';

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

/** The message that an answer is bound to: its sender, `jti` and the digest of its signing input. */
export interface QueryRef {
  readonly issuer: string;
  readonly jti: string;
  readonly digest: string;
}

export function refOf({ claims, digest }: Verified<{ iss: string; jti: string }>): QueryRef {
  return { issuer: claims.iss, jti: claims.jti, digest };
}

/** Signs the response to one query whose signature was verified, refusals included. */
export function signResponse(
  sender: Sender,
  query: QueryRef,
  response: ResponseBody,
  now: number,
): SignedMessage & { claims: ResponseClaims } {
  const { bytes, digests, ...said } = response;
  return signBound(sender, query.issuer, TYP.response, bytes, now, {
    ...{ query_jti: query.jti, query_digest: query.digest },
    ...said,
    ...(digests === undefined ? {} : { resources_digest: resourcesDigest(digests) }),
  });
}

/** Signs an answer of any kind: what it says, the body beside it by its digest, and our log's newest checkpoint. */
export function signBound<Said extends object>(
  sender: Sender,
  audience: string,
  typ: string,
  bytes: Buffer,
  now: number,
  said: Said,
) {
  const checkpoint = sender.checkpoint?.();
  const claims = {
    ...envelope(sender, audience, now),
    ...said,
    body_digest: sha256(bytes),
    ...(checkpoint === undefined ? {} : { checkpoint }),
  };
  return { ...signMessage(sender.signer, typ, claims), claims };
}

declare const believed: unique symbol;
/** An answer that is from the neighbour asked, answers the message sent, and came with the body signed. */
export interface Believed<Claims> {
  readonly claims: Claims;
  readonly token: string;
  readonly digest: string;
  readonly body: Buffer;
  readonly [believed]: true;
}
export type BelievedResponse = Believed<ResponseClaims>;

export interface AnswerClaims {
  iss: string;
  aud: string;
  iat: number;
  exp: number;
  stmt: number;
  cnf: { 'x5t#S256': string };
  status: number;
  body_digest: string;
}

/** A kind of answer: its `typ`, the form of its claims, and which of these say what it answers. */
export interface AnswerKind<Claims extends AnswerClaims> {
  readonly typ: string;
  readonly claims: z.ZodType<Claims>;
  readonly boundTo: (claims: Claims) => Omit<QueryRef, 'issuer'>;
}

export const RESPONSE: AnswerKind<ResponseClaims> = {
  typ: TYP.response,
  claims: responseClaims,
  boundTo: ({ query_jti: jti, query_digest: digest }) => ({ jti, digest }),
};

/** @throws EvidenceError as `verifyAnswer` does */
export function verifyResponse(
  token: unknown,
  body: Buffer,
  status: number,
  query: SignedQuery,
  peer: IdentifiedPeer,
  neighbours: Neighbours,
  now: number,
): Promise<BelievedResponse> {
  return verifyAnswer(RESPONSE, { token, body, status, peer }, query, neighbours, now);
}

/**
 * Decides whether an answer is believed. Order: signature, `typ`, `iss`, `aud`, connection, freshness, then which
 * message it answers, `status`, `body_digest`. Parsing the body comes after, on this result.
 *
 * @throws EvidenceError with one code per check; nothing of the answer may then be used
 */
export async function verifyAnswer<Claims extends AnswerClaims>(
  kind: AnswerKind<Claims>,
  came: { readonly token: unknown; readonly body: Buffer; readonly status: number; peer: IdentifiedPeer },
  asked: SignedAsking<{ iss: string }>,
  neighbours: Neighbours,
  now: number,
): Promise<Believed<Claims>> {
  const { token, body, status, peer } = came;
  if (typeof token !== 'string') throw new EvidenceError('unsigned');
  const { claims, digest } = await verifyMessage<Claims>(token, {
    typ: kind.typ,
    issuer: asked.audience,
    audience: asked.claims.iss,
    key: (kid) => neighbours.messageKey(peer.neighbour, kid, now),
    thumbprint: peer.thumbprint,
    claims: kind.claims,
    now,
  });
  neighbours.heard(peer.neighbour, claims.stmt);
  const bound = kind.boundTo(claims);
  if (bound.jti !== asked.jti || bound.digest !== asked.digest) throw new EvidenceError('wrong-query');
  if (claims.status !== status || claims.body_digest !== sha256(body)) throw new EvidenceError('wrong-body');
  return { claims, token, digest, body } as Believed<Claims>;
}
