import type { Span } from '../../src/span.ts';
import { noSampling } from '../../src/tracing/sampling.ts';
import { Tracer } from '../../src/tracing/tracer.ts';

/** The span of a message of a neighbour's that nobody watches. */
export function unwatched(): Span<'neighbour-request'> {
  const tracer = new Tracer(noSampling, () => undefined);
  return tracer.begin('neighbour-request', { who: 'neighbour', traceparent: undefined });
}
