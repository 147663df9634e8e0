import { startDeadline } from '../../deadline.ts';
import { DeliveryError } from '../../errors.ts';
import type { StreamCursorStore } from '../../store/contracts.ts';
import { keepSeen, type Feeding } from '../feeds/recorded.ts';
import type { AtHand } from './at-hand.ts';
import { readPage, type EncounterPage, type PolledRecord } from './read-page.ts';

/** A page, and the Patients that it takes to read it. */
const PAGE_MS = 60_000;
/** No record has as much that is new; one that leads in a circle has no end. */
const MOST_PAGES = 100_000;
/** So much of the changes is asked for at once. */
const SPAN_MS = 86_400_000;
/** How far each record was read is kept among the cursors of streams, under this name. */
export const CURSOR = 'care-location-polling';

export interface PollSettings {
  readonly overlap_ms: number;
  readonly page_size: number;
  readonly since?: string | undefined;
}

export interface Polling extends Feeding {
  readonly link: PolledRecord;
  readonly cursors: StreamCursorStore;
  readonly atHand: AtHand;
  readonly settings: PollSettings;
}

export interface PolledRound {
  readonly encounters: number;
  readonly refused: number;
  /** Everything that was changed before is in the index. Milliseconds since the epoch. */
  readonly until: number;
}

/**
 * Asks a record for the Encounters that were changed since it was asked last, a day's changes at a time, and records them.
 * How far it came is kept only once a day's changes are durable, whether the record sorts or not: two replicas that do it at
 * once, or one that is killed, record the same twice, which changes nothing.
 *
 * @throws DeliveryError, HouseError
 */
export async function pollRecord(polling: Polling, signal: AbortSignal): Promise<PolledRound> {
  const { link, cursors, settings, now, atHand } = polling;
  const { id } = link.record;
  atHand.newRound();
  const kept = await cursors.read(CURSOR, id);
  const round = { encounters: 0, refused: 0, until: kept === 0 ? firstTime(settings, now()) : kept };
  for (let isLast = false; !isLast && !signal.aborted;) {
    const from = round.until;
    isLast = from + SPAN_MS >= now();
    // The last has no end: the record's clock may be ahead of ours.
    const to = isLast ? undefined : from + SPAN_MS;
    const read = await pollSpan(from - settings.overlap_ms, to, polling, signal);
    round.encounters += read.encounters;
    round.refused += read.refused;
    if (!read.toItsEnd) break;
    round.until = to ?? Math.max(from, Math.min(read.last, now()));
    await cursors.advance(CURSOR, id, round.until);
  }
  return round;
}

interface PolledSpan {
  readonly encounters: number;
  readonly refused: number;
  /** The latest change in it. */
  readonly last: number;
  /** False where it was stopped before. */
  readonly toItsEnd: boolean;
}

async function pollSpan(
  from: number,
  to: number | undefined,
  polling: Polling,
  signal: AbortSignal,
): Promise<PolledSpan> {
  const { link, settings, atHand } = polling;
  const { id } = link.record;
  let [encounters, refused, last] = [0, 0, -Infinity];
  let path: string | undefined = searchOf(from, to, settings);
  for (let pages = 0; path !== undefined; pages += 1) {
    if (signal.aborted) return { encounters, refused, last, toItsEnd: false };
    if (pages === MOST_PAGES) throw new DeliveryError('bad-content', id);
    const page: EncounterPage = await onePage(path, polling);
    await keepSeen(page.seen, page.refused, id, polling);
    atHand.setDone(page.versions);
    encounters += page.encounters;
    refused += page.refused;
    last = Math.max(last, page.changed ?? last);
    path = page.next;
  }
  return { encounters, refused, last, toItsEnd: true };
}

async function onePage(path: string, { link, atHand, now }: Polling): Promise<EncounterPage> {
  using deadline = startDeadline(PAGE_MS);
  return await readPage(path, link, atHand, deadline, now());
}

function firstTime({ since }: PollSettings, now: number): number {
  return since === undefined ? now : Date.parse(since);
}

function searchOf(from: number, to: number | undefined, { page_size: count }: PollSettings): string {
  const instant = (at: number): string => new Date(Math.max(at, 0)).toISOString();
  const before = to === undefined ? '' : `&_lastUpdated=lt${instant(to)}`;
  return (
    `Encounter?_lastUpdated=ge${instant(from)}${before}&_sort=_lastUpdated&_count=${count}` +
    '&_include=Encounter:subject'
  );
}
