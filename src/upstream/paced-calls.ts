import { DeliveryError } from '../errors.ts';
import type { Lane } from '../routing/registration.ts';

/** Who waits for a turn. Times are milliseconds of `performance.now()`. */
export interface Waiting {
  readonly lane: Lane;
  /** Until when a turn is of use; in the past when nobody waits any more. */
  until(): number;
}

/** Told when the answer came, or when none will. */
export type Answered = () => void;

interface Turn {
  readonly waiting: Waiting;
  readonly begin: (answered: Answered) => void;
  readonly drop: (error: DeliveryError) => void;
}

/** A little more than a second: two clocks do not tick at the same moment. */
const SECOND_MS = 1_010;
/** A call that has less time left than this is not begun. */
const LEAST_MS = 20;

/**
 * Calls to a service that allows so many a second. A call's place is free again a second after its *answer*, so that the
 * service sees no more than that in any second, however long its calls are on their way, and after any pause. Clinicians'
 * calls come first, in the order they came; background calls take what is left, one a second at most.
 *
 * What would have its turn too late is told so at once, and what nobody waits for when its turn comes is not called.
 */
export class PacedCalls {
  /** When each place is free again; infinite while its call is on its way. */
  readonly #places: number[];
  readonly #secondMs: number;
  #backgroundFree = 0;
  #heldUntil = 0;
  #turns: Turn[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param secondMs what counts as a second; for tests */
  constructor(perSecond: number, secondMs = SECOND_MS) {
    this.#places = new Array<number>(perSecond).fill(0);
    this.#secondMs = secondMs;
  }

  /** Resolves when the call may be made. @throws DeliveryError `cancelled` when there is no turn in time */
  turn(waiting: Waiting): Promise<Answered> {
    if (this.#earliest(waiting.lane) + LEAST_MS > waiting.until()) {
      return Promise.reject(new DeliveryError('cancelled', 'no turn in time'));
    }
    return new Promise((begin, drop) => {
      this.#turns.push({ waiting, begin, drop });
      this.look();
    });
  }

  /** The service asked for a pause: nothing is called for so long. */
  hold(ms: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, performance.now() + ms);
  }

  /** Gives the turns that are due. Called by whoever changed what a `Waiting` says, too. */
  look(): void {
    clearTimeout(this.#timer);
    for (;;) {
      this.#dropLate();
      const next = this.#next();
      if (next === undefined) return;
      const wait = this.#freeAt(next.waiting.lane) - performance.now();
      if (wait > 0) {
        if (Number.isFinite(wait)) this.#timer = setTimeout(() => this.look(), Math.ceil(wait));
        return;
      }
      this.#turns.splice(this.#turns.indexOf(next), 1);
      next.begin(this.#take(next.waiting.lane));
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const turn of this.#turns.splice(0)) turn.drop(new DeliveryError('cancelled', 'closed'));
  }

  #next(): Turn | undefined {
    return this.#turns.find(({ waiting }) => waiting.lane === 'clinician') ?? this.#turns[0];
  }

  #dropLate(): void {
    const last = performance.now() + LEAST_MS;
    const late = this.#turns.filter(({ waiting }) => waiting.until() < last);
    if (late.length === 0) return;
    this.#turns = this.#turns.filter((turn) => !late.includes(turn));
    for (const { drop } of late) drop(new DeliveryError('cancelled', 'no turn in time'));
  }

  #take(lane: Lane): Answered {
    const place = this.#places.indexOf(Math.min(...this.#places));
    this.#places[place] = Infinity;
    if (lane === 'background') this.#backgroundFree = Infinity;
    let isAnswered = false;
    return () => {
      if (isAnswered) return;
      isAnswered = true;
      const free = performance.now() + this.#secondMs;
      this.#places[place] = free;
      if (lane === 'background') this.#backgroundFree = free;
      this.look();
    };
  }

  #freeAt(lane: Lane): number {
    const place = Math.max(this.#heldUntil, Math.min(...this.#places));
    return lane === 'background' ? Math.max(place, this.#backgroundFree) : place;
  }

  /** When a new one would have its turn if every call under way were answered now: never later than in truth. */
  #earliest(lane: Lane): number {
    const now = performance.now();
    const soonest = now + this.#secondMs;
    const places = this.#places
      .map((free) => Math.max(Math.min(free, soonest), now))
      .sort((one, other) => one - other);
    const ahead = (of: Lane): number => this.#turns.filter(({ waiting }) => waiting.lane === of).length;
    const before = ahead('clinician');
    const rounds = Math.floor(before / places.length) * this.#secondMs;
    const place = Math.max(this.#heldUntil, (places[before % places.length] ?? now) + rounds);
    if (lane === 'clinician') return place;
    const own = Math.max(Math.min(this.#backgroundFree, soonest), now) + ahead('background') * this.#secondMs;
    return Math.max(place, own);
  }
}
