import type { TLSSocket } from 'node:tls';

import type { AuditTrail } from '../audit/trail.ts';
import type { Agreement } from '../config/schema.ts';
import type { Deadline } from '../deadline.ts';
import { EvidenceError, WayleaveError } from '../errors.ts';
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
import type { Reading } from './reading.ts';
import { readResource } from './read-resource.ts';
import type { RecordAnswer } from './record-answer.ts';

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
    if (await patientObjects(permission, broker)) return await withhold(permission, broker);

    const records =
      query.claims.read === undefined
        ? await readRecords(permission, searches, broker.reading, deadline)
        : [await readResource(permission, query.claims.read, broker.reading, deadline)];
    if (records.some((record) => record.restricted)) return await withhold(permission, broker);
    return await answer(permission, records, broker);
  } catch (error) {
    const proved = query === undefined ? signedPart(error) : { jti: query.claims.jti, digest: query.digest };
    if (proved === undefined) throw error;
    return await refuse(error, { issuer: peer.neighbour.entity, ...proved }, peer, broker);
  }
}

/** Decided before looking; if it cannot be found out, nothing is said. */
async function patientObjects(permission: Permission, broker: Responding): Promise<boolean> {
  const digests = [...permission.query.nhsNumbers].map(broker.patientDigest);
  try {
    return isWithheld(permission, await broker.objections.inForce(digests, broker.now()));
  } catch {
    return true;
  }
}

async function answer(
  permission: Permission,
  records: readonly RecordAnswer[],
  broker: Responding,
): Promise<SignedAnswer> {
  const body = answerBody(permission, records);
  const signed = await signResponse(broker.sender, refOf(permission.query), body, broker.now());
  await broker.audit.queryAnswered(askingOf(permission, broker), permission.query.peer.neighbour.region, {
    outcome: body.outcome,
    count: body.resources.length,
    detail: { response_digest: signed.digest, sources: body.sources, ...glassOf(permission) },
  });
  return { status: body.status, token: signed.token, bytes: body.bytes };
}

async function withhold(permission: Permission, broker: Responding): Promise<SignedAnswer> {
  const body = withheldBody();
  const signed = await signResponse(broker.sender, refOf(permission.query), body, broker.now());
  await broker.audit.queryWithheld(askingOf(permission, broker), permission.query.peer.neighbour.region, {
    outcome: body.outcome,
    detail: { response_digest: signed.digest, ...glassOf(permission) },
  });
  return { status: body.status, token: signed.token, bytes: body.bytes };
}

/** A refusal after the sender is proved is signed and audited; a fault of ours is neither, and releases nothing. */
async function refuse(
  error: unknown,
  query: QueryRef,
  peer: IdentifiedPeer,
  broker: Responding,
): Promise<SignedAnswer> {
  if (!(error instanceof WayleaveError) || error.publicForm.status >= 500) throw error;
  const body = refusalBody(error);
  const signed = await signResponse(broker.sender, query, body, broker.now());
  await broker.audit.queryRefused({ exchange: query.jti }, peer.neighbour.region, error.code);
  return { status: body.status, token: signed.token, bytes: body.bytes };
}

function signedPart(error: unknown): { jti: string; digest: string } | undefined {
  return error instanceof EvidenceError ? error.signed : undefined;
}

function askingOf({ query }: Permission, broker: Responding) {
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

/** A broken glass is kept with its code: both regions' privacy officers are to be told. */
function glassOf({ query }: Permission): { break_glass?: string } {
  return query.claims.break_glass === undefined ? {} : { break_glass: query.claims.break_glass.code };
}
