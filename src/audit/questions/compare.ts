import { REQUESTER_EVENTS, RESPONDER_EVENTS, type Event } from '../entry.ts';
import { judge, type Difference, type Sides, type ToldApart } from './exchange-sides.ts';
import type { ExportedEntry, LogExtract } from './log-export.ts';
import { EXCHANGE_SPAN_MS, newestFirst } from '../walk.ts';

export interface CompareOptions {
  /** How far apart the two ends' clocks may be. */
  readonly toleranceMs: number;
  /** How many `jti`s are listed for each code; all are counted. */
  readonly list: number;
  readonly now: number;
  readonly onProgress?: ((progress: CompareProgress) => void) | undefined;
}

export interface CompareProgress {
  readonly entries: number;
  /** Everything from then on was compared. */
  readonly at: number;
}

export interface Counted<Code> {
  readonly code: Code;
  readonly count: number;
  readonly exchanges: readonly { readonly jti: string; readonly requester: string; readonly at: number }[];
}

export interface Comparison {
  readonly regions: readonly [string, string];
  readonly from: number;
  readonly to: number;
  readonly entries: number;
  readonly exchanges: number;
  readonly agreeing: number;
  readonly differences: readonly Counted<Difference>[];
  readonly toldApart: readonly Counted<ToldApart>[];
  /** Regions of which older entries were asked for and are archived: they were not compared. */
  readonly archived: readonly string[];
}

/** Extracts that are of one region, or not of each other. */
export class NotComparable extends Error {
  override readonly name = 'NotComparable';
}

/** Exchanges with a half missing that are kept, in case that the other half comes much later. */
const MOST_HALVES = 100_000;
/** The longest budget that a configuration can give a request. */
const LONGEST_REQUEST_MS = 120_000;
const PROGRESS_ENTRIES = 1_000;

/**
 * Compares what two regions kept of their exchanges with each other. Both are read once, side by side, newest
 * first; in memory are the exchanges of one span of time, and those of which a half is missing.
 *
 * @throws NotComparable, and what reading the extracts throws
 */
export async function compare(
  one: LogExtract,
  other: LogExtract,
  options: CompareOptions,
): Promise<Comparison> {
  const regions = [one.head.region, other.head.region] as const;
  check(one, other);
  const from = Math.max(one.head.from, other.head.from);
  const to = Math.min(one.head.to, other.head.to, options.now);
  // Nothing that was compared would look like nothing that differs.
  if (from >= to) throw new NotComparable('they hold no time in common');
  const state = new Comparing(regions, { from, to }, options);
  const both = newestFirst(marked(one, regions[1]), marked(other, regions[0]));
  for await (const entry of both) state.add(entry);
  const archived = [one, other].flatMap(({ head }) =>
    head.archived_until === undefined ? [] : [head.region],
  );
  return { ...state.end(), archived };
}

function check(one: LogExtract, other: LogExtract): void {
  if (one.head.region === other.head.region) throw new NotComparable('both are of the same region');
  for (const [mine, theirs] of [
    [one, other],
    [other, one],
  ] as const) {
    const { region, with: named } = mine.head;
    if (named !== undefined && named !== theirs.head.region) {
      throw new NotComparable(`that of ${region} is about ${named} alone`);
    }
  }
}

interface Marked {
  readonly at: number;
  readonly owner: string;
  readonly other: string;
  readonly entry: ExportedEntry;
}

async function* marked(
  { head, entries }: LogExtract,
  other: string,
): AsyncGenerator<Marked, void, undefined> {
  for await (const entry of entries) {
    if (entry.event === 'interrupted' || entry.region === other) {
      yield { at: entry.at, owner: head.region, other, entry };
    }
  }
}

class Comparing {
  readonly #regions: readonly [string, string];
  readonly #span: { readonly from: number; readonly to: number };
  readonly #options: CompareOptions;
  readonly #spanMs: number;
  readonly #pending = new Map<string, Sides>();
  readonly #halves = new Map<string, Sides>();
  readonly #interrupted = new Set<string>();
  readonly #differences = new Tally<Difference>();
  readonly #toldApart = new Tally<ToldApart>();
  #entries = 0;
  #exchanges = 0;
  #agreeing = 0;
  #swept = Infinity;

  constructor(
    regions: readonly [string, string],
    span: { readonly from: number; readonly to: number },
    options: CompareOptions,
  ) {
    this.#regions = regions;
    this.#span = span;
    this.#options = options;
    this.#spanMs = EXCHANGE_SPAN_MS + options.toleranceMs;
  }

  add({ at, owner, other, entry }: Marked): void {
    this.#entries += 1;
    if (entry.event === 'interrupted') this.#interrupted.add(`${owner} ${entry.exchange}`);
    else if (entry.jti !== undefined) this.#place(entry.jti, owner, other, entry);
    if (at <= this.#swept - this.#spanMs) this.#sweep(at);
    if (this.#entries % PROGRESS_ENTRIES === 0) this.#options.onProgress?.({ entries: this.#entries, at });
  }

  end(): Omit<Comparison, 'archived'> {
    this.#sweep(-Infinity);
    for (const sides of this.#halves.values()) this.#judge(sides);
    return {
      ...{ regions: this.#regions, ...this.#span, entries: this.#entries },
      ...{ exchanges: this.#exchanges, agreeing: this.#agreeing },
      differences: this.#differences.list(this.#options.list),
      toldApart: this.#toldApart.list(this.#options.list),
    };
  }

  #place(jti: string, owner: string, other: string, kept: ExportedEntry): void {
    const entry = { ...kept, event: LIKE[kept.event] ?? kept.event };
    const asked = REQUESTER_EVENTS.has(entry.event);
    if (!asked && !RESPONDER_EVENTS.has(entry.event)) return;
    const [requester, responder] = asked ? [owner, other] : [other, owner];
    const key = `${requester} ${jti}`;
    const sides = this.#pending.get(key) ??
      this.#halves.get(key) ?? { jti, requester, responder, ended: [], newest: entry.at, oldest: entry.at };
    sides.newest = Math.max(sides.newest, entry.at);
    sides.oldest = Math.min(sides.oldest, entry.at);
    if (entry.event === 'query-sent') sides.sent = entry;
    else if (entry.event === 'query-received') sides.received = entry;
    else if (asked) sides.told = entry;
    else sides.ended.push(entry);
    if (!this.#halves.has(key)) this.#pending.set(key, sides);
  }

  /** Judges what is so much newer than `at` that no entry of it can come any more, unless a clock was wrong. */
  #sweep(at: number): void {
    this.#swept = at;
    for (const [key, sides] of this.#pending) {
      if (sides.oldest <= at + this.#spanMs) continue;
      this.#pending.delete(key);
      const half = sides.sent === undefined || (sides.received === undefined && sides.ended.length === 0);
      if (half && this.#halves.size < MOST_HALVES) this.#halves.set(key, sides);
      else this.#judge(sides);
    }
  }

  #judge(sides: Sides): void {
    const { from, to } = this.#span;
    const at = sides.sent?.at ?? sides.oldest;
    if (at < from || at >= to) return;
    this.#exchanges += 1;
    const interrupted =
      sides.sent !== undefined && this.#interrupted.has(`${sides.requester} ${sides.sent.exchange}`);
    const verdict = judge(sides, this.#options.toleranceMs, interrupted);
    if (verdict.kind === 'agrees') this.#agreeing += 1;
    else if (verdict.kind === 'told-apart') this.#toldApart.count(verdict.code, sides);
    else if (this.#isUnsettled(sides, verdict.codes)) this.#toldApart.count('unsettled', sides);
    else for (const code of verdict.codes) this.#differences.count(code, sides);
  }

  /** Near an edge of the time compared the missing part may lie beyond it; near now it may not be written yet. */
  #isUnsettled({ oldest, newest }: Sides, codes: readonly Difference[]): boolean {
    if (!codes.some((code) => MISSING.has(code))) return false;
    const { from, to } = this.#span;
    const { toleranceMs } = this.#options;
    // An answer is on the responder's disk before anybody can believe it; the requester may yet write what it was told.
    const unwritten = codes.some((code) => code.endsWith('-at-requester')) ? LONGEST_REQUEST_MS : 0;
    return oldest < from + toleranceMs + LONGEST_REQUEST_MS || newest >= to - toleranceMs - unwritten;
  }
}

const MISSING: ReadonlySet<Difference> = new Set([
  'exchange-missing-at-responder',
  'query-missing-at-responder',
  'answer-missing-at-responder',
  'exchange-missing-at-requester',
  'query-missing-at-requester',
  'answer-missing-at-requester',
]);
/** What else is asked or told between regions leaves the same traces as a query, and is compared as one. */
const LIKE: Partial<Record<Event, Event>> = {
  'access-question-sent': 'query-sent',
  'access-answer-believed': 'response-believed',
  'access-answer-not-believed': 'response-not-believed',
  'access-not-reached': 'not-reached',
  'access-question-received': 'query-received',
  'access-question-answered': 'query-answered',
  'access-question-withheld': 'query-withheld',
  'access-question-refused': 'query-refused',
  'locate-sent': 'query-sent',
  'locate-believed': 'response-believed',
  'locate-not-believed': 'response-not-believed',
  'locate-not-reached': 'not-reached',
  'locate-received': 'query-received',
  'locate-answered': 'query-answered',
  'locate-refused': 'query-refused',
  'notice-sent': 'query-sent',
  'receipt-believed': 'response-believed',
  'receipt-not-believed': 'response-not-believed',
  'notice-not-reached': 'not-reached',
  'notice-received': 'query-received',
  'notice-taken': 'query-answered',
  'notice-refused': 'query-refused',
};
/** How many are kept to be listed, whatever is asked for. */
const MOST_LISTED = 10_000;

class Tally<Code extends string> {
  readonly #found = new Map<
    Code,
    { count: number; exchanges: { jti: string; requester: string; at: number }[] }
  >();

  count(code: Code, { jti, requester, sent, oldest }: Sides): void {
    const found = this.#found.get(code) ?? { count: 0, exchanges: [] };
    found.count += 1;
    if (found.count <= MOST_LISTED) found.exchanges.push({ jti, requester, at: sent?.at ?? oldest });
    this.#found.set(code, found);
  }

  /** Oldest first, in the order of the codes. */
  list(most: number): Counted<Code>[] {
    return [...this.#found]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([code, { count, exchanges }]) => ({
        ...{ code, count },
        exchanges: exchanges.toSorted((one, other) => one.at - other.at).slice(0, most),
      }));
  }
}
