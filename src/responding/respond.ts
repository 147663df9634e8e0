import type { TLSSocket } from 'node:tls';

import type { AuditTrail } from '../audit/trail.ts';
import type { Agreement } from '../config/schema.ts';
import type { Deadline } from '../deadline.ts';
import { EvidenceError, isWayleaveError } from '../errors.ts';
import type { AdmittedQuery, Sender } from '../evidence/query.ts';
import { refOf, signResponse, type QueryRef } from '../evidence/response.ts';
import type { Directory } from '../routing/directory.ts';
import type { ObjectionStore } from '../store/contracts.ts';
import { peerCertificateOf } from '../trust/peer-certificate.ts';
import type { IdentifiedPeer } from '../trust/neighbours.ts';
import { admitQuery, type Admission } from './admit-query.ts';
import { answerBody, refusalBody, withheldBody, type SignedAnswer } from './answer.ts';
import { decideSharing, isWithheld, type Permission } from './decide-sharing.ts';
import { parseSearches, readRecords } from './read-records.ts';
import type { ParsedSearch, Reading } from './reading.ts';
import { readResource } from './read-resource.ts';
import type { RecordAnswer } from './record-answer.ts';
import { watchOthers } from './restrictions.ts';

/** Everything the answering journey stands on. */
export interface Responding {
  readonly admission: Admission;
  readonly agreementWith: (region: string) => Agreement | undefined;
  readonly directory: Directory;
  readonly objections: ObjectionStore;
  readonly patientDigest: (nhsNumber: string) => string;
  readonly reading: Reading;
  readonly sender: Sender;
  readonly audit: AuditTrail;
  readonly now: () => number;
}

/**
 * JOURNEY 2. A neighbour's query becomes a signed answer: proof before policy, policy before looking, the
 * subject check on everything that was looked at, and the audit on the disk before a byte leaves.
 *
 * @param token the signed query as it came
 * @returns the answer or the signed refusal
 * @throws WayleaveError for what is refused before the sender's signature is verified (answered unsigned), and
 *   HouseError `audit-unavailable` when nothing may be released
 */
export async function respond(
  token: unknown,
  socket: TLSSocket,
  broker: Responding,
  deadline: Deadline,
): Promise<SignedAnswer> {
  const peer = broker.admission.neighbours.identify(peerCertificateOf(socket), 'client', broker.now());
  let query: AdmittedQuery | undefined;
  try {
    query = await admitQuery(token, peer, broker.admission, broker.now());
    const agreement = broker.agreementWith(peer.neighbour.region);
    const permission = decideSharing(query, agreement, broker.directory, broker.now());
    const searches = parseSearches(query.claims.search ?? []);
    if (await patientObjects(permission, query.nhsNumbers, broker)) return await withhold(permission, broker);

    const records = await look(permission, searches, broker, deadline);
    if (records.some((record) => record.restricted)) return await withhold(permission, broker);
    // The records may know the patient under other numbers as well, and an objection under one of those.
    const known = new Set(records.flatMap((record) => record.nhsNumbers));
    if (await patientObjects(permission, known, broker)) return await withhold(permission, broker);
    return await answer(permission, records, broker);
  } catch (error) {
    const proved = query === undefined ? signedPart(error) : { jti: query.claims.jti, digest: query.digest };
    if (proved === undefined) throw error;
    return await refuse(error, { issuer: peer.neighbour.entity, ...proved }, query, peer, broker);
  }
}

/** Decided before looking; if it cannot be found out, nothing is said. */
async function patientObjects(
  permission: Permission,
  nhsNumbers: ReadonlySet<string>,
  broker: Responding,
): Promise<boolean> {
  if (nhsNumbers.size === 0) return false;
  const digests = [...nhsNumbers].map(broker.patientDigest);
  try {
    return isWithheld(permission, await broker.objections.inForce(digests, broker.now()));
  } catch {
    return true;
  }
}

/** The records that are asked, and beside them the others, for what they know of a restriction. */
async function look(
  permission: Permission,
  searches: readonly ParsedSearch[],
  broker: Responding,
  deadline: Deadline,
): Promise<RecordAnswer[]> {
  const { read } = permission.query.claims;
  const everywhere = read === undefined && searches.some(({ record }) => record === undefined);
  const named = read === undefined ? searches.map(({ record }) => record) : [read.record];
  const ours = broker.reading.links.map(({ record }) => record.id);
  const asked = new Set(everywhere ? ours : ours.filter((id) => named.includes(id)));
  const watching = asked.size === 0 ? [] : watchOthers(permission, asked, broker.reading, deadline);
  const reading =
    read === undefined
      ? readRecords(permission, searches, broker.reading, deadline)
      : readResource(permission, read, broker.reading, deadline).then((one) => [one]);
  const [answers, others] = await Promise.all([reading, watching]);
  return [...answers, ...others];
}

async function answer(
  permission: Permission,
  records: readonly RecordAnswer[],
  broker: Responding,
): Promise<SignedAnswer> {
  const body = answerBody(permission, records);
  const signed = signResponse(broker.sender, refOf(permission.query), body, broker.now());
  await broker.audit.queryAnswered(askingOf(permission, broker), permission.query.peer.neighbour.region, {
    outcome: body.outcome,
    count: body.resources.length,
    detail: { response_digest: signed.digest, sources: body.sources, ...notesOf(permission, broker) },
  });
  return { status: body.status, token: signed.token, bytes: body.bytes };
}

async function withhold(permission: Permission, broker: Responding): Promise<SignedAnswer> {
  const body = withheldBody();
  const signed = signResponse(broker.sender, refOf(permission.query), body, broker.now());
  await broker.audit.queryWithheld(askingOf(permission, broker), permission.query.peer.neighbour.region, {
    outcome: body.outcome,
    detail: { response_digest: signed.digest, ...notesOf(permission, broker) },
  });
  return { status: body.status, token: signed.token, bytes: body.bytes };
}

/** A refusal after the sender is proved is signed and audited; a fault of ours is neither, and releases nothing. */
async function refuse(
  error: unknown,
  ref: QueryRef,
  query: AdmittedQuery | undefined,
  peer: IdentifiedPeer,
  broker: Responding,
): Promise<SignedAnswer> {
  if (!isWayleaveError(error) || error.publicForm.status >= 500) throw error;
  const body = refusalBody(error);
  const signed = signResponse(broker.sender, ref, body, broker.now());
  const asking = query === undefined ? { exchange: ref.jti } : askingOf({ query }, broker);
  await broker.audit.queryRefused(asking, peer.neighbour.region, error.code);
  return { status: body.status, token: signed.token, bytes: body.bytes };
}

function signedPart(error: unknown): { jti: string; digest: string } | undefined {
  return error instanceof EvidenceError ? error.signed : undefined;
}

function askingOf({ query }: Pick<Permission, 'query'>, broker: Responding) {
  const { claims } = query;
  const [nhsNumber = ''] = query.nhsNumbers;
  return {
    exchange: claims.jti,
    patient: broker.patientDigest(nhsNumber),
    organisation: claims.requesting_organization,
    user: claims.requesting_user,
    role: claims.requesting_user_role,
    purpose: claims.reason_for_request,
  };
}

/** What an answer's row keeps beside the outcome: a broken glass with its reason, and a second number. */
function notesOf({ query }: Permission, broker: Responding): object {
  const { break_glass: glass, origin, relationship } = query.claims;
  const [, also] = query.nhsNumbers;
  return {
    origin,
    relationship,
    ...(glass === undefined ? {} : { break_glass: glass }),
    ...(also === undefined ? {} : { patient_also: broker.patientDigest(also) }),
  };
}
