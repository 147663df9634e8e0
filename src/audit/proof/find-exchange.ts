import type { ArchiveStore, FoundEntry, LogStore, Segment } from '../../store/contracts.ts';
import { BEGINNINGS, leafOf } from '../entry.ts';
import { notLookedAt, type NotLookedAt } from '../questions/not-looked-at.ts';

export interface FindSettings {
  /** The log that is written now. */
  readonly current: string;
  /** The only log that is looked in; default: the one that is written now, then every other of the store. */
  readonly origin?: string | undefined;
  readonly store: LogStore;
  readonly archive: Pick<ArchiveStore, 'prunedWithin'>;
  /** Which pruned segments `store` does not look into; all, when it is left out. */
  readonly isLeftOut?: ((segment: Segment) => boolean) | undefined;
}

export interface FoundExchange {
  readonly exchange: string;
  /** The log that it lies in: whole, but for one that the end of a log cut in two. */
  readonly origin: string;
  /** In the order of the log. */
  readonly entries: readonly FoundEntry[];
}

export const EVER = { from: 0, to: Number.MAX_SAFE_INTEGER };
const AT_ONCE = 1_000;
/** A viewer may give many requests one id; a file of more entries would be of use to nobody. */
const MOST_ENTRIES = 10_000;

/** Entries of the exchange are in archived segments, or may be: a file of the others would prove half of it. */
export class InArchive extends Error {
  readonly parts: readonly NotLookedAt[];

  constructor(parts: readonly NotLookedAt[]) {
    super('archived');
    this.parts = parts;
  }
}

/** More entries than one file takes. */
export class TooManyEntries extends Error {}

/**
 * @param id an exchange, a query's `jti`, or a sequence number of the log that is named, or written now
 * @returns undefined when no log has such an entry
 * @throws TooManyEntries; InArchive; HouseError of the store
 */
export async function findExchange(id: string, settings: FindSettings): Promise<FoundExchange | undefined> {
  const { current, origin, store } = settings;
  const others = (await store.logs()).map((one) => one.log).filter((one) => one !== current);
  const logs = origin === undefined ? [current, ...others] : [origin];
  for (const log of logs) {
    // A sequence number means another entry in each log.
    const isNumbered = origin !== undefined || log === current;
    const exchange = await exchangeIn(log, id, isNumbered, store);
    if (exchange === undefined) continue;
    const entries = await entriesOf(exchange, log, store);
    if (lacksBeginning(entries)) await assertNotArchived([log], undefined, settings);
    return { exchange, origin: log, entries };
  }
  await assertNotArchived(logs, isSequence(id) ? Number(id) : undefined, settings);
  return undefined;
}

/** The exchange that an id names: itself, the one of a query, or that of an entry. */
async function exchangeIn(
  log: string,
  id: string,
  isNumbered: boolean,
  store: LogStore,
): Promise<string | undefined> {
  for (const by of [{ exchange: id }, { jti: id }]) {
    const [found] = await store.search({ ...EVER, ...by, log, limit: 1 });
    if (found !== undefined) return leafOf(found).exchange;
  }
  if (!isNumbered || !isSequence(id)) return undefined;
  const [entry] = await store.entries(log, Number(id), 1);
  return entry?.sequence === Number(id) ? leafOf(entry).exchange : undefined;
}

function isSequence(id: string): boolean {
  return /^\d{1,15}$/.test(id);
}

async function entriesOf(exchange: string, log: string, store: LogStore): Promise<FoundEntry[]> {
  const found: FoundEntry[] = [];
  for (let before: FoundEntry | undefined; ; before = found.at(-1)) {
    const page = await store.search({ ...EVER, log, exchange, limit: AT_ONCE, before });
    found.push(...page);
    if (found.length > MOST_ENTRIES) throw new TooManyEntries();
    if (page.length < AT_ONCE) break;
  }
  return found.toSorted((one, other) => one.sequence - other.sequence);
}

/** What is written of an exchange, but for what begins it. */
const GOES_ON: ReadonlySet<string> = new Set([
  ...['query-sent', 'response-believed', 'response-not-believed', 'not-reached', 'released-to-viewer'],
  ...['query-answered', 'query-withheld', 'inclusion-proved', 'inclusion-not-proved', 'interrupted'],
  ...['access-answer-believed', 'access-answer-not-believed'],
  ...['access-question-answered', 'access-question-withheld'],
  ...['locate-sent', 'locate-believed', 'locate-not-believed', 'route-extended', 'locate-answered'],
  ...['notice-about', 'receipt-believed', 'receipt-not-believed', 'notice-not-reached', 'notice-taken'],
]);

function lacksBeginning(entries: readonly FoundEntry[]): boolean {
  const events = entries.map((entry) => leafOf(entry).event);
  return events.some((one) => GOES_ON.has(one)) && !events.some((one) => BEGINNINGS.has(one));
}

/**
 * @param sequence undefined: any entry
 * @throws InArchive where what is not found can be in a file that is not looked into
 */
export async function assertNotArchived(
  logs: readonly string[],
  sequence: number | undefined,
  { archive, isLeftOut = () => true }: FindSettings,
): Promise<void> {
  const parts = await notLookedAt(archive, EVER, (segment) => {
    const holds = sequence === undefined || (segment.from <= sequence && sequence < segment.to);
    return logs.includes(segment.log) && holds && isLeftOut(segment);
  });
  if (parts.length > 0) throw new InArchive(parts);
}
