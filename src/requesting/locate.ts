import type { SentQuestion } from '../audit/locate-trail.ts';
import type { Received } from '../audit/trail.ts';
import type { Deadline } from '../deadline.ts';
import { DeliveryError, EvidenceError } from '../errors.ts';
import { LOCATE, type LocateClaims } from '../evidence/locate.ts';
import { signAgain, signAsking, type SignedAsking } from '../evidence/query.ts';
import { nhsNumberToken } from '../fhir/nhs-number.ts';
import { errorFields } from '../log.ts';
import { extendPlan, type Located } from '../routing/extend-plan.ts';
import type { FactsOf, Span } from '../span.ts';
import type { PlannedQuestion } from '../routing/plan-for.ts';
import type { NeighbourLink } from '../upstream/neighbour-link.ts';
import { askingOf, type AskedBy } from './asking.ts';
import type { AuthenticatedViewer } from './authenticate-viewer.ts';
import { believeLocated } from './believe-located.ts';
import { reasonOf } from './not-reached.ts';
import { auditClaimsOf } from './region-query.ts';
import type { Requesting } from './requesting.ts';

/** The regions that hold something answer in what is left: so much of it the home region may take. */
const LARGEST_SHARE = 1 / 2;

/**
 * Asks the patient's home region who else should be asked, and extends the plan by what it tells. A plan whose home is
 * ours, or is not known, or is not asked, stays as it is. Never rejects for what the home region does: then a written rule
 * decides, and the plan names it.
 *
 * @throws HouseError `audit-unavailable`
 */
export async function locate(
  planned: PlannedQuestion,
  request: AskedBy,
  broker: Requesting,
  deadline: Deadline,
): Promise<PlannedQuestion> {
  const home = homeToAsk(planned, broker);
  if (home === undefined) return planned;
  const extended = (located: Located): PlannedQuestion =>
    extendPlan(planned, located, broker.withoutLocate, broker.directory);
  if (broker.agreementWith(home)?.locate !== true) {
    return extended({ kind: 'not-told', rule: 'locate-not-agreed' });
  }
  const link = broker.links.get(home);
  const isLeft = link === undefined || broker.neighbours.notAsked(home, broker.now()) !== undefined;
  if (isLeft) return extended({ kind: 'not-told', rule: 'home-not-located' });
  const span = request.span.begin('locate', { region: home });
  try {
    return extended(await ask(link, home, planned, request, span, broker, deadline));
  } finally {
    span.end();
  }
}

/** The region where the patient is registered, where that is a neighbour that the plan asks. */
function homeToAsk({ plan }: PlannedQuestion, { region: own }: Requesting): string | undefined {
  // Our own register may have a patient who is at home elsewhere as well: then that one is asked.
  return plan.regions.find((one) => one.region !== own && one.ask && one.reasons.includes('registered'))
    ?.region;
}

/** What came of one question: as the audit keeps it, and whom the home region named. */
interface Came {
  readonly received: Received & { readonly jti: string };
  readonly regions: readonly string[] | undefined;
  readonly mayAskAgain: boolean;
}

/** Every question is on the disk before it leaves, and what came of it before any of that is used. */
async function ask(
  link: NeighbourLink,
  home: string,
  planned: PlannedQuestion,
  request: AskedBy,
  span: Span<'locate'>,
  broker: Requesting,
  deadline: Deadline,
): Promise<Located> {
  const { locateAudit: audit, budgets, sender, now } = broker;
  const asking = askingOf(planned, request);
  using part = deadline.within(Math.min(budgets.locate_ms, deadline.remainingMs() * LARGEST_SHARE));
  const question = sign(link, planned, request.viewer, broker);
  await audit.sent(asking, home, keptOf(question, request));
  const headers = { 'X-Request-Id': request.exchange, traceparent: span.traceparent };
  let came = await askOnce(question, link, home, headers, broker, part);
  if (came.mayAskAgain) {
    const again = signAgain(LOCATE, sender, question, now());
    await audit.repeated(asking, came.received, keptOf(again, request));
    came = await askOnce(again, link, home, headers, broker, part);
  }
  const { received, regions } = came;
  span.set(toldOf(received, question.jti));
  await audit.received(asking, received, regions ?? []);
  return regions === undefined ? { kind: 'not-told', rule: 'home-not-located' } : { kind: 'told', regions };
}

function keptOf({ token, digest, jti }: SignedAsking<LocateClaims>, { viewer }: AskedBy): SentQuestion {
  return { token, digest, jti, viewerToken: viewer.token };
}

/** A reason that the home region gives is its own word: it is in the audit alone. */
function toldOf({ jti, event, outcome, reason, fault }: Came['received'], first: string): FactsOf<'locate'> {
  const responded = event === 'locate-believed';
  const why = responded ? undefined : reason;
  return { query: jti, outcome, reason: why, fault, responded, retried: jti !== first };
}

/** Never rejects: what fails was not told. */
async function askOnce(
  question: SignedAsking<LocateClaims>,
  link: NeighbourLink,
  home: string,
  headers: Readonly<Record<string, string>>,
  { neighbours, now, log }: Requesting,
  deadline: Deadline,
): Promise<Came> {
  const started = performance.now();
  const head = () => ({
    ...{ region: home, jti: question.jti },
    ms: Math.round(performance.now() - started),
  });
  let came: string | undefined;
  try {
    const { answer, regions } = await link.ask(
      question,
      headers,
      deadline,
      (answer) => {
        came = answer.response;
        return believeLocated(answer, question, neighbours, now());
      },
      'locate',
    );
    const { claims, ...response } = answer;
    const { outcome, reason } = claims;
    const received = { ...head(), event: 'locate-believed', outcome, reason, response } as const;
    return { received, regions, mayAskAgain: false };
  } catch (error) {
    const reason = reasonOf(error);
    const { code: fault } = errorFields(error);
    log.warn({ neighbour: home, reason, code: fault }, 'not told where else to look');
    const notBelieved = error instanceof EvidenceError;
    const event = notBelieved ? 'locate-not-believed' : 'locate-not-reached';
    const unbelieved = notBelieved ? came : undefined;
    const received = { ...head(), event, outcome: 'not-reached', reason, fault, unbelieved } as const;
    const mayAskAgain = error instanceof DeliveryError && error.mayRetry;
    return { received, regions: undefined, mayAskAgain };
  }
}

function sign(
  link: NeighbourLink,
  planned: PlannedQuestion,
  viewer: AuthenticatedViewer,
  { sender, now }: Requesting,
): SignedAsking<LocateClaims> {
  const body = { patient: nhsNumberToken(planned.plan.nhsNumber), ...auditClaimsOf(planned, viewer) };
  return signAsking(LOCATE, sender, link.neighbour.entity, body, now());
}
