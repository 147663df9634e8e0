import type { TLSSocket } from 'node:tls';

import type { Asking, AuditTrail, Told } from '../audit/trail.ts';
import type { Agreement } from '../config/schema.ts';
import type { Deadline } from '../deadline.ts';
import type { QueryClaims } from '../evidence/claims.ts';
import { QUERY, type AdmittedQuery, type Receive, type VerifiedQuery } from '../evidence/query.ts';
import { refOf, signResponse } from '../evidence/response.ts';
import type { Directory } from '../routing/directory.ts';
import type { ObjectionStore } from '../store/contracts.ts';
import { step, type Span } from '../span.ts';
import { peerCertificateOf } from '../trust/peer-certificate.ts';
import type { IdentifiedPeer } from '../trust/neighbours.ts';
import { admit, assertNotRevoked, type Admission } from './admit.ts';
import { answerBody, withheldBody, type SignedAnswer } from './answer.ts';
import { askingOf } from './asking-of.ts';
import { onConnection, type Answering, type Connected } from './connection.ts';
import { decideSharing, isWithheld, type Permission } from './decide-sharing.ts';
import { parseSearches, readRecords } from './read-records.ts';
import type { ParsedSearch, Reading } from './reading.ts';
import { readResource } from './read-resource.ts';
import type { RecordAnswer } from './record-answer.ts';
import { provedPart, refuse } from './refuse.ts';
import { watchOthers } from './restrictions.ts';

/** Everything the answering journey stands on. */
export interface Responding extends Answering {
  readonly admission: Admission;
  readonly agreementWith: (region: string) => Agreement | undefined;
  readonly directory: Directory;
  readonly objections: ObjectionStore;
  readonly patientDigest: (nhsNumber: string) => string;
  readonly reading: Reading;
  readonly audit: AuditTrail;
  readonly now: () => number;
}

/**
 * JOURNEY 2. A neighbour's query becomes a signed answer: proof before policy, policy before looking, the
 * subject check on everything that was looked at, and the audit on the disk before a byte leaves.
 *
 * @param token the signed query as it came
 * @param span of the message: who watches is told of each step
 * @returns the answer or the signed refusal
 * @throws WayleaveError for what is refused before the sender's signature is verified (answered unsigned), and
 *   HouseError `audit-unavailable` when nothing may be released
 */
export async function respond(
  token: unknown,
  socket: TLSSocket,
  answering: Responding,
  deadline: Deadline,
  span: Span<'neighbour-request'>,
): Promise<SignedAnswer> {
  const { admission, now } = answering;
  const peer = admission.neighbours.identify(peerCertificateOf(socket), 'client', now());
  const broker = onConnection(answering, socket);
  let query: AdmittedQuery | undefined;
  try {
    query = await admit(QUERY, token, peer, admission, receiver(broker), span, now());
    const { permission, searches, objects } = await decide(query, broker, span);
    if (objects) return await withhold(permission, broker, span);

    const records = await look(permission, searches, broker, deadline, span);
    if (records.some((record) => record.restricted)) return await withhold(permission, broker, span);
    // The records may know the patient under other numbers as well, and an objection under one of those.
    const known = new Set(records.flatMap((record) => record.nhsNumbers));
    if (await patientObjects(permission, known, broker)) return await withhold(permission, broker, span);
    assertNotRevoked(query, admission);
    return await answer(permission, records, broker, span);
  } catch (error) {
    const ref = provedPart(error, query, peer);
    if (ref === undefined) throw error;
    return await refuse(error, {
      sign: (body) => signResponse(broker.sender, ref, body, now()),
      keep: (told) => keepRefusal(told, ref.jti, query, peer, broker),
    });
  }
}

/** What the sender may see, what it asks for, and whether the patient objects. @throws PolicyRefusal, RequestError */
function decide(query: AdmittedQuery, broker: Responding, span: Span) {
  return step(span, 'policy', async () => {
    const agreement = broker.agreementWith(query.peer.neighbour.region);
    const permission = decideSharing(query, agreement, broker.directory, broker.now());
    const searches = parseSearches(query.claims.search ?? []);
    const objects = await patientObjects(permission, query.nhsNumbers, broker);
    return { permission, searches, objects };
  });
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
  span: Span,
): Promise<RecordAnswer[]> {
  const { read } = permission.query.claims;
  const everywhere = read === undefined && searches.some(({ record }) => record === undefined);
  const named = read === undefined ? searches.map(({ record }) => record) : [read.record];
  const ours = broker.reading.links.map(({ record }) => record.id);
  const asked = new Set(everywhere ? ours : ours.filter((id) => named.includes(id)));
  const watching = asked.size === 0 ? [] : watchOthers(permission, asked, broker.reading, deadline);
  const reading =
    read === undefined
      ? readRecords(permission, searches, broker.reading, deadline, span)
      : readResource(permission, read, broker.reading, deadline, span).then((one) => [one]);
  const [answers, others] = await Promise.all([reading, watching]);
  return [...answers, ...others];
}

/** The received query is on the disk before anything is decided on it. */
function receiver({ audit }: Responding): Receive<QueryClaims> {
  return (query, keepUntil) => {
    const { token, digest, claims, peer } = query;
    const message = { token, digest, issuer: claims.iss, keepUntil, retry_of: claims.retry_of };
    return audit.queryReceived(askingWithBoth(query), peer.neighbour.region, message);
  };
}

function answer(
  permission: Permission,
  records: readonly RecordAnswer[],
  broker: Connected<Responding>,
  span: Span,
): Promise<SignedAnswer> {
  return step(span, 'answer', () => signAndKeep(permission, records, broker));
}

async function signAndKeep(
  permission: Permission,
  records: readonly RecordAnswer[],
  broker: Connected<Responding>,
): Promise<SignedAnswer> {
  const { query, agreement } = permission;
  const { resources, ...body } = answerBody(permission, records);
  const response = signResponse(
    broker.sender,
    refOf(query),
    { ...body, digests: resources.map(({ digest }) => digest) },
    broker.now(),
  );
  const { outcome, sources } = body;
  const told = {
    outcome,
    sources,
    resources,
    count: resources.length,
    agreement: agreement.version,
    response,
  };
  await broker.audit.queryAnswered(askingWithBoth(query), query.peer.neighbour.region, told);
  return { outcome, status: body.status, token: response.token, bytes: body.bytes };
}

function withhold(
  { query, agreement }: Permission,
  broker: Connected<Responding>,
  span: Span,
): Promise<SignedAnswer> {
  return step(span, 'answer', async () => {
    const body = withheldBody();
    const response = signResponse(broker.sender, refOf(query), body, broker.now());
    const { outcome, status, bytes } = body;
    const told = { outcome, agreement: agreement.version, response };
    await broker.audit.queryWithheld(askingWithBoth(query), query.peer.neighbour.region, told);
    return { outcome, status, token: response.token, bytes };
  });
}

function keepRefusal(
  told: Told,
  jti: string,
  query: AdmittedQuery | undefined,
  { neighbour: { region } }: IdentifiedPeer,
  { audit }: Responding,
): Promise<void> {
  if (query === undefined) return audit.messageRefused({ exchange: jti }, region, told);
  return audit.queryRefused(askingWithBoth(query), region, told);
}

/** With the superseded number that the query may name as well. */
function askingWithBoth(query: VerifiedQuery): Asking {
  const [, also] = query.nhsNumbers;
  return { ...askingOf(query), also };
}
