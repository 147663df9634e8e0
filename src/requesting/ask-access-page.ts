import type { AccessTrail } from '../audit/access-trail.ts';
import type { Access } from '../audit/questions/access.ts';
import { fromTold } from '../audit/questions/told-access.ts';
import type { Asking } from '../audit/trail.ts';
import { ACCESS_REPORT } from '../config/agreements.ts';
import type { Agreement } from '../config/schema.ts';
import type { Deadline } from '../deadline.ts';
import { EvidenceError } from '../errors.ts';
import {
  ACCESS_QUESTION,
  MOST_SUPERSEDED,
  type AccessBody,
  type AccessQuestionClaims,
} from '../evidence/access-claims.ts';
import { signAsking, type Envelope, type Sender, type SignedAsking } from '../evidence/query.ts';
import { nhsNumberToken } from '../fhir/nhs-number.ts';
import { errorFields, type Log } from '../log.ts';
import type { Directory } from '../routing/directory.ts';
import type { Neighbours } from '../trust/neighbours.ts';
import type { NeighbourLink } from '../upstream/neighbour-link.ts';
import { believeAccesses } from './believe-accesses.ts';
import { reasonOf } from './not-reached.ts';

/** What asking the neighbours stands on. */
export interface AskingAccesses {
  readonly region: string;
  readonly entity: string;
  readonly directory: Directory;
  readonly neighbours: Neighbours;
  readonly links: ReadonlyMap<string, NeighbourLink>;
  /** The agreement with a region if it is in force now. */
  readonly agreementWith: (region: string) => Agreement | undefined;
  readonly sender: Sender;
  readonly audit: AccessTrail;
  /** What each neighbour has for all its pages. */
  readonly budgetMs: number;
  readonly log: Log;
  readonly now: () => number;
}

/** Whose accesses, of which time, and who wants to know. */
export interface AccessQuestion {
  readonly exchange: string;
  /** The patient's current number first, then those that our own demographics say were replaced by it. */
  readonly nhsNumbers: readonly string[];
  /** Milliseconds since the epoch, `from` included, `to` not. */
  readonly from: number;
  readonly to: number;
  /** `system|id`. */
  readonly user: string;
  /** SDS job role. */
  readonly role: string;
  /** ODS code. */
  readonly organisation: string;
}

/** Whom a question goes to, and under which agreement. */
export interface Asked {
  readonly link: NeighbourLink;
  readonly agreement: Agreement;
  readonly region: string;
}

/** Where the page before ended. */
export interface Place {
  readonly newest: number;
  readonly cursor?: string;
}

export type PageTold =
  | {
      readonly kind: 'told';
      readonly accesses: readonly Access[];
      readonly next: string | undefined;
      /** Why there may be more that it cannot tell. */
      readonly missing: AccessBody['missing'];
    }
  | {
      readonly kind: 'untold';
      readonly outcome: 'withheld' | 'refused' | 'not-reached';
      readonly reason: string | undefined;
    };

/** One question: on the disk before it leaves, and what came of it before any of that is used. */
export async function askPage(
  { link, agreement, region }: Asked,
  { newest, cursor }: Place,
  question: AccessQuestion,
  broker: AskingAccesses,
  deadline: Deadline,
): Promise<PageTold> {
  const { audit } = broker;
  const asking = askingOf(question);
  const signed = sign(question, link, cursor, broker);
  const { token, digest, jti } = signed;
  await audit.questionSent(asking, region, { token, digest, jti, agreement: agreement.version });
  const started = performance.now();
  const head = () => ({
    ...{ region, jti, agreement: agreement.version },
    ms: Math.round(performance.now() - started),
  });
  let believed;
  try {
    believed = await link.ask(
      signed,
      { 'X-Request-Id': question.exchange },
      deadline,
      (answer) => believeAccesses(answer, signed, newest, broker.neighbours, broker.now()),
      'accesses',
    );
  } catch (error) {
    const reason = reasonOf(error);
    const event = error instanceof EvidenceError ? 'access-answer-not-believed' : 'access-not-reached';
    const { code: fault } = errorFields(error);
    broker.log.warn({ neighbour: region, reason, code: fault }, 'accesses not told');
    await audit.answerReceived(asking, { ...head(), event, outcome: 'not-reached', reason, fault });
    return { kind: 'untold', outcome: 'not-reached', reason };
  }
  const { claims, ...response } = believed.answer;
  const { outcome, reason, count } = claims;
  const event = 'access-answer-believed';
  await audit.answerReceived(asking, { ...head(), event, outcome, reason, count, response });
  if (believed.body === undefined) {
    return { kind: 'untold', outcome: outcome === 'refused' ? outcome : 'withheld', reason };
  }
  const { accesses, next, missing } = believed.body;
  return { kind: 'told', accesses: accesses.map(fromTold), next, missing };
}

function sign(
  question: AccessQuestion,
  link: NeighbourLink,
  cursor: string | undefined,
  { sender, entity, now }: AskingAccesses,
): SignedAsking<AccessQuestionClaims> {
  const [patient = '', ...also] = question.nhsNumbers.slice(0, 1 + MOST_SUPERSEDED).map(nhsNumberToken);
  const body: Omit<AccessQuestionClaims, keyof Envelope> = {
    patient,
    ...(also.length === 0 ? {} : { patient_also: also }),
    ...{ from: new Date(question.from).toISOString(), to: new Date(question.to).toISOString() },
    ...(cursor === undefined ? {} : { cursor }),
    reason_for_request: ACCESS_REPORT,
    scope: 'patient/AuditEvent.read',
    requesting_system: entity,
    requesting_organization: question.organisation,
    requesting_user: question.user,
    requesting_user_role: question.role,
  };
  return signAsking(ACCESS_QUESTION, sender, link.neighbour.entity, body, now());
}

function askingOf({ exchange, nhsNumbers, user, role, organisation }: AccessQuestion): Asking {
  const [nhsNumber] = nhsNumbers;
  return { exchange, nhsNumber, user, role, organisation, purpose: ACCESS_REPORT };
}
