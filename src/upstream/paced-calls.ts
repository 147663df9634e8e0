import { DeliveryError } from '../errors.ts';
import { LANES, type Lane } from '../routing/registration.ts';

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
 * calls come first, in the order they came; then neighbours' with half of the places at most, so that no neighbour takes
 * clinicians' turns from them; background calls take what is left, one a second at most.
 *
 * What would have its turn too late is told so at once, and what nobody waits for when its turn comes is not called.
 */
export class PacedCalls {
  /** Of each lane, when each place that it may have is free again; infinite while its call is on its way. */
  readonly #places: Readonly<Record<Lane, number[]>>;
  readonly #secondMs: number;
  #heldUntil = 0;
  #turns: Turn[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param secondMs what counts as a second; for tests */
  constructor(perSecond: number, secondMs = SECOND_MS) {
    const places = (count: number): number[] => new Array<number>(count).fill(0);
    this.#places = {
      clinician: places(perSecond),
      neighbour: places(Math.max(1, Math.floor(perSecond / 2))),
      background: places(1),
    };
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

  /** The first of the lane that may begin soonest: of those that may begin now, the one that comes first. */
  #next(): Turn | undefined {
    const now = performance.now();
    const due = (turn: Turn): number => Math.max(this.#freeAt(turn.waiting.lane), now);
    return LANES.flatMap((lane) => this.#turns.find(({ waiting }) => waiting.lane === lane) ?? []).reduce<
      Turn | undefined
    >((best, turn) => (best === undefined || due(turn) < due(best) ? turn : best), undefined);
  }

  #dropLate(): void {
    const last = performance.now() + LEAST_MS;
    const late = this.#turns.filter(({ waiting }) => waiting.until() < last);
    if (late.length === 0) return;
    this.#turns = this.#turns.filter((turn) => !late.includes(turn));
    for (const { drop } of late) drop(new DeliveryError('cancelled', 'no turn in time'));
  }

  #take(lane: Lane): Answered {
    const taken = this.#pools(lane).map((places) => {
      const place = places.indexOf(Math.min(...places));
      places[place] = Infinity;
      return { places, place };
    });
    let isAnswered = false;
    return () => {
      if (isAnswered) return;
      isAnswered = true;
      const free = performance.now() + this.#secondMs;
      for (const { places, place } of taken) places[place] = free;
      this.look();
    };
  }

  /** Among whose places a call of a lane takes one: among all that there are, and among its own. */
  #pools(lane: Lane): number[][] {
    return lane === 'clinician' ? [this.#places.clinician] : [this.#places.clinician, this.#places[lane]];
  }

  #freeAt(lane: Lane): number {
    return Math.max(this.#heldUntil, ...this.#pools(lane).map((places) => Math.min(...places)));
  }

  /** When a new one would have its turn if every call under way were answered now: never later than in truth. */
  #earliest(lane: Lane): number {
    const ahead = (of: Lane): number => this.#turns.filter(({ waiting }) => waiting.lane === of).length;
    // A background call may pass neighbours' that wait for a place of their own.
    const before = ahead('clinician') + (lane === 'neighbour' ? ahead('neighbour') : 0);
    const place = Math.max(this.#heldUntil, this.#freeAfter(this.#places.clinician, before));
    return lane === 'clinician' ? place : Math.max(place, this.#freeAfter(this.#places[lane], ahead(lane)));
  }

  #freeAfter(places: readonly number[], before: number): number {
    const now = performance.now();
    const soonest = now + this.#secondMs;
    const free = places.map((one) => Math.max(Math.min(one, soonest), now)).sort((one, other) => one - other);
    return (free[before % free.length] ?? now) + Math.floor(before / free.length) * this.#secondMs;
  }
}
