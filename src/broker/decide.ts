import { randomUUID, X509Certificate } from 'node:crypto';

import type { AuditTrail } from '../audit/trail.ts';
import { HouseError } from '../errors.ts';
import { sealDecision } from '../evidence/decision-seal.ts';
import {
  decisionDetail,
  type DecisionDetail,
  type DecisionKind,
  type TrustDecision,
} from '../trust/decisions.ts';
import { jwkThumbprint } from '../trust/jwk-thumbprint.ts';
import { thumbprintOf } from '../trust/peer-certificate.ts';
import { statementDigest, type Standing, type Standings } from '../trust/standing.ts';
import type { TrustRegister } from './trust-register.ts';

export interface Deciding {
  readonly register: TrustRegister;
  /** Of the log that is written now; undefined while nothing is served. */
  readonly trail: () => AuditTrail | undefined;
  readonly key: Buffer;
  readonly now: () => number;
}

/** What somebody decides, before it is known whether it is the next. */
export type Wanted = {
  [Kind in DecisionKind]: {
    readonly kind: Kind;
    readonly region: string;
    readonly detail: DecisionDetail<Kind>;
    /** The id of an admin, or `REFRESH`. */
    readonly by: string;
    /** In words; kept sealed. */
    readonly why: string;
  };
}[DecisionKind];

/** Other replicas may decide at the same moment. */
const MOST_ATTEMPTS = 8;

/**
 * Decides, on the state as it is when the decision is kept: what another replica decided meanwhile is read first.
 *
 * @param wantedOn what to decide on a state, or throws where it cannot be decided any more; undefined: nothing to do
 * @returns the decision, which is kept and in the log
 * @throws HouseError `audit-unavailable`; RegisterBroken; what `wantedOn` throws
 */
export async function decide(
  { register, trail, key, now }: Deciding,
  wantedOn: (standings: Standings) => Wanted | undefined,
): Promise<TrustDecision | undefined> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    await register.sync();
    const wanted = wantedOn(register.standings);
    if (wanted === undefined) return undefined;
    const { kind, region, by, why } = wanted;
    const { sequence: last, seal: before } = register.last;
    const head = { sequence: last + 1, at: now(), kind, region, by, exchange: randomUUID() };
    const unsealed = { ...head, detail: decisionDetail(kind, wanted.detail as never) };
    const decision = { ...unsealed, seal: sealDecision(key, before, unsealed) };
    const read = { ...head, detail: wanted.detail } as TrustDecision;
    const told = {
      decided: openly(wanted),
      before: summaryOf(register.standings.neighbours.get(region)),
      after: summaryOf((await register.preview(read)).neighbours.get(region)),
    };
    const log = trail();
    if (log === undefined) throw new HouseError('store-closed');
    if (!(await log.trustDecided(decision, told, why))) continue;
    await register.sync();
    return read;
  }
  throw new HouseError('store-unavailable', 'decided elsewhere at the same time');
}

/** A revocation, and what takes one back: public names, codes and dates, which evidence files prove (`docs/evidence.md`). */
function openly(wanted: Wanted): object | undefined {
  return wanted.kind === 'revoked' || wanted.kind === 'reinstated' ? wanted.detail : undefined;
}

/** How a neighbour stands, in public names and digests alone. */
export function summaryOf(standing: Standing | undefined): object | undefined {
  if (standing === undefined) return undefined;
  const { entity, federationKeys, anchors, signed, pending, revoked, pausedUntil } = standing;
  return {
    entity,
    statement: signed && {
      sequence: signed.statement.metadata.wayleave_broker.sequence,
      digest: statementDigest(signed.token),
    },
    federation_keys: federationKeys.map(jwkThumbprint),
    anchors: anchors.map((pem) => thumbprintOf(new X509Certificate(pem))),
    pending: pending?.digest,
    revoked: revoked?.reason,
    revoked_keys: [...standing.revokedKeys.keys()],
    revoked_certificates: [...standing.revokedCertificates.keys()],
    paused_until: pausedUntil,
  };
}
