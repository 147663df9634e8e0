import type { NoticeAbout } from '../../audit/notice-trail.ts';
import { startDeadline } from '../../deadline.ts';
import { EvidenceError } from '../../errors.ts';
import {
  MOST_ITEMS,
  MOST_REGIONS,
  MOST_REGIONS_IN_ALL,
  NOTICE,
  type NoticeClaims,
  type NoticeItem,
} from '../../evidence/notice.ts';
import { signAsking } from '../../evidence/query.ts';
import { nhsNumberToken } from '../../fhir/nhs-number.ts';
import { errorFields } from '../../log.ts';
import type { QueuedNotice } from '../../store/contracts.ts';
import type { NeighbourLink } from '../../upstream/neighbour-link.ts';
import { believeReceipt } from './believe-receipt.ts';
import type { GivenUp } from './given-up.ts';
import { DAY_MS, isDue, isGivenUp, LEASE_MS, waitAfter, type NoticeParts } from './notice-parts.ts';

const SEND_MS = 30_000;
/**
 * A home that was looked up longer ago is looked up again before it is told: the patient may be restricted by now. So is that of
 * whom demographics told as restricted meanwhile.
 */
const HOME_GOOD_MS = DAY_MS;

/** Why notices to a region wait: codes, and `refused: ` with the code that it gave. */
export type Obstacle = string;

interface Held {
  readonly why: Obstacle;
  readonly failures: number;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** A message for one region, and the rows that are told by it. */
interface Batch {
  readonly rows: readonly QueuedNotice[];
  readonly items: readonly NoticeItem[];
  readonly about: readonly NoticeAbout[];
}

/**
 * Tells home regions, each by itself, one message at a time. A message that was sent and not marked as told, because this
 * was killed, is sent again: it says the same. The queries come first: nothing is sent while a region's circuit is not closed,
 * and after a failure it is left alone for longer than it takes the breaker to forget that.
 */
export class SendNotices {
  readonly #parts: NoticeParts;
  readonly #givenUp: GivenUp;
  readonly #held = new Map<string, Held>();
  readonly #told = new Map<string, number>();

  constructor(parts: NoticeParts, givenUp: GivenUp) {
    this.#parts = parts;
    this.#givenUp = givenUp;
  }

  /** Patients that each region was told of since the start. */
  get told(): ReadonlyMap<string, number> {
    return this.#told;
  }

  /** Why nothing is sent to a region now. */
  obstacle(region: string): Obstacle | undefined {
    const { links, agreementWith, neighbours, now } = this.#parts;
    const link = links.get(region);
    if (link === undefined || agreementWith(region) === undefined) return 'no-agreement';
    const notAsked = neighbours.notAsked(region, now());
    if (notAsked !== undefined) return notAsked;
    if (link.destination.status().circuit !== 'closed') return 'circuit-open';
    const held = this.#held.get(region);
    return held !== undefined && now() < held.until ? held.why : undefined;
  }

  /** One message to each region that there is something for. @returns true while there is more */
  async round(): Promise<boolean> {
    const { store, region: own, stopping } = this.#parts;
    // Those that the directory lists no more are never told, and given up in time.
    const homes = (await store.noticeQueue.homes('ready')).filter((home) => home !== own);
    // A slow region delays itself alone.
    const rounds = await Promise.allSettled(homes.map((home) => this.#tell(home)));
    for (const one of rounds) if (one.status === 'rejected') throw one.reason;
    return !stopping.aborted && rounds.some((one) => one.status === 'fulfilled' && one.value);
  }

  async #tell(region: string): Promise<boolean> {
    const { store, settings, now } = this.#parts;
    const queue = store.noticeQueue;
    const due = await queue.firstDue('ready', region);
    if (!isDue(due, now())) return false;
    await this.#giveUp(region, due);
    const link = this.#parts.links.get(region);
    if (link === undefined || this.obstacle(region) !== undefined) return false;
    // Those that are not due yet go along; the time of a lease is longer than any waits here.
    const until = now() + settings.every_ms;
    const rows = await queue.take('ready', region, until, until + LEASE_MS, MOST_ITEMS);
    const batch = await this.#batchOf(rows, region);
    if (batch.items.length === 0) return rows.length === MOST_ITEMS;
    // It may be paused, revoked or without an agreement since.
    if (this.obstacle(region) !== undefined) {
      await queue.later(batch.rows, now());
      return false;
    }
    await this.#send(batch, region, link);
    return rows.length === MOST_ITEMS;
  }

  /** What waits for a region that is never there ends too. */
  async #giveUp(region: string, due: number): Promise<void> {
    const { store, settings, now } = this.#parts;
    const old = now() - settings.keep_days * DAY_MS;
    if (due >= old) return;
    const rows = await store.noticeQueue.take('ready', region, old, now() + LEASE_MS, MOST_ITEMS);
    await this.#givenUp.settle(
      region,
      rows.filter((row) => isGivenUp(row, settings, now())),
    );
  }

  /** What is said of each; who is not to be told of any more is left out, and settled. */
  async #batchOf(rows: readonly QueuedNotice[], region: string): Promise<Batch> {
    const { store, numbers, settings, now } = this.#parts;
    const told = await store.toldRestrictions.of(rows.map(({ patient }) => patient));
    const restricted = new Set(told.map(({ patient }) => patient));
    const stale = rows.filter((row) => row.since + HOME_GOOD_MS < now() || restricted.has(row.patient));
    await store.noticeQueue.move(stale, { state: 'seen' }, now(), now());
    const good = rows.filter((row) => !stale.includes(row));
    const patients = good.map(({ patient }) => patient);
    const silent = new Set((await store.objections.inForce(patients, now())).map(({ patient }) => patient));
    const about = new Map<QueuedNotice, NoticeAbout>();
    const [unsaid, tooOld, full]: [QueuedNotice[], QueuedNotice[], QueuedNotice[]] = [[], [], []];
    let named = 0;
    for (const row of good) {
      const nhsNumber = row.sealedNumber && numbers.open(row.sealedNumber, row.patient);
      if (nhsNumber === undefined || silent.has(row.patient)) {
        unsaid.push(row);
        continue;
      }
      if (isGivenUp(row, settings, now())) {
        tooOld.push(row);
        continue;
      }
      const { kind, patient } = row;
      const regions = kind === 'handover' ? await this.#regionsFor(patient, region) : undefined;
      named += regions?.length ?? 0;
      if (named > MOST_REGIONS_IN_ALL) full.push(row);
      else about.set(row, { nhsNumber, kind, ...(regions === undefined ? {} : { regions }) });
    }
    await this.#settle(unsaid);
    await this.#givenUp.settle(region, tooOld);
    await store.noticeQueue.later(full, now());
    return { rows: [...about.keys()], about: [...about.values()], items: [...about.values()].map(itemOf) };
  }

  /** Where the new home is to look: where we knew to, and here, where the patient was at home. */
  async #regionsFor(patient: string, home: string): Promise<string[]> {
    const { region, store } = this.#parts;
    const known = await store.knownRegions.of([patient]);
    const all = new Set([region, ...known.map((one) => one.region)]);
    all.delete(home);
    return [...all].slice(0, MOST_REGIONS);
  }

  async #send({ rows, items, about }: Batch, region: string, link: NeighbourLink): Promise<void> {
    const { sender, trail, agreementWith, neighbours, store, settings, stopping, now } = this.#parts;
    const agreement = agreementWith(region)?.version ?? '';
    const body = { items: [...items] };
    const signed = signAsking<NoticeClaims>(NOTICE, sender, link.neighbour.entity, body, now());
    const { token, digest, jti } = signed;
    await trail.noticeSent(region, { token, digest, jti, agreement }, about);
    using deadline = startDeadline(SEND_MS);
    const cancel = (): void => deadline.cancel();
    stopping.addEventListener('abort', cancel, { once: true });
    const started = performance.now();
    const head = () => ({ region, jti, agreement, ms: Math.round(performance.now() - started) });
    let receipt;
    try {
      receipt = await link.ask(
        signed,
        { 'X-Request-Id': jti },
        deadline,
        (answer) => believeReceipt(answer, signed, neighbours, now()),
        'notices',
      );
    } catch (error) {
      return await this.#failed(error, rows, head());
    } finally {
      stopping.removeEventListener('abort', cancel);
    }
    const { claims, ...response } = receipt;
    const { outcome, count, reason } = claims;
    await trail.receiptReceived({ ...head(), event: 'receipt-believed', outcome, count, reason, response });
    if (outcome === 'refused') return await this.#hold(region, `refused: ${reason ?? ''}`, rows);
    await store.noticeQueue.move(rows, { state: 'told' }, now(), now() + settings.renew_days * DAY_MS);
    this.#held.delete(region);
    this.#told.set(region, (this.#told.get(region) ?? 0) + rows.length);
  }

  async #failed(
    error: unknown,
    rows: readonly QueuedNotice[],
    head: { readonly region: string; readonly jti: string; readonly agreement: string; readonly ms: number },
  ): Promise<void> {
    const isLie = error instanceof EvidenceError;
    const { code: fault } = errorFields(error);
    const event = isLie ? 'receipt-not-believed' : 'notice-not-reached';
    const reason = isLie ? 'not-believed' : 'not-reached';
    await this.#parts.trail.receiptReceived({ ...head, event, outcome: 'not-reached', reason, fault });
    await this.#hold(head.region, reason, rows);
  }

  /** The rows are there again at once; the region is left alone for a while, longer each time. */
  async #hold(region: string, why: Obstacle, rows: readonly QueuedNotice[]): Promise<void> {
    const { store, log, now } = this.#parts;
    const failures = (this.#held.get(region)?.failures ?? 0) + 1;
    this.#held.set(region, { why, failures, until: now() + waitAfter(failures - 1) });
    log.warn({ neighbour: region, why, waiting: rows.length }, 'notices not delivered');
    await store.noticeQueue.later(rows, now());
  }

  async #settle(rows: readonly QueuedNotice[]): Promise<void> {
    const { store, settings, now } = this.#parts;
    await store.noticeQueue.move(rows, { state: 'settled' }, now(), now() + settings.renew_days * DAY_MS);
  }
}

function itemOf({ nhsNumber, kind, regions = [] }: NoticeAbout): NoticeItem {
  const patient = nhsNumberToken(nhsNumber);
  return kind === 'held' ? { patient, kind } : { patient, kind, regions: [...regions] };
}
