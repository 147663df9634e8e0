/** The two sides of a broker. Each has a part of the limit that the other cannot use up. */
export type Side = 'viewers' | 'neighbours';

/** A request at the door. */
export interface Entry {
  readonly side: Side;
  /** Who asks, by a name that is one within its side: one of few, since each is remembered. */
  readonly caller: string;
  /** The longest that it may wait, in milliseconds: part of its own deadline. */
  readonly patienceMs: number;
  readonly onLetIn: () => void;
  readonly onRefused: () => void;
}

export interface ShareSettings {
  /** How many may be under way at once, now. */
  readonly limit: () => number;
  /** How many may wait. */
  readonly mostWaiting: number;
  /** The longest that any waits, in milliseconds. */
  readonly longestWaitMs: number;
}

interface Waiting {
  readonly entry: Entry;
  readonly from: number;
  readonly until: number;
}

interface Caller {
  readonly side: Side;
  underWay: number;
  readonly waiting: Waiting[];
  /** Since when somebody of this caller's has been waiting without a break, and when one was refused last. */
  standsSince: number;
  refusedAt: number;
}

/** Of the limit: what each side has for itself, also where the other has taken all of it. */
const GUARANTEED = 1 / 4;
/**
 * Of the longest wait: what is left of it for a caller whose queue does not empty, or of whom some were refused in as long
 * as two such waits: a queue is there for bursts (CoDel, RFC 8289).
 */
const STANDING = 1 / 10;
const REMEMBERED = 2;

/**
 * Who is let in when not everybody can be: max-min fairness over callers. Whoever is alone may use all of it; when it is
 * full, the next place is the waiting caller's that has the least, and who has the most is refused first. What is under
 * way is never ended for another.
 *
 * Pure: times are given, in milliseconds of any one clock. Each entry is let in or refused exactly once, or withdrawn.
 */
export class FairShare {
  readonly #settings: ShareSettings;
  readonly #callers = new Map<string, Caller>();
  readonly #underWay: Record<Side, number> = { viewers: 0, neighbours: 0 };
  #waiting = 0;

  constructor(settings: ShareSettings) {
    this.#settings = settings;
  }

  /** How many are under way, on one side or on both. */
  underWay(side?: Side): number {
    return side === undefined ? this.#underWay.viewers + this.#underWay.neighbours : this.#underWay[side];
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Lets in, keeps waiting, or refuses: `onLetIn` or `onRefused` may be called before this returns. */
  enter(entry: Entry, now: number): void {
    const caller = this.#caller(entry);
    // Who waits already was there before.
    if (caller.waiting.length === 0 && this.#hasRoom(entry.side)) return this.#letIn(caller, entry);
    if (this.#waiting >= this.#settings.mostWaiting && !this.#makeRoomFor(caller, now))
      return this.#refuse(entry, now);
    if (caller.waiting.length === 0) caller.standsSince = now;
    caller.waiting.push({ entry, from: now, until: now + this.#patience(caller, entry, now) });
    this.#waiting += 1;
  }

  /** One of those that were let in is over; others may come in. */
  leave(side: Side, name: string, now: number): void {
    const caller = this.#callers.get(key({ side, caller: name }));
    if (caller === undefined || caller.underWay === 0) throw new TypeError('nobody of that name is in');
    caller.underWay -= 1;
    this.#underWay[side] -= 1;
    this.fill(now);
  }

  /** It is not wanted any more: it is neither let in nor refused. One that does not wait is left as it is. */
  withdraw(entry: Entry): void {
    const caller = this.#callers.get(key(entry));
    const at = caller?.waiting.findIndex((one) => one.entry === entry) ?? -1;
    if (caller === undefined || at < 0) return;
    caller.waiting.splice(at, 1);
    this.#waiting -= 1;
  }

  /** Refuses whose time is over, and lets in whoever there is room for: the limit may have grown. */
  fill(now: number): void {
    this.#expire(now);
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const [first] = next.waiting.splice(0, 1);
      if (first === undefined) return;
      this.#waiting -= 1;
      this.#letIn(next, first.entry);
    }
  }

  /** Refuses everybody who waits. */
  refuseWaiting(): void {
    this.#expire(Infinity);
  }

  #expire(now: number): void {
    for (const caller of this.#callers.values()) {
      const over = caller.waiting.filter(({ until }) => until <= now);
      for (const { entry } of over) {
        this.withdraw(entry);
        this.#refuse(entry, now);
      }
    }
  }

  #hasRoom(side: Side): boolean {
    const limit = this.#settings.limit();
    return this.underWay() < limit || this.#underWay[side] < Math.max(1, Math.floor(limit * GUARANTEED));
  }

  /** Of the callers that wait and for whose side there is room, the one with the least; of equals, who waits longest. */
  #next(): Caller | undefined {
    let best: Caller | undefined;
    for (const caller of this.#callers.values()) {
      if (caller.waiting.length === 0 || !this.#hasRoom(caller.side)) continue;
      if (best === undefined || caller.underWay < best.underWay) best = caller;
      else if (caller.underWay === best.underWay && since(caller) < since(best)) best = caller;
    }
    return best;
  }

  /** The newest of whoever has the most goes. @returns false when nobody who waits has more than this caller would have */
  #makeRoomFor(caller: Caller, now: number): boolean {
    let most: Caller | undefined;
    for (const one of this.#callers.values()) {
      if (one.waiting.length > 0 && (most === undefined || sizeOf(one) > sizeOf(most))) most = one;
    }
    const last = most?.waiting.at(-1);
    if (most === undefined || last === undefined || sizeOf(most) <= sizeOf(caller) + 1) return false;
    this.withdraw(last.entry);
    this.#refuse(last.entry, now);
    return true;
  }

  #patience({ standsSince, refusedAt }: Caller, { patienceMs }: Entry, now: number): number {
    const { longestWaitMs } = this.#settings;
    const stands = now - standsSince > longestWaitMs || now - refusedAt < longestWaitMs * REMEMBERED;
    return Math.min(patienceMs, stands ? longestWaitMs * STANDING : longestWaitMs);
  }

  #letIn(caller: Caller, entry: Entry): void {
    caller.underWay += 1;
    this.#underWay[caller.side] += 1;
    entry.onLetIn();
  }

  #refuse(entry: Entry, now: number): void {
    this.#caller(entry).refusedAt = now;
    entry.onRefused();
  }

  #caller(entry: Entry): Caller {
    const name = key(entry);
    let caller = this.#callers.get(name);
    if (caller === undefined) {
      caller = { side: entry.side, underWay: 0, waiting: [], standsSince: 0, refusedAt: -Infinity };
      this.#callers.set(name, caller);
    }
    return caller;
  }
}

function key({ side, caller }: Pick<Entry, 'side' | 'caller'>): string {
  return `${side} ${caller}`;
}

function sizeOf({ underWay, waiting }: Caller): number {
  return underWay + waiting.length;
}

function since({ waiting }: Caller): number {
  return waiting[0]?.from ?? Infinity;
}
