import type { Log } from '../../log.ts';
import type { Store } from '../../store/contracts.ts';
import { AuditStream, type StreamSettings, type StreamSink, type StreamStatus } from './audit-stream.ts';
import { FileSink } from './file-sink.ts';
import { ndjsonLine } from './ndjson-line.ts';
import { syslogMessages } from './syslog-message.ts';

interface NdjsonStream {
  readonly kind: 'ndjson';
  readonly id: string;
  readonly file: string;
  readonly rotateBytes: number | undefined;
}

interface SyslogStream {
  readonly kind: 'syslog';
  readonly id: string;
  readonly enterprise: number;
  readonly messageBytes: number;
  readonly batch: number;
  /** Sends each message framed, over TLS (RFC 5425). */
  readonly sink: StreamSink;
}

/** A stream as it is configured. */
export type WantedStream = NdjsonStream | SyslogStream;

export interface StreamsSettings {
  /** Origins of the log that is written, and of those that it followed, the oldest first. */
  readonly log: string;
  readonly former: readonly string[];
  readonly entity: string;
  readonly store: Pick<Store, 'log' | 'streams'>;
  readonly wanted: readonly WantedStream[];
  readonly report: Log;
  readonly now: () => number;
}

/** As many as are read and written without anybody noticing: some 5 ms of the event loop. */
const FILE_BATCH = 100;
/** Syslog has a connection for each batch, so it gathers a little longer. */
const EVERY_MS = { ndjson: 1_000, syslog: 2_000 } as const;

/** All streams of this replica's logs, each by itself. */
export class AuditStreams {
  readonly #settings: StreamsSettings;
  readonly #streams: readonly AuditStream[];

  constructor(settings: StreamsSettings) {
    this.#settings = settings;
    const { log, former, store, report, now } = settings;
    const shared = { logs: [...former, log], store: store.log, cursors: store.streams, report, now };
    this.#streams = settings.wanted.map((wanted) => new AuditStream({ ...shared, ...this.#wayOf(wanted) }));
  }

  start(): void {
    for (const stream of this.#streams) stream.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#streams.map((stream) => stream.stop()));
  }

  async status(): Promise<StreamStatus[]> {
    if (this.#streams.length === 0) return [];
    const logs = await this.#settings.store.log.logs().catch(() => undefined);
    const sizes = logs && new Map(logs.map(({ log, size }) => [log, size]));
    return this.#streams.map((stream) => stream.status(sizes));
  }

  #wayOf(
    wanted: WantedStream,
  ): Pick<StreamSettings, 'id' | 'kind' | 'sink' | 'format' | 'batch' | 'everyMs'> {
    const { id, kind } = wanted;
    const named = { id, kind, everyMs: EVERY_MS[kind] };
    if (wanted.kind === 'ndjson') {
      const sink = new FileSink(wanted.file, wanted.rotateBytes);
      return { ...named, sink, batch: FILE_BATCH, format: (entry) => [ndjsonLine(entry)] };
    }
    const { sink, batch, enterprise, messageBytes } = wanted;
    const form = { host: new URL(this.#settings.entity).hostname, enterprise, messageBytes };
    return { ...named, sink, batch, format: (entry) => syslogMessages(entry, form) };
  }
}
