import type { z } from 'zod';

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

export type Envelope = ReturnType<typeof envelope>;
export type QueryBody = Omit<QueryClaims, keyof Envelope>;

/** A message that asks, signed for exactly one neighbour. */
export interface SignedAsking<Claims> extends SignedMessage {
  readonly jti: string;
  readonly audience: string;
  readonly claims: Claims;
}
export type SignedQuery = SignedAsking<QueryClaims>;

/** Signs one query for exactly one neighbour. A retry is a new query: it gets a new `jti`. */
export function signQuery(sender: Sender, audience: string, body: QueryBody, now: number): SignedQuery {
  return signAsking(QUERY, sender, audience, body, now);
}

/** Signs one message that asks, of any kind, for exactly one neighbour. */
export function signAsking<Claims extends AskingClaims>(
  { typ }: AskingKind<Claims>,
  sender: Sender,
  audience: string,
  body: Omit<Claims, keyof Envelope>,
  now: number,
): SignedAsking<Claims> {
  const claims = { ...envelope(sender, audience, now), ...body } as unknown as Claims;
  return { ...signMessage(sender.signer, typ, claims), jti: claims.jti, audience, claims };
}

/** Asks the same once more, in a message of its own that names the one it repeats. */
export function signAgain<Claims extends RepeatableClaims>(
  kind: AskingKind<Claims>,
  sender: Sender,
  { audience, claims }: SignedAsking<Claims>,
  now: number,
): SignedAsking<Claims> {
  const { iss: _iss, aud: _aud, iat: _iat, exp: _exp, jti, stmt: _stmt, cnf: _cnf, ...body } = claims;
  const again = { ...body, retry_of: jti } as unknown as Omit<Claims, keyof Envelope>;
  return signAsking(kind, sender, audience, again, now);
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

/** What every message that asks says; a patient, where it is about one (its own form demands that). */
export interface AskingClaims {
  iss: string;
  aud: string;
  iat: number;
  exp: number;
  jti: string;
  stmt: number;
  cnf: { 'x5t#S256': string };
  patient?: string | undefined;
  patient_also?: string | string[] | undefined;
}

/** What may be asked once more: asking it twice changes nothing at the other side. */
export interface RepeatableClaims extends AskingClaims {
  retry_of?: string | undefined;
}

/** A kind of message that asks: its `typ` and the form of its claims. */
export interface AskingKind<Claims extends AskingClaims> {
  readonly typ: string;
  readonly claims: z.ZodType<Claims>;
}

export const QUERY: AskingKind<QueryClaims> = { typ: TYP.query, claims: queryClaims };

/** A message whose signature, type, sender, receiver, connection and freshness were verified; perhaps a replay. */
export interface Verified<Claims> {
  readonly claims: Claims;
  /** As it came, and the digest of its signing input. */
  readonly token: string;
  readonly digest: string;
  /** The key that it was verified with. */
  readonly kid: string;
  readonly peer: IdentifiedPeer;
  /** The patient's current number first, and those that are superseded; empty where no patient is asked about. */
  readonly nhsNumbers: ReadonlySet<string>;
  readonly [verified]: true;
}

/** A verified message that was seen for the first time, in every replica's sight. */
export type Admitted<Claims> = Verified<Claims> & { readonly [unspent]: true };

export type VerifiedQuery = Verified<QueryClaims>;
export type AdmittedQuery = Admitted<QueryClaims>;

/**
 * Keeps a verified message and spends its (`iss`, `jti`), in one durable step that every replica of this region's
 * broker sees.
 *
 * @returns true the first time, false ever after until `keepUntil` (ms since the epoch): then nothing was kept
 */
export type Receive<Claims> = (asked: Verified<Claims>, keepUntil: number) => Promise<boolean>;

/**
 * Verifies a message that came over the connection of `peer`.
 *
 * @param self our own entity identifier; `openedAt`: nothing that was signed before is fresh (ms)
 * @throws EvidenceError with one code per check
 */
export async function verifyAsked<Claims extends AskingClaims>(
  kind: AskingKind<Claims>,
  token: unknown,
  peer: IdentifiedPeer,
  {
    neighbours,
    self,
    openedAt,
  }: { readonly neighbours: Neighbours; readonly self: string; readonly openedAt?: number | undefined },
  now: number,
): Promise<Verified<Claims>> {
  const { claims, digest, kid } = await verifyMessage<Claims>(token, {
    ...kind,
    issuer: peer.neighbour.entity,
    audience: self,
    key: (kid) => neighbours.messageKey(peer.neighbour, kid, now),
    thumbprint: peer.thumbprint,
    notBefore: openedAt,
    now,
  });
  neighbours.heard(peer.neighbour, claims.stmt);
  const named = [claims.patient ?? [], claims.patient_also ?? []].flat();
  const numbers = named.map(fromNhsNumberToken);
  const nhsNumbers = new Set(numbers.filter((number) => number !== undefined));
  const asked: Omit<Verified<Claims>, typeof verified> = {
    ...{ claims, digest, kid, peer, nhsNumbers },
    // Only a string verifies.
    token: token as string,
  };
  return asked as Verified<Claims>;
}

/**
 * Admits a message once. Keyed on the verified sender and `jti`, never on the token's text: several texts verify for
 * one signature.
 *
 * @throws EvidenceError `replayed`
 */
export async function admitOnce<Claims extends AskingClaims>(
  asked: Verified<Claims>,
  receive: Receive<Claims>,
): Promise<Admitted<Claims>> {
  const keepUntil = (asked.claims.exp + 60 + CLOCK_TOLERANCE_S) * 1000;
  if (!(await receive(asked, keepUntil))) throw new EvidenceError('replayed');
  return asked as Admitted<Claims>;
}
