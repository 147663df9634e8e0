import { randomUUID } from 'node:crypto';

import { HouseError } from '../errors.ts';
import type { AppendedItem, FoundEntry, LogItem, LogStore, StoredEntry } from '../store/contracts.ts';
import { begins, leafOf, toNewEntry, type Clocks, type Entry, type Leaf } from './entry.ts';
import { unseal, type Keyring, type Opened } from './sealing.ts';

export interface LogSettings {
  readonly store: LogStore;
  /** Which log this process writes: its origin (C2SP tlog-checkpoint). */
  readonly origin: string;
  readonly keyring: Keyring;
  /** Keyed digest of a number or a user. */
  readonly digest: (value: string) => string;
  readonly now: () => number;
  readonly watch?: LogWatch | undefined;
  /** False when the store's disk has come down to its reserve. */
  readonly hasRoom?: () => boolean;
}

/** Told of appends, one by one. Must not throw. */
export interface LogWatch {
  /** An append waits for its turn. */
  waits(): void;
  /** It is over after so many milliseconds. @param kept whether the store took it */
  over(ms: number, kept: boolean): void;
}

/** An entry as it is read: what it says, and what it commits to where that can still be opened. */
export interface ReadEntry {
  readonly sequence: number;
  readonly leaf: Leaf;
  /** Undefined when nothing was sealed, or it was erased. */
  readonly opened: Readonly<Record<string, Opened>> | undefined;
}

/** A message that is spent, a decision that is taken. */
export type Once = Pick<LogItem, 'spend' | 'decision'>;

interface Waiting {
  readonly item: LogItem;
  /** Milliseconds of `performance.now()`. */
  readonly since: number;
  readonly resolve: (appended: AppendedItem) => void;
  readonly reject: (error: unknown) => void;
}

/** The most items that one step takes: more wait for the next, so that a flood cannot make a step endless. */
const MOST_AT_ONCE = 512;

/**
 * This process's append-only log. Whoever appends while a step is under way shares the next one, so that many
 * entries cost one flush to the disk (group commit).
 */
export class AuditLog {
  readonly origin: string;
  readonly #settings: LogSettings;
  readonly #clocks: Clocks;
  #waiting: Waiting[] = [];
  /** Since when the oldest of those that are being written has waited. */
  #writingSince: number | undefined;
  #running = false;
  #appended = 0;

  constructor(settings: LogSettings) {
    this.origin = settings.origin;
    this.#settings = settings;
    this.#clocks = { now: settings.now, mono: () => performance.now(), boot: randomUUID() };
  }

  /**
   * Appends entries, and with them what can be done once alone: all or nothing, on the disk when this resolves.
   *
   * @returns `fresh: false` when the message was spent before, or the decision is not the next; then nothing was written
   * @throws HouseError `audit-unavailable`, of the store; also for what begins something when only the reserve is left
   */
  append(entries: readonly Entry[], once: Once = {}): Promise<AppendedItem> {
    if (entries.some(begins) && this.#settings.hasRoom?.() === false) {
      return Promise.reject(new HouseError('audit-unavailable', 'reserve'));
    }
    const item = this.item(entries, once);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, since: performance.now(), resolve, reject });
      this.#settings.watch?.waits();
      if (this.#running) return;
      this.#running = true;
      setImmediate(() => void this.#run());
    });
  }

  /** How many entries this process has appended. */
  get appended(): number {
    return this.#appended;
  }

  /** For how long the oldest append that is not on the disk yet has waited, in milliseconds; 0 where none is. */
  get waitedMs(): number {
    const since = this.#writingSince ?? this.#waiting[0]?.since;
    return since === undefined ? 0 : performance.now() - since;
  }

  /** Entries as a store takes them, for a step that is more than an append. */
  item(entries: readonly Entry[], once: Once = {}): LogItem {
    const { keyring, digest } = this.#settings;
    return { entries: entries.map((one) => toNewEntry(one, this.#clocks, keyring, digest)), ...once };
  }

  /** Another log of the same store, under the same keys. */
  of(origin: string): AuditLog {
    return new AuditLog({ ...this.#settings, origin });
  }

  /** Entries from `sequence` on, oldest first. */
  async page(sequence: number, limit: number): Promise<ReadEntry[]> {
    return (await this.#settings.store.entries(this.origin, sequence, limit)).map((one) => this.read(one));
  }

  read<Stored extends StoredEntry | FoundEntry>(stored: Stored): ReadEntry {
    const leaf = leafOf(stored);
    const opened = unseal(stored.sealed, leaf.sealed ?? {}, this.#settings.keyring);
    return { sequence: stored.sequence, leaf, opened };
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, MOST_AT_ONCE);
      this.#writingSince = group[0]?.since;
      try {
        const items = group.map(({ item }) => item);
        const appended = await this.#settings.store.append(this.origin, items);
        this.#tell(group, true);
        this.#appended += items.reduce(
          (sum, { entries }, nth) => sum + (appended[nth]?.fresh ? entries.length : 0),
          0,
        );
        group.forEach(({ resolve }, nth) => resolve(appended[nth] ?? { fresh: false, sequence: undefined }));
      } catch (error) {
        this.#tell(group, false);
        for (const { reject } of group) reject(error);
      }
    }
    this.#writingSince = undefined;
    this.#running = false;
  }

  #tell(group: readonly Waiting[], kept: boolean): void {
    const now = performance.now();
    for (const { since } of group) this.#settings.watch?.over(now - since, kept);
  }
}
