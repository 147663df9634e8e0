import type { ToldBy } from './notices.ts';

/**
 * What became of what a neighbour told. Of patients: `known` (ours), `dropped`, `given-up`. Of the queries that went to where it
 * said that something is: how they were answered.
 */
export type ToldOutcome = 'known' | 'dropped' | 'given-up' | 'answered' | 'none' | 'withheld' | 'not-reached';

export interface ToldCount {
  /** Region id of the neighbour. */
  readonly teller: string;
  readonly how: ToldBy;
  readonly what: ToldOutcome;
  readonly count: number;
}

/** How what neighbours told turns out, in counts by day (UTC): no patient is in it. */
export interface TellerStore {
  /** Adds to the counts of the day of `at`. All or none of one call. */
  add(counts: readonly ToldCount[], at: number): Promise<void>;
  /** The sums from the day of `at` on, by teller, how and what. */
  since(at: number): Promise<ToldCount[]>;
  /** Deletes the counts of days before that of `before`. */
  forget(before: number): Promise<void>;
}
