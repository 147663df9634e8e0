import { z } from 'zod';

import { StartError } from '../errors.ts';
import type { TlsIdentity } from '../trust/tls.ts';
import { assertCertificate, ownIdentity, type NamedFiles } from './audit-streams.ts';
import { milliseconds, path } from './forms.ts';

/** Where traces are sent: OTLP/HTTP with JSON. */
export const tracingForm = z.strictObject({
  /** The receiver's address for traces, whole, as https://collector.example:4318/v1/traces. */
  otlp: z.url({
    protocol: /^https?$/,
    error: 'an http or https address, as https://collector.example:4318/v1/traces',
  }),
  /** PEM of the authorities of the receiver, where they are not public ones. */
  anchors: path.optional(),
  /** Our certificate and its private key, where the receiver asks for one. */
  certificate: path.optional(),
  key: path.optional(),
  /** Of the viewers' requests, the part that is recorded. */
  ratio: z.number().min(0).max(1).default(0.1),
  /** The most traces that are begun in one second, whoever asks for them. */
  traces_per_second: z.int().min(1).max(10_000).default(50),
  /** What waits to be sent at most; more is dropped. */
  queue_spans: z.int().min(1).max(100_000).default(4_096),
  every_ms: milliseconds.default(1_000),
  timeout_ms: milliseconds.default(5_000),
});
export type TracingConfig = z.infer<typeof tracingForm>;

export interface ConfiguredTracing {
  readonly url: string;
  /** PEM. */
  readonly anchors: string | undefined;
  readonly own: TlsIdentity | undefined;
  readonly ratio: number;
  readonly tracesPerSecond: number;
  readonly queueSpans: number;
  readonly everyMs: number;
  readonly timeoutMs: number;
}

/** Reads what the setting names. @throws StartError */
export function configuredTracing(
  tracing: TracingConfig | undefined,
  files: NamedFiles,
): ConfiguredTracing | undefined {
  if (tracing === undefined) return undefined;
  const { otlp: url, ratio } = tracing;
  const anchors = tracing.anchors === undefined ? undefined : files.text('tracing.anchors', tracing.anchors);
  if (anchors !== undefined) assertCertificate(files.source, 'tracing.anchors', anchors);
  const own = ownIdentity(tracing, 'tracing', files);
  if (url.startsWith('http:') && (anchors ?? own) !== undefined) {
    throw new StartError(
      `${files.source}: tracing.otlp has no TLS for anchors or certificate: write an https address.`,
    );
  }
  return {
    ...{ url, anchors, own, ratio, tracesPerSecond: tracing.traces_per_second },
    ...{ queueSpans: tracing.queue_spans, everyMs: tracing.every_ms, timeoutMs: tracing.timeout_ms },
  };
}
