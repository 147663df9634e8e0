import type { ArchiveStore, LogStore, Segment } from '../../store/contracts.ts';
import { Accesses, type Access } from './access.ts';
import type { AuditLog, ReadEntry } from '../log.ts';
import { notLookedAt, whyNotAll, type Missing, type NotLookedAt } from './not-looked-at.ts';
import { EXCHANGE_SPAN_MS, walk } from '../walk.ts';

export interface ReportQuestion {
  readonly nhsNumber: string;
  /** Other numbers of the same patient, as whoever asks knows them. */
  readonly also: readonly string[];
  /** Milliseconds since the epoch, `from` included, `to` not. */
  readonly from: number;
  readonly to: number;
}

export interface ReportSources {
  readonly store: Pick<LogStore, 'search'>;
  readonly archive: Pick<ArchiveStore, 'prunedWithin'>;
  /** Which pruned segments `store` does not look into; all, when it is left out. */
  readonly isLeftOut?: ((segment: Segment) => boolean) | undefined;
  readonly log: Pick<AuditLog, 'read'>;
  readonly digest: (value: string) => string;
  readonly region: string;
}

/** Who saw one patient's record, as one region's logs tell it. */
export interface PatientReport {
  readonly from: number;
  readonly to: number;
  /** Oldest first. */
  readonly accesses: readonly Access[];
  /** When these logs themselves were searched for the patient, oldest first. */
  readonly enquiries: readonly { readonly at: number; readonly event: string }[];
  /** When admins here looked up the patient's registration and whom we would ask (`wayleave route`), oldest first. */
  readonly lookUps: readonly { readonly at: number; readonly event: string }[];
  /** How many numbers were looked under: a superseded one that our own demographics told of counts. */
  readonly numbers: number;
  /** Entries that bear another number which a neighbour alone says is this patient's: it was not looked under. */
  readonly unconfirmed: number;
  /** Archived entries of that time, which this report does not tell of. */
  readonly notLookedAt: readonly NotLookedAt[];
  /** Entries about the patient that are broken: what they say is not in the report. */
  readonly unreadable: number;
}

const ENQUIRIES = new Set(['audit-searched', 'report-made', 'access-question-received']);
const LOOK_UPS = new Set(['route-shown']);

/** Whose other number a question bears is what the sender says: it may be another patient's. */
const OTHERS_WORD = new Set([
  ...['query-received', 'query-answered', 'query-withheld', 'query-refused'],
  'access-question-received',
]);

/**
 * Reads every entry about the patient, in pages, and opens what it holds sealed. A superseded number is followed
 * where our own demographics said so; a neighbour's word does not open the entries of what may be another patient.
 */
export async function gatherReport(
  question: ReportQuestion,
  sources: ReportSources,
  pageSize?: number,
): Promise<PatientReport> {
  const { accesses, enquiries, lookUps, numbers, claimed, unreadable } = await read(
    question,
    sources,
    pageSize,
  );
  const within = withinOf(question);
  return {
    ...{ from: question.from, to: question.to, numbers: numbers.size },
    accesses: accesses.list(sources.region).filter(within),
    enquiries: enquiries.filter(within).sort((one, other) => one.at - other.at),
    lookUps: lookUps.filter(within).sort((one, other) => one.at - other.at),
    unreadable,
    unconfirmed: claimed.filter((number) => !numbers.has(number)).length,
    notLookedAt: await notLookedAt(sources.archive, spanOf(question), sources.isLeftOut),
  };
}

/** Where a page of accesses ended. */
export interface AccessPlace {
  readonly at: number;
  readonly exchange: string;
}

/** How many entries are read between two looks at whether that is enough. */
const LOOK_EVERY = 500;

/**
 * The newest looks of our own at the record, newest first, and whether there are older ones. What is older than they
 * are is not read.
 *
 * @param before the last of the page before
 * @param goOn called now and then; what it throws ends the work
 */
export async function newestAccesses(
  question: ReportQuestion,
  before: AccessPlace | undefined,
  most: number,
  sources: ReportSources,
  goOn: () => void = () => undefined,
): Promise<{ accesses: Access[]; more: boolean; missing: Missing | undefined }> {
  const to = before === undefined ? question.to : Math.min(question.to, before.at + 1);
  const span = { ...question, to };
  let seen = 0;
  const { accesses, unreadable, readFrom } = await read(span, sources, undefined, (all, at) => {
    if (++seen % LOOK_EVERY !== 0) return false;
    goOn();
    // An exchange whose beginning is newer than this has been read whole.
    return all.begunHere(at + EXCHANGE_SPAN_MS, to) > most + atPlace(all, before);
  });
  const within = withinOf({ ...span, from: Math.max(span.from, readFrom) });
  const older = accesses
    .list(sources.region)
    .filter((access) => access.askedBy === 'us' && within(access) && isBefore(access, before))
    .reverse();
  const page = older.slice(0, most);
  const parts = await notLookedAt(sources.archive, spanOf(question), sources.isLeftOut);
  const more = older.length > page.length || readFrom > question.from;
  return { accesses: page, more, missing: whyNotAll(parts, unreadable) };
}

/** The entries of an exchange that began within the time asked about may lie beyond it. */
function spanOf({ from, to }: Pick<ReportQuestion, 'from' | 'to'>): { from: number; to: number } {
  return { from: from - EXCHANGE_SPAN_MS, to: to + EXCHANGE_SPAN_MS };
}

interface Read {
  readonly accesses: Accesses;
  readonly enquiries: { at: number; event: string }[];
  readonly lookUps: { at: number; event: string }[];
  readonly numbers: ReadonlySet<string>;
  /** Other numbers that a neighbour alone says are this patient's, one for each entry. */
  readonly claimed: readonly string[];
  readonly unreadable: number;
  /** Exchanges that began from then on were read whole. */
  readonly readFrom: number;
}

async function read(
  question: ReportQuestion,
  { store, log, digest }: ReportSources,
  pageSize?: number,
  enough: (accesses: Accesses, at: number) => boolean = () => false,
): Promise<Read> {
  const accesses = new Accesses();
  const enquiries: { at: number; event: string }[] = [];
  const lookUps: { at: number; event: string }[] = [];
  const numbers = new Set([question.nhsNumber, ...question.also]);
  const claimed: string[] = [];
  let readFrom = -Infinity;
  let unreadable = 0;
  const span = spanOf(question);
  // A number that is found on the way joins the set, and so has its turn.
  for (const number of numbers) {
    for await (const found of walk(store, { ...span, patients: [digest(number)] }, pageSize)) {
      const entry = log.read(found);
      const { at, event } = entry.leaf;
      const superseded = entry.opened?.['superseded']?.value;
      if (superseded !== undefined && !OTHERS_WORD.has(event)) numbers.add(superseded);
      else if (superseded !== undefined) claimed.push(superseded);
      if (event === 'unreadable') unreadable += 1;
      if (!accesses.add(entry) && isEnquiry(entry)) enquiries.push({ at, event });
      if (LOOK_UPS.has(event)) lookUps.push({ at, event });
      if (!enough(accesses, at)) continue;
      readFrom = Math.max(readFrom, at + EXCHANGE_SPAN_MS);
      break;
    }
  }
  return { accesses, enquiries, lookUps, numbers, claimed, unreadable, readFrom };
}

/** A question that goes on over several pages is one. */
function isEnquiry({ leaf }: ReadEntry): boolean {
  return ENQUIRIES.has(leaf.event) && !(leaf.detail && 'continued' in leaf.detail);
}

function withinOf({ from, to }: { from: number; to: number }): (one: { at: number }) => boolean {
  return ({ at }) => at >= from && at < to;
}

/** In the order of a list, which is that of time and then of the exchange's id. */
function isBefore({ at, exchange }: AccessPlace, place: AccessPlace | undefined): boolean {
  return place === undefined || at < place.at || (at === place.at && exchange < place.exchange);
}

/** Looks of the very millisecond that the page before ended in: they are counted, and may be on that page. */
function atPlace(accesses: Accesses, place: AccessPlace | undefined): number {
  return place === undefined ? 0 : accesses.begunHere(place.at, place.at + 1);
}
