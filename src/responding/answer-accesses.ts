import type { TLSSocket } from 'node:tls';

import type { AccessTrail } from '../audit/access-trail.ts';
import type { Told } from '../audit/trail.ts';
import type { Agreement } from '../config/schema.ts';
import type { Deadline } from '../deadline.ts';
import { signAccessAnswer, type AccessAnswerBody } from '../evidence/access-answer.ts';
import { ACCESS_QUESTION, type AccessBody, type AccessQuestionClaims } from '../evidence/access-claims.ts';
import type { Verified } from '../evidence/query.ts';
import { refOf } from '../evidence/response.ts';
import type { Directory } from '../routing/directory.ts';
import type { RegistrationSource } from '../routing/registration.ts';
import type { ObjectionStore } from '../store/contracts.ts';
import type { Span } from '../span.ts';
import type { IdentifiedPeer } from '../trust/neighbours.ts';
import { peerCertificateOf } from '../trust/peer-certificate.ts';
import { accessPage, placeIn, type AccessPages } from './access-page.ts';
import { admit, assertNotRevoked, type Admission } from './admit.ts';
import type { SignedAnswer } from './answer.ts';
import { askingOf } from './asking-of.ts';
import { onConnection, type Answering, type Connected } from './connection.ts';
import {
  decideAccesses,
  whyWithheld,
  type AccessPermission,
  type AdmittedQuestion,
} from './decide-accesses.ts';
import { provedPart, refuse } from './refuse.ts';

/** What answering a question after a patient's accesses stands on. */
export interface AnsweringAccesses extends AccessPages, Answering {
  readonly admission: Admission;
  readonly agreementWith: (region: string) => Agreement | undefined;
  readonly directory: Directory;
  readonly registrations: RegistrationSource;
  readonly objections: ObjectionStore;
  readonly patientDigest: (nhsNumber: string) => string;
  readonly accessAudit: AccessTrail;
}

/**
 * A patient's home region asks who at our side received the patient's record. Proof before policy; policy before the
 * question whose patient it is, which we answer by our own demographics; that before our log is read; and the audit on
 * the disk before a byte leaves.
 *
 * @param token the signed question as it came
 * @throws as `respond` does
 */
export async function answerAccesses(
  token: unknown,
  socket: TLSSocket,
  answering: AnsweringAccesses,
  deadline: Deadline,
  span: Span<'neighbour-request'>,
): Promise<SignedAnswer> {
  const { admission, now } = answering;
  const peer = admission.neighbours.identify(peerCertificateOf(socket), 'client', now());
  const broker = onConnection(answering, socket);
  let question: AdmittedQuestion | undefined;
  try {
    question = await admit(ACCESS_QUESTION, token, peer, admission, receiver(broker), span, now());
    const agreement = broker.agreementWith(peer.neighbour.region);
    const permission = decideAccesses(question, agreement, broker.directory, broker.now());
    const place = placeIn(question, broker);
    const why = await whyNotTold(question, broker, deadline);
    if (why !== undefined) return await withhold(permission, why, broker);
    const page = await accessPage(permission, place, broker, deadline);
    assertNotRevoked(question, admission);
    return await tell(permission, page, broker);
  } catch (error) {
    const ref = provedPart(error, question, peer);
    if (ref === undefined) throw error;
    return await refuse(error, {
      sign: (body) => signAccessAnswer(broker.sender, ref, body, now()),
      keep: (told) => keepRefusal(told, ref.jti, question, peer, broker),
    });
  }
}

/** The received question is on the disk before anything is decided on it. */
function receiver({ accessAudit }: AnsweringAccesses) {
  return (question: Verified<AccessQuestionClaims>, keepUntil: number): Promise<boolean> => {
    const { token, digest, claims, peer } = question;
    const continued = claims.cursor !== undefined;
    const message = { token, digest, issuer: claims.iss, keepUntil, continued };
    return accessAudit.questionReceived(askingOf(question), peer.neighbour.region, message);
  };
}

/** If it cannot be found out, nothing is said. */
async function whyNotTold(
  { nhsNumbers, peer }: AdmittedQuestion,
  { registrations, objections, patientDigest, directory, now }: AnsweringAccesses,
  deadline: Deadline,
) {
  const numbers = [...nhsNumbers];
  try {
    const [registered, inForce] = await Promise.all([
      Promise.all(numbers.map((number) => registrations.registrationOf(number, deadline, 'neighbour'))),
      objections.inForce(numbers.map(patientDigest), now()),
    ]);
    return whyWithheld(peer.neighbour.region, nhsNumbers, registered, inForce, directory, now());
  } catch {
    return 'home-not-known';
  }
}

async function tell(
  { question, agreement }: AccessPermission,
  body: AccessBody,
  { sender, accessAudit, now }: Connected<AnsweringAccesses>,
): Promise<SignedAnswer> {
  const count = body.accesses.length;
  const outcome = body.missing !== undefined ? 'partial' : count === 0 ? 'none' : 'answered';
  const said: AccessAnswerBody = { outcome, status: 200, count, bytes: bytesOf(body) };
  const response = signAccessAnswer(sender, refOf(question), said, now());
  const told = { outcome, count, agreement: agreement.version, response };
  await accessAudit.questionAnswered(askingOf(question), question.peer.neighbour.region, told);
  return { outcome: said.outcome, status: said.status, token: response.token, bytes: said.bytes };
}

/** The same body whether or not anything is held: our log was not even read. */
async function withhold(
  { question, agreement }: AccessPermission,
  why: NonNullable<ReturnType<typeof whyWithheld>>,
  { sender, accessAudit, now }: Connected<AnsweringAccesses>,
): Promise<SignedAnswer> {
  const said: AccessAnswerBody = { outcome: 'withheld', status: 200, bytes: bytesOf({ accesses: [] }) };
  const response = signAccessAnswer(sender, refOf(question), said, now());
  const told = { outcome: said.outcome, agreement: agreement.version, response };
  await accessAudit.questionWithheld(askingOf(question), question.peer.neighbour.region, told, why);
  return { outcome: said.outcome, status: said.status, token: response.token, bytes: said.bytes };
}

function keepRefusal(
  told: Told,
  jti: string,
  question: AdmittedQuestion | undefined,
  { neighbour: { region } }: IdentifiedPeer,
  { accessAudit }: AnsweringAccesses,
): Promise<void> {
  const asking = question === undefined ? { exchange: jti } : askingOf(question);
  return accessAudit.questionRefused(asking, region, told, question !== undefined);
}

function bytesOf(body: AccessBody): Buffer {
  return Buffer.from(JSON.stringify(body));
}
