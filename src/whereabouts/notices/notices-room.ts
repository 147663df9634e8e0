import type { OnSeen } from '../../routing/seen-patients.ts';
import type { RegistrationSource } from '../../routing/registration.ts';
import { DecideInbox, type DecidedCounts } from './decide-inbox.ts';
import { FindHome } from './find-home.ts';
import { GivenUp, type GivenUpCounts } from './given-up.ts';
import { HandOver } from './hand-over.ts';
import { DAY_MS, isDue, type NoticeParts } from './notice-parts.ts';
import { queueSeen } from './queue-seen.ts';
import { ResolveHomes } from './resolve-homes.ts';
import { Rounds } from './rounds.ts';
import { SendNotices } from './send-notices.ts';
import { COUNTED_DAYS, ToldCounts, type TellerStatus } from './told-counts.ts';

/** What `wayleave status` shows of notices between regions: counts of patients, and region ids. */
export interface NoticesStatus {
  /** Patients whose home region is not known yet. */
  readonly seen: number;
  /** Those that are to be told of, by home region, and why that waits. */
  readonly waiting: readonly { readonly region: string; readonly count: number; readonly why?: string }[];
  /** Patients that each region was told of, since the broker's start. */
  readonly told: readonly { readonly region: string; readonly count: number }[];
  /** What each neighbour told that is not decided yet, and how many rows of it may wait. */
  readonly inbox: readonly { readonly region: string; readonly waiting: number }[];
  readonly inboxLimit: number;
  /** Told by neighbours and decided, since the broker's start. */
  readonly decided: DecidedCounts;
  /** Of whom no home region was told in time, since the broker's start. */
  readonly givenUp: GivenUpCounts;
  /** What became of what each neighbour told, in the last `tellersDays` days, at every replica. */
  readonly tellers: readonly TellerStatus[];
  readonly tellersDays: number;
}

const LOOK_MS = 1_000;
const LEAVERS_MS = 60_000;
const HOUSE_MS = 60_000;
const COUNTS_MS = 10_000;
const FORGET_AT_ONCE = 200;

/** Everything that is done about notices in the background, until it is stopped. */
export class NoticesRoom {
  /** Who was seen here. */
  readonly onSeen: OnSeen;
  /** What became of what neighbours told. */
  readonly toldCounts: ToldCounts;
  readonly #parts: NoticeParts;
  readonly #stopping: AbortController;
  readonly #sending: SendNotices;
  readonly #deciding: DecideInbox;
  readonly #handing: HandOver;
  readonly #givenUp: GivenUp;
  readonly #rounds: Readonly<Record<'resolve' | 'send' | 'decide' | 'leavers' | 'forget' | 'counts', Rounds>>;

  constructor(given: Omit<NoticeParts, 'stopping'>) {
    this.#stopping = new AbortController();
    const parts: NoticeParts = { ...given, stopping: this.#stopping.signal };
    const homes = new FindHome(parts);
    this.#givenUp = new GivenUp(parts);
    this.toldCounts = new ToldCounts(parts);
    const resolving = new ResolveHomes(parts, homes, this.#givenUp, () => undefined);
    const queued = (): void => this.#rounds.resolve.wake();
    this.#parts = parts;
    this.#sending = new SendNotices(parts, this.#givenUp);
    this.#deciding = new DecideInbox(parts, homes, this.toldCounts);
    this.#handing = new HandOver(parts, queued);
    const { log, settings } = parts;
    const every = Math.min(LOOK_MS, settings.every_ms);
    this.#rounds = {
      resolve: new Rounds('homes to be told', () => resolving.round(), LOOK_MS, log),
      send: new Rounds('notices to be sent', () => this.#sending.round(), every, log),
      decide: new Rounds('notices that came', () => this.#deciding.round(), LOOK_MS, log),
      leavers: new Rounds('leavers of the register', () => this.#handing.round(), LEAVERS_MS, log),
      forget: new Rounds('old notices', () => this.#forget(), HOUSE_MS, log),
      counts: new Rounds('counts of what neighbours told', () => this.#keepCounts(), COUNTS_MS, log),
    };
    this.onSeen = queueSeen(parts, queued);
  }

  start(): void {
    for (const one of Object.values(this.#rounds)) one.start();
  }

  /** A neighbour told something. */
  came(): void {
    this.#rounds.decide.wake();
  }

  /** The same source, whose answers tell of homes that changed. */
  hearing(source: RegistrationSource): RegistrationSource {
    return this.#handing.hearing(source);
  }

  async stop(): Promise<void> {
    const stopped = Object.values(this.#rounds).map((one) => one.stop());
    this.#stopping.abort();
    await Promise.all(stopped);
    await this.#keepCounts().catch(() => undefined);
  }

  /** @throws HouseError `store-unavailable` */
  async status(): Promise<NoticesStatus> {
    const { store, settings } = this.#parts;
    const [queued, inbox, tellers] = await Promise.all([
      store.noticeQueue.counts(),
      store.noticeInbox.counts(),
      this.toldCounts.tellers(),
    ]);
    const seen = queued.filter(({ state }) => state === 'seen').reduce((sum, { count }) => sum + count, 0);
    const ready = queued.filter(({ state }) => state === 'ready');
    return {
      seen,
      waiting: ready.map(({ home: region, count }) => {
        const why = this.#sending.obstacle(region);
        return { region, count, ...(why === undefined ? {} : { why }) };
      }),
      told: [...this.#sending.told].map(([region, count]) => ({ region, count })),
      inbox: inbox.map(({ sender: region, waiting }) => ({ region, waiting })),
      inboxLimit: settings.inbox_per_neighbour,
      decided: this.#deciding.counts,
      givenUp: this.#givenUp.counts,
      ...{ tellers, tellersDays: COUNTED_DAYS },
    };
  }

  async #keepCounts(): Promise<boolean> {
    await this.toldCounts.keep();
    return false;
  }

  /** What was told long ago may be told anew, and need not be remembered. */
  async #forget(): Promise<boolean> {
    const { store, settings, now } = this.#parts;
    await this.toldCounts.forgetOld();
    let most = await store.knownRegions.forget(now() - settings.known_days * DAY_MS, FORGET_AT_ONCE);
    // Also of regions that the directory lists no more.
    for (const home of ['', ...(await store.noticeQueue.homes('told'))]) {
      const first = await store.noticeQueue.firstDue(home === '' ? 'settled' : 'told', home);
      if (!isDue(first, now())) continue;
      most = Math.max(most, await store.noticeQueue.forget(home, now(), FORGET_AT_ONCE));
    }
    return most === FORGET_AT_ONCE;
  }
}
