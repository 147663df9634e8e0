import { beforeEnd, startDeadline } from '../../deadline.ts';
import type { Log } from '../../log.ts';
import type { LogStore, StreamCursorStore } from '../../store/contracts.ts';
import { LogBroken } from '../whole-log/log-fault.ts';
import { backOff } from './back-off.ts';
import { outgoingFrom, type Outgoing, type OutgoingEntry } from './outgoing.ts';
import { faultOf } from './stream-fault.ts';

/** Where a stream's lines go. */
export interface StreamSink {
  /** Resolves when all of it has arrived, in order. What rejects says nothing of how much has: it is sent again. */
  send(lines: readonly Buffer[]): Promise<void>;
  /** Ends what is under way, if that can be done: its `send` rejects. */
  close(): void;
}

export type StreamKind = 'ndjson' | 'syslog';

/** What `wayleave status` shows of one stream. */
export interface StreamStatus {
  readonly id: string;
  readonly kind: StreamKind;
  /** Entries of the logs that are not known to have arrived; undefined while the store cannot be read. */
  readonly behind: number | undefined;
  /** ISO instant at which this process last knew that something had arrived. */
  readonly sent?: string | undefined;
  /** Why the last attempt failed. */
  readonly fault?: string | undefined;
}

export interface StreamSettings {
  readonly id: string;
  readonly kind: StreamKind;
  /** Origins of the logs that are streamed, one after the other: the last is written on, the others have ended. */
  readonly logs: readonly string[];
  readonly store: LogStore;
  readonly cursors: StreamCursorStore;
  readonly sink: StreamSink;
  readonly format: (entry: OutgoingEntry) => readonly Buffer[];
  /** The most entries that are sent at once. */
  readonly batch: number;
  /** How often a log that has been handed on is looked at again, in milliseconds. */
  readonly everyMs: number;
  readonly report: Log;
  readonly now: () => number;
}

/** How far it is in one log: the first entry that is not known to have arrived, and what the store has of that. */
interface Place {
  readonly log: string;
  next: number;
  kept: number;
}

/** Between two batches of a stream that is behind: the queries come first. */
const PAUSE_MS = 5;
/** How long a stop lets the batch under way end, and then waits for its being called back. */
const STOP_MS = 500;

/**
 * One stream of a replica's logs: sends what is on the disk, in order, and moves its cursor when that has arrived. So
 * every entry arrives at least once; those of a batch that nobody knows the end of arrive again. It waits for nobody,
 * and nobody waits for it.
 */
export class AuditStream {
  readonly #settings: StreamSettings;
  /** The logs that are not known to have arrived wholly. */
  #places: Place[] | undefined;
  #sent: string | undefined;
  #fault: string | undefined;
  #failures = 0;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();

  constructor(settings: StreamSettings) {
    this.#settings = settings;
  }

  start(): void {
    this.#wait(0);
  }

  /** Takes about a second at most, whatever the other side does. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#ended();
    this.#settings.sink.close();
    await this.#ended();
  }

  /** @param sizes of the logs, by origin; undefined when they are not known */
  status(sizes: ReadonlyMap<string, number> | undefined): StreamStatus {
    const { id, kind } = this.#settings;
    const behind =
      sizes &&
      this.#places?.reduce((sum, { log, next }) => sum + Math.max(0, (sizes.get(log) ?? 0) - next), 0);
    return { id, kind, behind, sent: this.#sent, fault: this.#fault };
  }

  #wait(delayMs: number): void {
    this.#timer = setTimeout(() => void (this.#round = this.#run()), delayMs).unref();
  }

  async #run(): Promise<void> {
    let delay: number;
    try {
      delay = (await this.#sendBatch()) ? PAUSE_MS : this.#settings.everyMs;
      this.#wentWell();
    } catch (error) {
      delay = this.#failed(error);
    }
    if (!this.#stopped) this.#wait(delay);
  }

  /** @returns true when another whole batch is there: less than that is gathered for a while */
  async #sendBatch(): Promise<boolean> {
    const { store, batch, sink, format, now } = this.#settings;
    const places = (this.#places ??= await this.#findPlaces());
    const [place] = places;
    if (place === undefined) return false;
    // What arrived while the store could not be written is not sent again.
    await this.#keep(place);
    const { entries, size } = await outgoingFrom(store, place.log, place.next, batch).catch(
      (error: unknown) => this.#stepOver(place, error),
    );
    if (this.#stopped) return false;
    if (entries.length === 0) return this.#goOn(places);
    await sink.send(entries.flatMap(format));
    place.next += entries.length;
    this.#sent = new Date(now()).toISOString();
    await this.#keep(place);
    return places.length > 1 || size - place.next >= batch;
  }

  async #findPlaces(): Promise<Place[]> {
    const { id, logs, store, cursors, report } = this.#settings;
    const places: Place[] = [];
    for (const log of logs) {
      const [kept, pruned] = [await cursors.read(id, log), await store.pruned(log)];
      if (pruned > kept)
        report.warn({ stream: id, log, pruned: pruned - kept }, 'audit stream lacks entries');
      places.push({ log, next: Math.max(kept, pruned), kept });
    }
    return places;
  }

  /** From a log that has ended to the one that follows it. */
  #goOn(places: Place[]): boolean {
    if (places.length === 1) return false;
    places.shift();
    return true;
  }

  /**
   * What is broken in a log that has ended stays so, and its successor says where: that is what follows. In the log
   * that is written the stream waits, and looks again where it is.
   */
  async #stepOver({ log, next }: Place, error: unknown): Promise<Outgoing> {
    if (!(error instanceof LogBroken)) throw error;
    if (log === this.#settings.logs.at(-1)) {
      this.#places = await this.#findPlaces();
      throw error;
    }
    this.#settings.report.warn({ stream: this.#settings.id, log, next }, 'audit stream leaves a broken log');
    return { entries: [], size: next };
  }

  async #keep(place: Place): Promise<void> {
    if (place.kept === place.next) return;
    await this.#settings.cursors.advance(this.#settings.id, place.log, place.next);
    place.kept = place.next;
  }

  #wentWell(): void {
    this.#failures = 0;
    if (this.#fault === undefined) return;
    this.#fault = undefined;
    this.#settings.report.info({ stream: this.#settings.id }, 'audit stream goes on');
  }

  #failed(error: unknown): number {
    if (this.#stopped) return 0;
    const fault = faultOf(error);
    if (fault !== this.#fault)
      this.#settings.report.warn({ stream: this.#settings.id, fault }, 'audit stream waits');
    this.#fault = fault;
    this.#failures += 1;
    return backOff(this.#failures);
  }

  async #ended(): Promise<void> {
    using patience = startDeadline(STOP_MS);
    await beforeEnd(this.#round, patience).catch(() => undefined);
  }
}
