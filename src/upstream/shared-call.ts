import { LANES, type Lane } from '../routing/registration.ts';
import type { Waiting } from './paced-calls.ts';

/** One call for all who ask the same at the same time: it waits for its turn as long as one of them does. */
export class SharedCall<Result> implements Waiting {
  readonly #askers = new Set<{ readonly lane: Lane; readonly until: number }>();
  readonly #run: (call: SharedCall<Result>) => Promise<Result>;
  #result: Promise<Result> | undefined;

  /** @param run makes the call, once */
  constructor(run: (call: SharedCall<Result>) => Promise<Result>) {
    this.#run = run;
  }

  /** @param until milliseconds of `performance.now()` @returns to be called when this one waits no more */
  join(lane: Lane, until: number): () => void {
    const asker = { lane, until };
    this.#askers.add(asker);
    return () => void this.#askers.delete(asker);
  }

  /** Runs the call where it does not run yet. */
  result(): Promise<Result> {
    return (this.#result ??= this.#run(this));
  }

  /** A clinician who joins another's call takes it along. */
  get lane(): Lane {
    const joined = new Set([...this.#askers].map(({ lane }) => lane));
    return LANES.find((lane) => joined.has(lane)) ?? 'background';
  }

  until(): number {
    return Math.max(-Infinity, ...[...this.#askers].map(({ until }) => until));
  }
}
