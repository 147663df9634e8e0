import { X509Certificate } from 'node:crypto';

import type { PinnedNeighbour } from '../config/load.ts';
import type { EntityStatement } from '../trust/entity-statement.ts';
import { fingerprintOf, type Fingerprint } from '../trust/fingerprint.ts';
import { jwkThumbprint } from '../trust/jwk-thumbprint.ts';
import { thumbprintOf } from '../trust/peer-certificate.ts';
import {
  proposalDigest,
  statementDigest,
  type Proposal,
  type Revocation,
  type SignedStatement,
  type Standing,
} from '../trust/standing.ts';
import type { RefreshState } from './statement-refresh.ts';
import type { PastDecision } from './trust-register.ts';

/** How a neighbour stands, in one word. `unspoken`: its statement is not in force at this time. */
export type NeighbourState = 'trusted' | 'paused' | 'unspoken' | 'revoked';

/** A statement as an admin reads it. Instants are ISO. */
export interface StatementView {
  readonly entity: string;
  readonly region: string;
  readonly name: string;
  readonly contact: string;
  readonly sequence: number;
  readonly from: string;
  readonly until: string;
  /** SHA-256 of its text, base64url: what an approval names. */
  readonly digest: string;
  /** Of its federation keys: what two people compare. */
  readonly fingerprint: Fingerprint;
  /** RFC 7638 thumbprints. */
  readonly federationKeys: readonly string[];
  readonly messageKeys: readonly { readonly kid: string; readonly alg: string; readonly until?: string }[];
  readonly anchors: readonly AnchorView[];
  /** Host names that certificates without a URI name may carry. */
  readonly hostNames: readonly string[];
  /** `kid`s. */
  readonly logKeys: readonly string[];
  readonly witnessKeys: readonly string[];
  readonly logs: readonly string[];
  readonly endpoints: EntityStatement['metadata']['wayleave_broker']['endpoints'];
  readonly coverage: EntityStatement['metadata']['wayleave_broker']['coverage'];
  readonly records: readonly { readonly id: string; readonly name: string; readonly offers: number }[];
}

export interface AnchorView {
  readonly subject: string;
  /** RFC 8705 `x5t#S256`. */
  readonly thumbprint: string;
  readonly until: string;
}

export interface NeighbourView {
  readonly region: string;
  readonly state: NeighbourState;
  /** `file`: a configuration file pins it. */
  readonly source: 'file' | 'enrolled';
  readonly statement: StatementView | undefined;
  /** What alone may sign its statements and issue its certificates now. */
  readonly pinned: { readonly federationKeys: readonly string[]; readonly anchors: readonly AnchorView[] };
  readonly agreement:
    | {
        readonly version: string;
        readonly from: string;
        readonly until?: string | undefined;
        readonly reviewBy: string;
      }
    | undefined;
  readonly pausedUntil: string | undefined;
  readonly revoked: RevocationView | undefined;
  readonly revokedKeys: readonly (RevocationView & { readonly kid: string })[];
  readonly revokedCertificates: readonly (RevocationView & { readonly thumbprint: string })[];
  readonly pending:
    | { readonly since: string; readonly changes: readonly string[]; readonly statement: StatementView }
    | undefined;
  readonly refresh: { readonly refreshedAt?: string; readonly fault?: string; readonly nextAt?: string };
}

export interface RevocationView {
  readonly at: string;
  readonly reason: string;
  readonly compromisedSince?: string;
}

export interface ProposalView {
  readonly proposal: number;
  /** Over statement and agreement: what an approval names. */
  readonly digest: string;
  readonly region: string;
  readonly by: string;
  readonly at: string;
  readonly statement: StatementView;
  readonly agreement: Readonly<Record<string, unknown>>;
}

export interface DecisionView {
  readonly sequence: number;
  readonly at: string;
  readonly kind: string;
  readonly region: string;
  readonly by: string;
  /** Of the log's entry, where the reason is. */
  readonly exchange: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export function neighbourView(
  standing: Standing,
  pinned: Pick<PinnedNeighbour, 'agreement'> | undefined,
  refresh: RefreshState | undefined,
  at: number,
): NeighbourView {
  const { region, federationKeys, anchors, signed, pending, revoked } = standing;
  const agreement = pinned?.agreement;
  return {
    region,
    state: stateOf(standing, at),
    source: standing.agreement === undefined ? 'file' : 'enrolled',
    statement: signed && statementView(signed),
    pinned: { federationKeys: federationKeys.map(jwkThumbprint), anchors: anchors.map(anchorView) },
    agreement: agreement && {
      ...{ version: agreement.version, from: agreement.from, until: agreement.until },
      reviewBy: agreement.review_by,
    },
    pausedUntil: pauseOf(standing, at),
    revoked: revoked && revocationView(revoked),
    revokedKeys: [...standing.revokedKeys].map(([kid, one]) => ({ kid, ...revocationView(one) })),
    revokedCertificates: [...standing.revokedCertificates].map(([thumbprint, one]) => ({
      thumbprint,
      ...revocationView(one),
    })),
    pending: pending && {
      ...{ since: iso(pending.since), changes: pending.changes },
      statement: statementView(pending.signed),
    },
    refresh: {
      ...(refresh?.refreshedAt === undefined ? {} : { refreshedAt: iso(refresh.refreshedAt) }),
      ...(refresh?.fault === undefined ? {} : { fault: refresh.fault }),
      ...(refresh === undefined ? {} : { nextAt: iso(refresh.nextAt) }),
    },
  };
}

export function proposalView(proposal: Proposal): ProposalView {
  const { sequence, region, by, at, signed, agreement } = proposal;
  return {
    ...{ proposal: sequence, digest: proposalDigest(proposal), region, by, at: iso(at), agreement },
    statement: statementView(signed),
  };
}

export function decisionView({ at, ...decision }: PastDecision): DecisionView {
  return { ...decision, at: iso(at) };
}

export function statementView({ token, statement }: SignedStatement): StatementView {
  const { sub: entity, iat, exp, jwks, metadata } = statement;
  const broker = metadata.wayleave_broker;
  const { region, name, contact, sequence, endpoints, coverage, records, tls } = broker;
  return {
    ...{ entity, region, name, contact, sequence, endpoints, coverage },
    ...{ from: iso(iat * 1000), until: iso(exp * 1000), digest: statementDigest(token) },
    fingerprint: fingerprintOf(jwks.keys),
    federationKeys: jwks.keys.map(jwkThumbprint),
    messageKeys: broker.message_keys.map(({ kid, alg, exp: until }) => ({
      ...{ kid, alg },
      ...(until === undefined ? {} : { until: iso(until * 1000) }),
    })),
    anchors: tls.anchors.map(anchorView),
    hostNames: tls.names ?? [],
    logKeys: broker.log_keys.map(({ kid }) => kid),
    witnessKeys: broker.witness_keys.map(({ kid }) => kid),
    logs: broker.logs,
    records: records.map(({ id, name: called, offers }) => ({ id, name: called, offers: offers.length })),
  };
}

export function stateOf({ signed, revoked, pausedUntil }: Standing, at: number): NeighbourState {
  if (revoked !== undefined) return 'revoked';
  const seconds = at / 1000;
  if (signed === undefined || seconds < signed.statement.iat || seconds >= signed.statement.exp)
    return 'unspoken';
  return pausedUntil !== undefined && at < pausedUntil ? 'paused' : 'trusted';
}

/** Until when it is paused, as an ISO instant; undefined for one that is not. */
export function pauseOf({ pausedUntil }: Standing, at: number): string | undefined {
  return pausedUntil !== undefined && pausedUntil > at ? iso(pausedUntil) : undefined;
}

function anchorView(pem: string): AnchorView {
  const certificate = new X509Certificate(pem);
  return {
    subject: certificate.subject.replaceAll('\n', ', '),
    thumbprint: thumbprintOf(certificate),
    until: certificate.validToDate.toISOString(),
  };
}

function revocationView({ at, reason, compromisedSince }: Revocation): RevocationView {
  return {
    ...{ at: iso(at), reason },
    ...(compromisedSince === undefined ? {} : { compromisedSince: iso(compromisedSince) }),
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
