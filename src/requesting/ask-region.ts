import { careSetting } from '../config/schema.ts';
import type { Deadline } from '../deadline.ts';
import { DeliveryError } from '../errors.ts';
import type { Source } from '../evidence/claims.ts';
import type { SignedQuery } from '../evidence/query.ts';
import { REASONS, type Outcome, type Reason } from '../fhir/codes.ts';
import { parseSearch } from '../fhir/search-parameters.ts';
import { errorFields } from '../log.ts';
import { believe, type CheckedResponse } from './believe.ts';
import { reasonOf } from './not-reached.ts';
import type { RegionAnswer, SourceAnswer } from './region-answer.ts';
import type { RegionQuery } from './region-query.ts';
import type { Requesting } from './requesting.ts';

/** Refusals that say no to us, as against those that say something went wrong on the way. */
const POLICY_CODES = new Set(['outside-coverage', 'no-agreement', 'purpose-not-agreed', 'role-not-agreed']);

/**
 * Sends one region its query and tells what became of it. Never rejects: whatever fails is this region's own
 * *not reached*, and nothing of an answer that is not believed is used.
 */
export async function askRegion(
  part: RegionQuery,
  headers: Readonly<Record<string, string>>,
  broker: Requesting,
  deadline: Deadline,
): Promise<RegionAnswer> {
  const started = performance.now();
  const head = { region: part.region, asked: part.asked, settingsNotOffered: [] as string[] };
  const notOffered = part.notOffered.map(({ record, search }) =>
    emptySource(part.region, record, search, 'not-offered'),
  );
  if (part.query === undefined) {
    return { ...head, outcome: 'not-offered', sources: notOffered, responded: false, jti: undefined, ms: 0 };
  }
  const { link, query } = part;
  const notAsked = broker.neighbours.notAsked(part.region, broker.now());
  if (notAsked !== undefined) {
    return {
      ...head,
      outcome: 'not-reached',
      reason: notAsked,
      sources: [],
      responded: false,
      jti: query.jti,
      ms: 0,
    };
  }
  const ms = (): number => Math.round(performance.now() - started);
  let came: string | undefined;
  try {
    const checked = await link.ask(query, headers, deadline, (answer) => {
      came = answer.response;
      return believe(answer, query, broker.neighbours, broker.now());
    });
    const { claims, token, digest } = checked.response;
    if (claims.checkpoint !== undefined) void watch(claims.checkpoint, broker);
    const told = checked.sources.map((one) => toSource(part.region, one));
    const sources = [...told, ...leftOut(part, told, checked), ...notOffered];
    return {
      ...head,
      ...overall(checked, sources),
      sources,
      settingsNotOffered: (claims.settings_not_offered ?? []).filter(isCareSetting),
      responded: true,
      jti: query.jti,
      believed: { response: { token, digest }, resources: checked.resources },
      ms: ms(),
    };
  } catch (error) {
    const reason = reasonOf(error);
    const { code } = errorFields(error);
    broker.log.warn({ neighbour: part.region, reason, code, ms: ms() }, 'region not reached');
    return {
      ...head,
      outcome: 'not-reached',
      reason,
      sources: [],
      responded: false,
      jti: query.jti,
      fault: code,
      unbelieved: reason === 'not-believed' ? came : undefined,
      mayAskAgain: (error instanceof DeliveryError && error.mayRetry) || undefined,
      ms: ms(),
    };
  }
}

/** Beside the answer, which does not wait for it. */
async function watch(checkpoint: string, { checkpoints, log }: Requesting): Promise<void> {
  try {
    await checkpoints.seen(checkpoint);
  } catch (error) {
    log.warn(errorFields(error), 'checkpoint not compared');
  }
}

function toSource(
  region: string,
  { source, matches, includes }: CheckedResponse['sources'][number],
): SourceAnswer {
  return {
    region,
    record: source.record,
    search: source.search,
    outcome: source.outcome,
    reason: knownReason(source),
    matches,
    includes,
    total: source.total,
    cursor: source.cursor,
    asOf: source.as_of,
  };
}

/** A neighbour's reason is one of ours or none: nothing from outside reaches a screen as a code. */
function knownReason(source: Source): Reason | undefined {
  if (source.reason === undefined) return undefined;
  return Object.hasOwn(REASONS, source.reason) ? (source.reason as Reason) : 'fault';
}

/** Records that were asked and of which the answer says nothing: what they hold is not known. */
function leftOut(
  { region, link, query }: Extract<RegionQuery, { query: SignedQuery }>,
  told: readonly SourceAnswer[],
  { response }: CheckedResponse,
): SourceAnswer[] {
  if (response.claims.sources === undefined) return [];
  const { search = [], read } = query.claims;
  const offering = (type: string): string[] =>
    link.neighbour.broker.records.filter(({ offers }) => offers.includes(type)).map(({ id }) => id);
  const asked = search.flatMap(({ id, query: text, record }) =>
    (record === undefined ? offering(parseSearch(text).type) : [record]).map((one) => ({ id, record: one })),
  );
  if (read !== undefined) asked.push({ id: 'read', record: read.record });
  return asked
    .filter(({ id, record }) => !told.some((source) => source.record === record && source.search === id))
    .map(({ id, record }) => ({
      ...emptySource(region, record, id, 'not-reached'),
      reason: 'record-not-reached',
    }));
}

function isCareSetting(code: string): boolean {
  return (careSetting.options as readonly string[]).includes(code);
}

function emptySource(region: string, record: string, search: string, outcome: Outcome): SourceAnswer {
  return { region, record, search, outcome, matches: [], includes: [] };
}

function overall(
  { response }: CheckedResponse,
  sources: readonly SourceAnswer[],
): { outcome: Outcome; reason?: Reason } {
  const { outcome, reason } = response.claims;
  if (outcome === 'withheld') return { outcome, reason: 'responder-decision' };
  if (outcome === 'refused') {
    return POLICY_CODES.has(reason ?? '')
      ? { outcome: 'withheld', reason: 'agreement' }
      : { outcome: 'not-reached', reason: 'refused' };
  }
  return overallOf(sources);
}

/** One word for all sources of a region that answered. */
export function overallOf(sources: readonly SourceAnswer[]): { outcome: Outcome; reason?: Reason } {
  const kinds = new Set(sources.map((source) => source.outcome).filter((kind) => kind !== 'not-offered'));
  const [only, ...others] = kinds;
  if (only === undefined) return { outcome: 'not-offered' };
  if (kinds.has('not-reached')) {
    const lost = sources.filter((source) => source.outcome === 'not-reached');
    const unapproved = lost.every((source) => source.reason === 'record-not-approved');
    const reason = unapproved ? 'record-not-approved' : 'record-not-reached';
    return { outcome: others.length === 0 ? 'not-reached' : 'partial', reason };
  }
  if (others.length === 0) return { outcome: only };
  if ([...kinds].every((kind) => kind === 'answered' || kind === 'none')) return { outcome: 'answered' };
  return { outcome: 'partial' };
}
