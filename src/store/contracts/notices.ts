/** How a region came to be known to hold something of a patient: it said so itself, or the home before ours did. */
export type ToldBy = 'notice' | 'handover';

/** What a neighbour told of a patient who may be ours; which is decided later. */
export interface ToldRegion {
  /** Region id of the neighbour. */
  readonly sender: string;
  readonly patient: string;
  /** The NHS number under this region's own key. */
  readonly sealedNumber: Uint8Array;
  /** Region that holds something: the sender itself, or one that it names as the former home. */
  readonly region: string;
  readonly how: ToldBy;
  readonly firstTold: number;
  readonly lastTold: number;
}

export interface WaitingRegion extends ToldRegion {
  /** How often it could not be decided. */
  readonly tries: number;
}

/** What neighbours told and is not decided yet: whether the patient is ours is looked up after the receipt is sent. */
export interface NoticeInboxStore {
  /**
   * Keeps what one neighbour told, or widens first and last told of what waits already. All or none of one call.
   *
   * @param most how much of one sender's may wait; calls at the same moment may pass it by what they bring
   * @returns false when that much waits: then nothing was kept
   */
  keep(told: readonly ToldRegion[], most: number): Promise<boolean>;
  /** What waits of one patient (either digest, where a number was superseded), last told first, at most 200. */
  of(patients: readonly string[]): Promise<Omit<ToldRegion, 'sealedNumber'>[]>;
  /** When the first is due; undefined for none. */
  firstDue(): Promise<number | undefined>;
  /**
   * Of every sender what is due, and no sender waits for what another told: the patients that are due longest, at most `each`
   * (1 to 1,000) of one sender, with all that is due of them. Each row is given to one caller until `leaseUntil`.
   */
  take(now: number, leaseUntil: number, each: number): Promise<WaitingRegion[]>;
  /** Takes away what is decided; also where it was told anew meanwhile: it says the same. */
  decided(rows: readonly ToldRegion[]): Promise<void>;
  /** Looks again at `next`, and counts the try. */
  later(rows: readonly ToldRegion[], next: number): Promise<void>;
  counts(): Promise<{ readonly sender: string; readonly waiting: number }[]>;
  /** Deletes up to `limit` (1 to 1,000) that one sender told. @returns how many */
  forgetSender(sender: string, limit: number): Promise<number>;
}

/** `held`: that we hold something, to the home region. `handover`: which regions do, from the former home to the new one. */
export type NoticeKind = 'held' | 'handover';

/**
 * `seen`: the home is not known yet. `ready`: it is to be told. `told`: it was. `settled`: nobody is to be told. Of the last two
 * no number is kept.
 */
export type NoticeState = 'seen' | 'ready' | 'told' | 'settled';

export interface NoticeKey {
  readonly patient: string;
  readonly kind: NoticeKind;
}

export interface QueuedNotice extends NoticeKey {
  /** The NHS number under this region's own key; undefined in `told` and `settled`. */
  readonly sealedNumber: Uint8Array | undefined;
  /** Region id; empty in `seen` and `settled`. */
  readonly home: string;
  readonly queued: number;
  /** When it came into its state. */
  readonly since: number;
  readonly tries: number;
}

export type NoticeMove =
  | { readonly state: 'seen' }
  | { readonly state: 'ready'; readonly home: string }
  | { readonly state: 'told' | 'settled' };

/** Where the leavers of the register were read to. */
export interface LeaverCursor {
  readonly until: number;
  readonly patient: string;
}

/** Which patients' home regions are to be told something. One row for each patient and kind. */
export interface NoticeQueueStore {
  /**
   * Puts patients in as `seen`. One who waits stays as they are; one who was told or settled waits again only when that is due,
   * or `at-once`. All or none of one call; also of no rows, after which what `stays` said is durable.
   */
  enqueue(
    rows: readonly (NoticeKey & { readonly sealedNumber: Uint8Array })[],
    at: number,
    again?: 'when-due' | 'at-once',
  ): Promise<void>;
  /** Those of up to 1,000 patients that `enqueue` would leave as they are: who wait, or were told or settled and are not due. */
  stays(patients: readonly string[], kind: NoticeKind, at: number): Promise<string[]>;
  /** The home region that was told last; undefined where none was. */
  toldTo(key: NoticeKey): Promise<string | undefined>;
  /** Puts in anew as `seen` what was told to another home than `home`. @returns whether there was such a row */
  homeChanged(key: NoticeKey, home: string, sealedNumber: Uint8Array, at: number): Promise<boolean>;
  /** When the first of these is due; undefined for none. `home` is empty but in `ready` and `told`. */
  firstDue(state: NoticeState, home: string): Promise<number | undefined>;
  /** Those due by `due`, the longest due first, at most `limit` (1 to 1,000): each is given to one caller until `leaseUntil`. */
  take(
    state: 'seen' | 'ready',
    home: string,
    due: number,
    leaseUntil: number,
    limit: number,
  ): Promise<QueuedNotice[]>;
  /** @param next when it is due there: to be looked at, sent, or put in again */
  move(rows: readonly NoticeKey[], to: NoticeMove, at: number, next: number): Promise<void>;
  /** Stays in its state, is due at `next`, and the try is counted. */
  later(rows: readonly NoticeKey[], next: number): Promise<void>;
  /** Deletes up to `limit` (1 to 1,000) that were told to `home`, or settled (`''`), and may be put in again. @returns how many */
  forget(home: string, now: number, limit: number): Promise<number>;
  /** Every home that a row names, in `ready` or `told`, whether the directory lists it or not; in alphabetical order. */
  homes(state: 'ready' | 'told'): Promise<string[]>;
  /** Of those that wait: `ready` and `seen`. */
  counts(): Promise<{ readonly state: NoticeState; readonly home: string; readonly count: number }[]>;
  leaverCursor(): Promise<LeaverCursor | undefined>;
  /** In the place of what was kept. */
  keepLeaverCursor(cursor: LeaverCursor): Promise<void>;
}
