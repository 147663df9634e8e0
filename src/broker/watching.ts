import type { Config } from '../config/load.ts';
import type { AdminView } from '../http/admin-api.ts';
import { EventMetrics } from '../http/event-metrics.ts';
import { processMetrics } from '../http/process-metrics.ts';
import type { Log } from '../log.ts';
import type { Spans } from '../span.ts';
import { otlpRequest } from '../tracing/otlp.ts';
import { noSampling, sampling } from '../tracing/sampling.ts';
import { SpanExport } from '../tracing/span-export.ts';
import { Tracer } from '../tracing/tracer.ts';
import { OtlpLink } from '../upstream/otlp-link.ts';
import { exchangeLines } from './exchange-lines.ts';

/** Whoever watches what the broker does: metrics, lines of the log, and traces where they are configured. */
export interface Watch {
  readonly spans: Spans;
  readonly metrics: EventMetrics;
  /** All that is scraped beside the status. */
  readonly registries: AdminView['registries'];
  /** Sends what is left of traces, once. */
  stop(): Promise<void>;
}

export function startWatching(config: Pick<Config, 'region' | 'replica' | 'tracing'>, log: Log): Watch {
  const { tracing } = config;
  const metrics = new EventMetrics();
  const lines = exchangeLines(log);
  const link = tracing && new OtlpLink(tracing);
  const exporting =
    tracing &&
    new SpanExport({
      ...tracing,
      send: async (spans) => (await link?.send(otlpRequest(spans, config))) ?? 0,
      onSpans: (what, count) => metrics.spans(what, count),
      log,
    });
  const tracer = new Tracer(tracing === undefined ? noSampling : sampling(tracing), (span) => {
    metrics.ended(span);
    lines(span);
    if (span.sampled) exporting?.add(span);
  });
  return {
    ...{ spans: tracer, metrics, registries: [metrics.registry, processMetrics()] },
    stop: async () => {
      await exporting?.stop();
      link?.close();
    },
  };
}
