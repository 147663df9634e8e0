import { EventMetrics } from '../http/event-metrics.ts';
import { ProcessMetrics } from '../http/process-metrics.ts';
import type { Spans } from '../span.ts';
import { noSampling } from '../tracing/sampling.ts';
import { Tracer } from '../tracing/tracer.ts';

/** Whoever watches what the broker does. */
export interface Watch {
  readonly spans: Spans;
  readonly metrics: EventMetrics;
  readonly process: ProcessMetrics;
  stop(): void;
}

export function startWatching(): Watch {
  const metrics = new EventMetrics();
  const ofProcess = new ProcessMetrics();
  const tracer = new Tracer(noSampling, (span) => metrics.ended(span));
  return { spans: tracer, metrics, process: ofProcess, stop: () => ofProcess.stop() };
}
