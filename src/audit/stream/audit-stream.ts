import { beforeEnd, startDeadline } from '../../deadline.ts';
import type { Log } from '../../log.ts';
import type { LogStore, StreamCursorStore } from '../../store/contracts.ts';
import { backOff } from './back-off.ts';
import { outgoingFrom, type OutgoingEntry } from './outgoing.ts';
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
  /** Entries of the log that are not known to have arrived; undefined while the store cannot be read. */
  readonly behind: number | undefined;
  /** ISO instant at which this process last knew that something had arrived. */
  readonly sent?: string | undefined;
  /** Why the last attempt failed. */
  readonly fault?: string | undefined;
}

export interface StreamSettings {
  readonly id: string;
  readonly kind: StreamKind;
  /** Origin of the log that is streamed. */
  readonly log: string;
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

/** Between two batches of a stream that is behind: the queries come first. */
const PAUSE_MS = 5;
/** How long a stop lets the batch under way end, and then waits for its being called back. */
const STOP_MS = 500;

/**
 * One stream of a log: sends what is on the disk, in order, and moves its cursor when that has arrived. So every entry
 * arrives at least once; those of a batch that nobody knows the end of arrive again. It waits for nobody and nobody
 * waits for it.
 */
export class AuditStream {
  readonly #settings: StreamSettings;
  /** The first entry that is not known to have arrived, and where the cursor in the store is. */
  #next: number | undefined;
  #kept: number | undefined;
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

  /** @param size of the log; undefined when it is not known */
  status(size: number | undefined): StreamStatus {
    const { id, kind } = this.#settings;
    const behind =
      size === undefined || this.#next === undefined ? undefined : Math.max(0, size - this.#next);
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
    const { id, log, store, cursors, batch, sink, format, now } = this.#settings;
    this.#next ??= this.#kept = await cursors.read(id, log);
    // What arrived while the store could not be written is not sent again.
    await this.#keep(this.#next);
    const { entries, size } = await outgoingFrom(store, log, this.#next, batch);
    if (entries.length === 0 || this.#stopped) return false;
    await sink.send(entries.flatMap(format));
    this.#next += entries.length;
    this.#sent = new Date(now()).toISOString();
    await this.#keep(this.#next);
    return size - this.#next >= batch;
  }

  async #keep(next: number): Promise<void> {
    if (this.#kept === next) return;
    await this.#settings.cursors.advance(this.#settings.id, this.#settings.log, next);
    this.#kept = next;
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
