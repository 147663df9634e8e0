import type { Succession } from './log.ts';

/** Why nothing is served from a store until an admin has confirmed whom we trust. */
export interface Closed {
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** `restoring`: half a backup is in it; `restored`; `behind`: a neighbour holds more of our log than it does. */
  readonly why: 'restoring' | 'restored' | 'behind';
  /** JSON: what is known about it. */
  readonly detail: string;
}

export interface StoreState {
  readonly closed: Closed | undefined;
  /** When it was opened last; undefined for one that never was closed. What was signed before is not to be served. */
  readonly openedAt: number | undefined;
}

/** Whether a store may be served from: the same in every replica's sight. */
export interface StateStore {
  read(): Promise<StoreState>;
  /**
   * Closes the store: nothing is appended to any log of it when this resolves.
   *
   * @returns false when it was closed already, which stays as it was
   */
  close(closed: Closed): Promise<boolean>;
  /**
   * Opens the store and begins the logs that it goes on with, in one atomic durable step.
   *
   * @returns false when it was not closed: then nothing was done
   */
  open(at: number, successions: readonly Succession[]): Promise<boolean>;
}

/** How far each stream has handed on a log's entries. Both names are the caller's; each pair has a cursor of its own. */
export interface StreamCursorStore {
  /** Sequence of the first entry that is not known to have arrived: 0 for a stream that is new. */
  read(stream: string, log: string): Promise<number>;
  /** Moves the cursor forward, durably. One that is further already stays: of several calls the furthest counts. */
  advance(stream: string, log: string, next: number): Promise<void>;
}

/** Which messages were seen. Shared by all replicas of one region. */
export interface ReplayStore {
  /**
   * Spends (`issuer`, `jti`) in one atomic, durable step.
   * @returns true for exactly one of any number of calls, concurrent ones included, until `keepUntil`
   */
  spend(issuer: string, jti: string, keepUntil: number): Promise<boolean>;
}
