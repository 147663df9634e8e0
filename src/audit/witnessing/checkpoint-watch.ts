import type { StoredCheckpoint } from '../../store/contracts.ts';
import { claimedHead, claimedOrigin, openCheckpoint } from '../../tlog/checkpoint.ts';
import { contradicts, type KnownHead } from '../../tlog/judge-checkpoint.ts';
import { verifyConsistency } from '../../tlog/merkle.ts';
import type { Neighbour } from '../../trust/neighbours.ts';
import type { SeenSuccessors } from '../succession/seen-successors.ts';
import type { Forks } from './forks.ts';
import type { KnownLogs } from './known-logs.ts';

/** A log's own proof that its tree of `from` entries is the beginning of that of `to`. @throws DeliveryError */
export type ConsistencyOf = (
  owner: Neighbour,
  origin: string,
  from: number,
  to: number,
) => Promise<readonly Buffer[]>;

export interface WatchSettings {
  readonly logs: KnownLogs;
  readonly forks: Forks;
  readonly successors: SeenSuccessors;
  /** What we cosigned last. */
  readonly witnessed: (origin: string) => Promise<StoredCheckpoint | undefined>;
  readonly consistencyOf: ConsistencyOf;
  readonly now: () => number;
}

/** Milliseconds before a note that did not fit is looked at again. */
const LOOK_AGAIN = 5_000;

/**
 * Holds every checkpoint that comes our way, from its own log or from others that it was shown to, against what we
 * cosigned of that log ourselves. Two heads of one size that differ are a fork. Two of different sizes must be
 * joined by the log's own proof; while they are not, the log is said to be unproved.
 */
export class CheckpointWatch {
  readonly #settings: WatchSettings;
  /** Per origin, the note that was last found to fit: most come many times. */
  readonly #fits = new Map<string, string>();
  /** Per origin, the note that was last looked at and when: one that does not fit must not cost every response. */
  readonly #looked = new Map<string, { readonly note: string; readonly at: number }>();
  readonly #unproved = new Map<string, string>();

  constructor(settings: WatchSettings) {
    this.#settings = settings;
  }

  /** Logs with heads that they did not join by a proof, and since when. */
  unproved(): { origin: string; since: string }[] {
    return [...this.#unproved].map(([origin, since]) => ({ origin, since }));
  }

  /**
   * @param note a checkpoint of a log that we know; another, or one that its log did not sign, says nothing
   * @throws HouseError when a fork cannot be kept
   */
  async seen(note: string): Promise<void> {
    const { logs, witnessed, forks, successors } = this.#settings;
    const origin = opened(() => claimedOrigin(note));
    if (origin === undefined) return;
    if (this.#fits.get(origin) === note) return;
    const owner = await logs.byOrigin(origin);
    if (owner === undefined || this.#lookedJustNow(origin, note)) return;
    const seen = opened(() => openCheckpoint(note, owner.log));
    if (seen === undefined) return;
    await successors.met(owner.neighbour, seen);
    const held = await witnessed(origin);
    if (held === undefined) return;
    const known = claimedHead(held.note);
    if (contradicts(known, seen)) {
      this.#looked.delete(origin);
      await forks.keep(owner.neighbour.region, { origin, held: held.note, seen: note });
      return;
    }
    if (await this.#joined(owner.neighbour, origin, known, seen)) {
      this.#fits.set(origin, note);
      this.#unproved.delete(origin);
    } else if (!this.#unproved.has(origin)) {
      this.#unproved.set(origin, new Date(this.#settings.now()).toISOString());
    }
  }

  #lookedJustNow(origin: string, note: string): boolean {
    const now = this.#settings.now();
    const last = this.#looked.get(origin);
    if (last?.note === note && now - last.at < LOOK_AGAIN) return true;
    this.#looked.set(origin, { note, at: now });
    return false;
  }

  async #joined(owner: Neighbour, origin: string, one: KnownHead, other: KnownHead): Promise<boolean> {
    if (one.size === other.size || one.size === 0 || other.size === 0) return true;
    const [from, to] = one.size < other.size ? [one, other] : [other, one];
    const proof = await this.#settings
      .consistencyOf(owner, origin, from.size, to.size)
      .catch(() => undefined);
    return proof !== undefined && verifyConsistency(from.size, to.size, from.root, to.root, proof);
  }
}

function opened<Result>(open: () => Result): Result | undefined {
  try {
    return open();
  } catch {
    return undefined;
  }
}
