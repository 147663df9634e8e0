import { createHash } from 'node:crypto';

import { REFRESH, type Revocable, type RevocationReason, type TrustDecision } from './decisions.ts';
import type { EntityStatement, PublicJwk } from './entity-statement.ts';
import { jwkThumbprint } from './jwk-thumbprint.ts';

/** A statement whose signature was verified by a key that it holds itself. */
export interface SignedStatement {
  readonly token: string;
  readonly statement: EntityStatement;
  /** RFC 7638 thumbprint of the federation key that signed. */
  readonly thumbprint: string;
}

/** A neighbour as a configuration file pins it. */
export interface PinnedByFile {
  readonly region: string;
  readonly entity: string;
  readonly federationKeys: readonly PublicJwk[];
  /** PEM. */
  readonly anchors: readonly string[];
  readonly statementToken: string;
}

export interface Revocation {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly reason: RevocationReason;
  /** Since when it may have been in another's hands. */
  readonly compromisedSince: number | undefined;
}

/** A statement that waits for an admin. */
export interface PendingStatement {
  readonly signed: SignedStatement;
  readonly digest: string;
  readonly changes: readonly string[];
  readonly since: number;
}

/** A new neighbour that one admin has proposed. */
export interface Proposal {
  readonly sequence: number;
  readonly region: string;
  readonly by: string;
  readonly at: number;
  readonly entity: string;
  readonly federationKeys: readonly PublicJwk[];
  readonly signed: SignedStatement;
  /** As in a configuration file: whoever uses it parses it. */
  readonly agreement: Readonly<Record<string, unknown>>;
}

/** How a neighbour stands with us: what its file and every decision since come to. */
export interface Standing {
  readonly region: string;
  readonly entity: string;
  /** Those that alone may sign its statements. */
  readonly federationKeys: readonly PublicJwk[];
  /** Those that alone may issue its certificates, PEM. */
  readonly anchors: readonly string[];
  /** The one that counts; its dates are judged when it is used. */
  readonly signed: SignedStatement | undefined;
  readonly pending: PendingStatement | undefined;
  /** Digests of statements that an admin declined. */
  readonly declined: ReadonlySet<string>;
  /** Of the neighbour as a whole. */
  readonly revoked: Revocation | undefined;
  /** By `kid`. */
  readonly revokedKeys: ReadonlyMap<string, Revocation>;
  /** By `x5t#S256` (RFC 8705). */
  readonly revokedCertificates: ReadonlyMap<string, Revocation>;
  /** Milliseconds since the epoch; undefined also for one that was resumed. */
  readonly pausedUntil: number | undefined;
  /** Set for one that was enrolled by decisions: no file names it. */
  readonly agreement: Readonly<Record<string, unknown>> | undefined;
  /** Of the last decision about it. */
  readonly decided: { readonly sequence: number; readonly at: number; readonly by: string } | undefined;
}

export interface Standings {
  readonly neighbours: ReadonlyMap<string, Standing>;
  readonly proposals: ReadonlyMap<string, Proposal>;
}

/** SHA-256 of a statement's text, base64url: how a decision names it. */
export function statementDigest(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** SHA-256 over all that an approval of a proposal approves: its statement and its agreement. */
export function proposalDigest({ sequence, signed, agreement }: Omit<Proposal, 'by' | 'at'>): string {
  const text = JSON.stringify(['wayleave-proposal', sequence, signed.token, agreement]);
  return createHash('sha256').update(text).digest('base64url');
}

/** What the files alone come to. @param read the statement of a token, where its signature holds */
export function standingsOf(
  files: readonly PinnedByFile[],
  read: (token: string) => SignedStatement | undefined,
): Standings {
  return {
    neighbours: new Map(files.map((file) => [file.region, fromFile(file, read)])),
    proposals: new Map(),
  };
}

/**
 * What it comes to with one decision more. A decision that does not fit the state before it changes nothing: a statement
 * that is signed by no key pinned then, an approval of what is not pending.
 *
 * @param signed the statement that the decision holds, where its signature holds
 */
export function standingsAfter(
  before: Standings,
  decision: TrustDecision,
  signed: SignedStatement | undefined,
): Standings {
  const [neighbours, proposals] = [new Map(before.neighbours), new Map(before.proposals)];
  if (decision.kind.startsWith('enrolment-')) enrol(decision, neighbours, proposals, signed);
  // A proposal of before a revocation is not approved after it.
  if (decision.kind === 'revoked' && decision.detail.what.kind === 'neighbour')
    proposals.delete(decision.region);
  const standing = neighbours.get(decision.region);
  if (standing !== undefined) {
    const { sequence, at, by } = decision;
    const decided = by === REFRESH ? standing.decided : { sequence, at, by };
    neighbours.set(decision.region, { ...standing, ...changeBy(decision, standing, signed), decided });
  }
  return { neighbours, proposals };
}

function fromFile(file: PinnedByFile, read: (token: string) => SignedStatement | undefined): Standing {
  const { region, entity, federationKeys, anchors, statementToken } = file;
  return {
    ...{ ...NEW, region, entity, federationKeys, anchors },
    signed: believed(read(statementToken.trim()), { region, entity, federationKeys }),
  };
}

const NEW = {
  signed: undefined,
  pending: undefined,
  declined: new Set<string>(),
  revoked: undefined,
  revokedKeys: new Map<string, Revocation>(),
  revokedCertificates: new Map<string, Revocation>(),
  pausedUntil: undefined,
  agreement: undefined,
  decided: undefined,
} as const;

function changeBy(
  decision: TrustDecision,
  standing: Standing,
  held: SignedStatement | undefined,
): Partial<Standing> {
  switch (decision.kind) {
    case 'statement-taken': {
      const signed = believed(held, standing);
      if (signed === undefined || !isLater(signed, standing)) return {};
      const { pending } = standing;
      // What waited is overtaken.
      return {
        signed,
        pending: pending !== undefined && isLater(pending.signed, { signed }) ? pending : undefined,
      };
    }
    case 'statement-pending': {
      const { token, changes } = decision.detail;
      const signed = believed(held, standing);
      if (signed === undefined || !isLater(signed, standing)) return {};
      return { pending: { signed, changes, digest: statementDigest(token), since: decision.at } };
    }
    case 'statement-approved': {
      const { pending } = standing;
      if (pending?.digest !== decision.detail.digest) return {};
      // The file may have been brought up to date since: what it pins then counts.
      return { ...(isLater(pending.signed, standing) ? pinsOf(pending.signed) : {}), pending: undefined };
    }
    case 'statement-declined': {
      const { digest } = decision.detail;
      const pending = standing.pending?.digest === digest ? undefined : standing.pending;
      return { pending, declined: new Set([...standing.declined, digest]) };
    }
    case 'revoked': {
      const { reason, compromised_since: compromisedSince } = decision.detail;
      return revocationOf(decision.detail.what, standing, { at: decision.at, reason, compromisedSince });
    }
    case 'reinstated':
      return revocationOf(decision.detail.what, standing, undefined);
    case 'paused':
      return { pausedUntil: decision.detail.until };
    case 'resumed':
      return { pausedUntil: undefined };
    default:
      return {};
  }
}

function enrol(
  decision: TrustDecision,
  neighbours: Map<string, Standing>,
  proposals: Map<string, Proposal>,
  held: SignedStatement | undefined,
): void {
  const { region, sequence, by, at } = decision;
  if (decision.kind === 'enrolment-proposed') {
    const { entity, federation_keys: federationKeys, agreement } = decision.detail;
    const signed = believed(held, { region, entity, federationKeys });
    // One that is known is enrolled anew under the same name alone: where its federation key was lost.
    const taken = [...neighbours.values()].some((one) => (one.region === region) !== (one.entity === entity));
    if (signed === undefined || taken) return;
    proposals.set(region, { ...{ sequence, region, by, at, entity, federationKeys }, signed, agreement });
    return;
  }
  const proposal = proposals.get(region);
  if (decision.kind === 'enrolment-declined') {
    if (proposal?.sequence === decision.detail.proposal) proposals.delete(region);
    return;
  }
  if (decision.kind !== 'enrolment-approved' || proposal?.sequence !== decision.detail.proposal) return;
  // A second pair of eyes, unless the site has one admin and says so.
  if (by === proposal.by && !decision.detail.alone) return;
  const { entity, signed, agreement } = proposal;
  const known = neighbours.get(region);
  proposals.delete(region);
  // The file may have been brought up to date since: what it pins then counts.
  if (known !== undefined && !isLater(signed, known)) return;
  // What was revoked stays so until it is reinstated: that is a decision of its own.
  const { revoked, revokedKeys, revokedCertificates, pausedUntil } = known ?? NEW;
  const fresh = { ...NEW, region, entity, agreement, ...pinsOf(signed) };
  neighbours.set(region, { ...fresh, revoked, revokedKeys, revokedCertificates, pausedUntil });
}

/** An approved statement pins what it says: its own federation keys and anchors from then on. */
function pinsOf(signed: SignedStatement): Pick<Standing, 'signed' | 'federationKeys' | 'anchors'> {
  const { jwks, metadata } = signed.statement;
  return { signed, federationKeys: jwks.keys, anchors: metadata.wayleave_broker.tls.anchors };
}

function revocationOf(
  what: Revocable,
  { revokedKeys, revokedCertificates }: Standing,
  revocation: Revocation | undefined,
): Partial<Standing> {
  const changed = (from: ReadonlyMap<string, Revocation>, name: string): Map<string, Revocation> => {
    const all = new Map(from);
    if (revocation === undefined) all.delete(name);
    else all.set(name, revocation);
    return all;
  };
  switch (what.kind) {
    case 'neighbour':
      return { revoked: revocation };
    case 'message-key':
      return { revokedKeys: changed(revokedKeys, what.kid) };
    case 'certificate':
      return { revokedCertificates: changed(revokedCertificates, what.thumbprint) };
  }
}

/** The statement, if it is the neighbour's own and a key signed it that is pinned for it. */
function believed(
  signed: SignedStatement | undefined,
  { region, entity, federationKeys }: Pick<Standing, 'region' | 'entity' | 'federationKeys'>,
): SignedStatement | undefined {
  if (signed === undefined) return undefined;
  const { statement, thumbprint } = signed;
  const isIts = statement.sub === entity && statement.metadata.wayleave_broker.region === region;
  return isIts && federationKeys.some((key) => jwkThumbprint(key) === thumbprint) ? signed : undefined;
}

function isLater(signed: SignedStatement, { signed: held }: Pick<Standing, 'signed'>): boolean {
  return held === undefined || sequenceOf(signed) > sequenceOf(held);
}

function sequenceOf({ statement }: SignedStatement): number {
  return statement.metadata.wayleave_broker.sequence;
}
