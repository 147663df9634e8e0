import type { TLSSocket } from 'node:tls';

import type { LocateTrail } from '../audit/locate-trail.ts';
import type { Told } from '../audit/trail.ts';
import type { Agreement } from '../config/schema.ts';
import type { Deadline } from '../deadline.ts';
import { LOCATE, signLocated, type LocateClaims, type LocatedBody } from '../evidence/locate.ts';
import type { Verified } from '../evidence/query.ts';
import { refOf } from '../evidence/response.ts';
import type { Directory } from '../routing/directory.ts';
import type { RegistrationSource } from '../routing/registration.ts';
import type { ToldRegions } from '../routing/told-regions.ts';
import type { Span } from '../span.ts';
import type { CareLocationStore, ObjectionStore } from '../store/contracts.ts';
import type { IdentifiedPeer } from '../trust/neighbours.ts';
import { peerCertificateOf } from '../trust/peer-certificate.ts';
import { admit, assertNotRevoked, type Admission } from './admit.ts';
import type { SignedAnswer } from './answer.ts';
import { askingOf } from './asking-of.ts';
import { onConnection, type Answering, type Connected } from './connection.ts';
import {
  decideLocate,
  regionsToName,
  type AdmittedLocate,
  type LocatePermission,
  type Naming,
  type WhereaboutsKnown,
} from './decide-locate.ts';
import { provedPart, refuse } from './refuse.ts';

/** With less, demographics answer from what was looked up lately alone: that would tell who was. */
const LEAST_BUDGET_MS = 500;

const NOTHING_KNOWN: WhereaboutsKnown = {
  registration: { kind: 'not-reached' },
  ...{ objections: [], careLocations: [], knownRegions: [] },
};

/** What answering a question after who else should be asked stands on. */
export interface AnsweringLocates extends Answering {
  readonly region: string;
  readonly admission: Admission;
  readonly agreementWith: (region: string) => Agreement | undefined;
  readonly directory: Directory;
  readonly registrations: RegistrationSource;
  readonly objections: Pick<ObjectionStore, 'inForce'>;
  readonly careLocations: Pick<CareLocationStore, 'of'>;
  readonly toldRegions: ToldRegions;
  readonly patientDigest: (nhsNumber: string) => string;
  readonly locateAudit: LocateTrail;
  readonly now: () => number;
}

/**
 * A neighbour asks us, as a patient's home region, who else should be asked. Proof before policy; everything that we know
 * is looked up before anything is decided, so that an answer takes as long for who is hidden; region ids are all that is
 * told: the same empty list for who objected or is on our list of restrictions as for who is known nowhere else, and the same
 * `not-known` for who is not ours, is restricted or could not be looked up; and the audit is on the disk before a byte leaves.
 *
 * @param token the signed question as it came
 * @throws as `respond` does
 */
export async function answerLocate(
  token: unknown,
  socket: TLSSocket,
  answering: AnsweringLocates,
  deadline: Deadline,
  span: Span<'neighbour-request'>,
): Promise<SignedAnswer> {
  const { admission, now } = answering;
  const peer = admission.neighbours.identify(peerCertificateOf(socket), 'client', now());
  const broker = onConnection(answering, socket);
  const hasTime = deadline.remainingMs() >= LEAST_BUDGET_MS;
  let question: AdmittedLocate | undefined;
  try {
    question = await admit(LOCATE, token, peer, admission, receiver(broker), span, now());
    const agreement = broker.agreementWith(peer.neighbour.region);
    const permission = decideLocate(question, agreement, broker.directory, broker.now());
    const known = hasTime ? await whatIsKnown(question, broker, deadline) : NOTHING_KNOWN;
    const naming = regionsToName(known, permission, broker.region, broker.directory, broker.now());
    assertNotRevoked(question, admission);
    return await tell(permission, naming, broker);
  } catch (error) {
    const ref = provedPart(error, question, peer);
    if (ref === undefined) throw error;
    return await refuse(error, {
      sign: (body) => signLocated(broker.sender, ref, body, now()),
      keep: (told) => keepRefusal(told, ref.jti, question, peer, broker),
    });
  }
}

/** The received question is on the disk before anything is decided on it. */
function receiver({ locateAudit }: AnsweringLocates) {
  return (question: Verified<LocateClaims>, keepUntil: number): Promise<boolean> => {
    const { token, digest, claims, peer } = question;
    const message = { token, digest, issuer: claims.iss, keepUntil, retry_of: claims.retry_of };
    return locateAudit.questionReceived(askingOf(question), peer.neighbour.region, message);
  };
}

/** If it cannot be found out, nothing is known: then nobody is named, and the answer says so. */
async function whatIsKnown(
  { nhsNumbers }: AdmittedLocate,
  { registrations, objections, careLocations, toldRegions, patientDigest, now }: AnsweringLocates,
  deadline: Deadline,
): Promise<WhereaboutsKnown> {
  const [nhsNumber = ''] = nhsNumbers;
  try {
    const registration = await registrations.registrationOf(nhsNumber, deadline, 'neighbour');
    const current = 'current' in registration ? registration.current : nhsNumber;
    const digests = [...new Set([nhsNumber, current])].map(patientDigest);
    const [inForce, locations, told] = await Promise.all([
      objections.inForce(digests, now()),
      careLocations.of(digests),
      toldRegions.of(digests),
    ]);
    return {
      ...{ registration, objections: inForce },
      careLocations: locations.map(({ organisation }) => organisation),
      knownRegions: told,
    };
  } catch {
    return NOTHING_KNOWN;
  }
}

async function tell(
  { question, agreement }: LocatePermission,
  { outcome, regions, why }: Naming,
  { sender, locateAudit, now }: Connected<AnsweringLocates>,
): Promise<SignedAnswer> {
  const body: LocatedBody = { regions: [...regions] };
  const said = { outcome, status: 200, bytes: Buffer.from(JSON.stringify(body)) } as const;
  const response = signLocated(sender, refOf(question), said, now());
  const told = { outcome, agreement: agreement.version, response };
  await locateAudit.answered(askingOf(question), question.peer.neighbour.region, told, { regions, why });
  return { outcome: said.outcome, status: said.status, token: response.token, bytes: said.bytes };
}

function keepRefusal(
  told: Told,
  jti: string,
  question: AdmittedLocate | undefined,
  { neighbour: { region } }: IdentifiedPeer,
  { locateAudit }: AnsweringLocates,
): Promise<void> {
  const asking = question === undefined ? { exchange: jti } : askingOf(question);
  return locateAudit.refused(asking, region, told, question !== undefined);
}
