import { EvidenceError } from '../errors.ts';
import { fromNhsNumberToken } from '../fhir/nhs-number.ts';
import type { IdentifiedPeer, Neighbours } from '../trust/neighbours.ts';
import { queryClaims, TYP, type QueryClaims } from './claims.ts';
import type { Signer } from './keys.ts';
import {
  CLOCK_TOLERANCE_S,
  LONGEST_LIFE_S,
  signMessage,
  verifyMessage,
  type SignedMessage,
} from './message.ts';
import { orderedId } from './ordered-id.ts';

/** What a broker knows of itself when it signs: the four parts that go into every message. */
export interface Sender {
  readonly entity: string;
  readonly signer: Signer;
  /** RFC 8705 thumbprint of the certificate that the message will travel under. */
  readonly thumbprint: string;
  /** Our own entity statement's sequence. */
  readonly statement: number;
  /** The newest checkpoint of our log that a neighbour cosigned (C2SP tlog-checkpoint), if there is one. */
  readonly checkpoint?: () => string | undefined;
}

export type QueryBody = Omit<QueryClaims, 'iss' | 'aud' | 'iat' | 'exp' | 'jti' | 'stmt' | 'cnf'>;

export interface SignedQuery extends SignedMessage {
  readonly jti: string;
  readonly audience: string;
  readonly claims: QueryClaims;
}

/** Signs one query for exactly one neighbour. A retry is a new query: it gets a new `jti`. */
export function signQuery(sender: Sender, audience: string, body: QueryBody, now: number): SignedQuery {
  const claims: QueryClaims = { ...envelope(sender, audience, now), ...body };
  const message = signMessage(sender.signer, TYP.query, claims);
  return { ...message, jti: claims.jti, audience, claims };
}

/** The claims that every message between brokers has. `iat` and `exp` in seconds. */
export function envelope(sender: Sender, audience: string, now: number) {
  const iat = Math.floor(now / 1000);
  return {
    iss: sender.entity,
    aud: audience,
    iat,
    exp: iat + LONGEST_LIFE_S,
    jti: orderedId(now),
    stmt: sender.statement,
    cnf: { 'x5t#S256': sender.thumbprint },
  };
}

declare const verified: unique symbol;
declare const unspent: unique symbol;

/** A query whose signature, type, sender, receiver, connection and freshness were verified; perhaps a replay. */
export interface VerifiedQuery {
  readonly claims: QueryClaims;
  /** As it came, and the digest of its signing input. */
  readonly token: string;
  readonly digest: string;
  readonly peer: IdentifiedPeer;
  /** The patient's current number and, if there is one, the superseded number. */
  readonly nhsNumbers: ReadonlySet<string>;
  readonly [verified]: true;
}

/** A verified query that was seen for the first time, in every replica's sight. */
export type AdmittedQuery = VerifiedQuery & { readonly [unspent]: true };

/**
 * Keeps a verified query and spends its (`iss`, `jti`), in one durable step that every replica of this region's
 * broker sees.
 *
 * @returns true the first time, false ever after until `keepUntil` (ms since the epoch): then nothing was kept
 */
export type ReceiveQuery = (query: VerifiedQuery, keepUntil: number) => Promise<boolean>;

/**
 * Verifies a query that came over the connection of `peer`.
 *
 * @param self our own entity identifier; `openedAt`: nothing that was signed before is fresh (ms)
 * @throws EvidenceError with one code per check
 */
export async function verifyQuery(
  token: unknown,
  peer: IdentifiedPeer,
  {
    neighbours,
    self,
    openedAt,
  }: { readonly neighbours: Neighbours; readonly self: string; readonly openedAt?: number | undefined },
  now: number,
): Promise<VerifiedQuery> {
  const { claims, digest } = await verifyMessage<QueryClaims>(token, {
    typ: TYP.query,
    issuer: peer.neighbour.entity,
    audience: self,
    key: (kid) => neighbours.messageKey(peer.neighbour, kid, now),
    thumbprint: peer.thumbprint,
    claims: queryClaims,
    notBefore: openedAt,
    now,
  });
  const numbers = [claims.patient, claims.patient_also ?? claims.patient].map(fromNhsNumberToken);
  const nhsNumbers = new Set(numbers.filter((number) => number !== undefined));
  const query: Omit<VerifiedQuery, typeof verified> = {
    ...{ claims, digest, peer, nhsNumbers },
    // Only a string verifies.
    token: token as string,
  };
  return query as VerifiedQuery;
}

/**
 * Admits a query once. Keyed on the verified sender and `jti`, never on the token's text: several texts verify for
 * one signature.
 *
 * @throws EvidenceError `replayed`
 */
export async function admitOnce(query: VerifiedQuery, receive: ReceiveQuery): Promise<AdmittedQuery> {
  const keepUntil = (query.claims.exp + 60 + CLOCK_TOLERANCE_S) * 1000;
  if (!(await receive(query, keepUntil))) throw new EvidenceError('replayed');
  return query as AdmittedQuery;
}
