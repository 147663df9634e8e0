import type { KnownRegion, ToldOutcome, WaitingRegion } from '../../store/contracts.ts';
import { carryOver } from './carry-over.ts';
import type { FindHome } from './find-home.ts';
import { inTurn } from './in-turn.ts';
import {
  DAY_MS,
  isDue,
  LEASE_MS,
  LOOK_AGAIN_MS,
  MOST_UNANSWERED,
  waitAfter,
  type NoticeParts,
} from './notice-parts.ts';
import type { ToldCounts } from './told-counts.ts';

/** Patients of one neighbour in a round: what another tells meanwhile waits for no more of them. */
const EACH_AT_ONCE = 10;
/** One unlisted region has all the effect there is; a neighbour that invents ids is not to push out what else is known. */
const MOST_UNLISTED = 3;

/** How many patients it was of whom something was decided. */
export interface DecidedCounts {
  /** Patients of ours: it is known where else to look. */
  readonly known: number;
  /** Of others, of the restricted, and of nobody; and what was told by who is trusted no more. */
  readonly dropped: number;
  /** Whose home could not be found out in time: some may be patients of ours. */
  readonly givenUp: number;
}

/**
 * Decides what neighbours told: of a patient whose home we are it is known from then on where to look; of any other nothing
 * is kept, and no entry says whose patient it was.
 */
export class DecideInbox {
  readonly #parts: NoticeParts;
  readonly #homes: FindHome;
  readonly #told: ToldCounts;
  #rounds = 0;
  #known = 0;
  #dropped = 0;
  #givenUp = 0;

  constructor(parts: NoticeParts, homes: FindHome, counts: ToldCounts) {
    this.#parts = parts;
    this.#homes = homes;
    this.#told = counts;
  }

  /** Since the start. */
  get counts(): DecidedCounts {
    return { known: this.#known, dropped: this.#dropped, givenUp: this.#givenUp };
  }

  /** A few patients of each neighbour, in turn. @returns true while there may be more */
  async round(): Promise<boolean> {
    const { store, stopping, now } = this.#parts;
    if (!isDue(await store.noticeInbox.firstDue(), now())) return false;
    const rows = await store.noticeInbox.take(now(), now() + LEASE_MS, EACH_AT_ONCE);
    this.#rounds += 1;
    let unanswered = 0;
    for (const [patient, told] of inTurn(await this.#stillTrusted(rows), this.#rounds)) {
      if (stopping.aborted) return false;
      // What our own register can say waits for no demographics; the others stay until their lease ends.
      if (unanswered === MOST_UNANSWERED && !(await this.#homes.isHere(patient))) continue;
      const isAnswered = await this.#decide(patient, told);
      if (unanswered < MOST_UNANSWERED) unanswered = isAnswered ? 0 : unanswered + 1;
    }
    return rows.length > 0 && unanswered < MOST_UNANSWERED;
  }

  /** What a neighbour told that is trusted no more counts for nothing. */
  async #stillTrusted(rows: readonly WaitingRegion[]): Promise<WaitingRegion[]> {
    const { neighbours, now } = this.#parts;
    const trusted = rows.filter(({ sender }) => neighbours.inForce(sender, now()) !== undefined);
    const others = rows.filter((row) => !trusted.includes(row));
    if (others.length > 0) await this.#drop(others);
    return trusted;
  }

  /** @returns false when demographics cannot say now */
  async #decide(patient: string, rows: readonly WaitingRegion[]): Promise<boolean> {
    const { region, store, numbers, settings, patientDigest, now } = this.#parts;
    const [first] = rows;
    const nhsNumber = first && numbers.open(first.sealedNumber, patient);
    if (nhsNumber === undefined || (await this.#isRestricted([patient]))) return await this.#drop(rows);
    const home = await this.#homes.of(nhsNumber, patient);
    const until = Math.max(...rows.map(({ lastTold }) => lastTold)) + settings.inbox_days * DAY_MS;
    const isOpen = home.kind === 'not-known-now' || home.kind === 'none-yet';
    if (isOpen && until < now()) await this.#giveUp(rows);
    else if (home.kind === 'not-known-now') {
      await store.noticeInbox.later(rows, now() + waitAfter(Math.max(...rows.map(({ tries }) => tries))));
    } else if (home.kind === 'none-yet') {
      await store.noticeInbox.later(rows, Math.min(until + 1, now() + LOOK_AGAIN_MS));
    }
    if (isOpen) return home.kind === 'none-yet';
    if (home.kind !== 'region' || home.region !== region) return await this.#drop(rows);
    const current = patientDigest(home.current);
    if (home.current !== nhsNumber) await carryOver(this.#parts, nhsNumber, home.current);
    if (await this.#isRestricted([current])) return await this.#drop(rows);
    // It may have been revoked while this was looked up, and be forgotten already.
    const trusted = await this.#stillTrusted(rows);
    if (trusted.length === 0) return true;
    await store.knownRegions.record(await this.#worthKeeping(trusted.map((row) => knownFrom(row, current))));
    await store.noticeInbox.decided(trusted);
    this.#known += 1;
    this.#count(trusted, 'known');
    return true;
  }

  async #isRestricted(patients: readonly string[]): Promise<boolean> {
    const { store, now } = this.#parts;
    return (await store.objections.inForce(patients, now())).some(({ kind }) => kind === 'restriction');
  }

  async #worthKeeping(told: readonly KnownRegion[]): Promise<KnownRegion[]> {
    const listed = new Set(this.#parts.directory.regions().map(({ id }) => id));
    const [keep, unlisted] = [
      told.filter(({ region }) => listed.has(region)),
      told.filter(({ region }) => !listed.has(region)),
    ];
    const [first] = unlisted;
    if (first === undefined) return keep;
    const known = await this.#parts.store.knownRegions.of([first.patient]);
    const before = known.map(({ region }) => region).filter((region) => !listed.has(region));
    const most = new Set([...before, ...unlisted.map(({ region }) => region).toSorted()]);
    const kept = new Set([...most].slice(0, Math.max(MOST_UNLISTED, new Set(before).size)));
    return [...keep, ...unlisted.filter(({ region }) => kept.has(region))];
  }

  async #giveUp(rows: readonly WaitingRegion[]): Promise<void> {
    await this.#parts.store.noticeInbox.decided(rows);
    this.#givenUp += 1;
    this.#count(rows, 'given-up');
  }

  async #drop(rows: readonly WaitingRegion[]): Promise<true> {
    await this.#parts.store.noticeInbox.decided(rows);
    this.#dropped += new Set(rows.map(({ patient }) => patient)).size;
    this.#count(rows, 'dropped');
    return true;
  }

  /** Each patient once for each who told, however many regions were named. */
  #count(rows: readonly WaitingRegion[], what: ToldOutcome): void {
    const told = new Map(rows.map((row) => [[row.sender, row.how, row.patient].join(' '), row]));
    for (const { sender, how } of told.values()) this.#told.add(sender, how, what);
  }
}

function knownFrom(
  { region, how, sender, firstTold, lastTold }: WaitingRegion,
  patient: string,
): KnownRegion {
  return { patient, region, how, from: sender, firstTold, lastTold };
}
