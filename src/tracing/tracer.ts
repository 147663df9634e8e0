import type { Caller, EndedSpan, FactsOf, Span, SpanName, Spans } from '../span.ts';
import type { Sampler } from './sampling.ts';
import { newSpanId, newTraceId, parseTraceparent, traceparentOf } from './trace-context.ts';

/** Called with each piece of work that is over. Must not throw, and must not wait. */
export type OnEnded = (span: EndedSpan) => void;

/** The most parts of one request that are told with it. */
const MOST_PARTS = 256;

/** Makes the spans of what comes from outside, and of its parts: whether or not they are recorded, who watches is told. */
export class Tracer implements Spans {
  readonly #sampler: Sampler;
  readonly #onEnded: OnEnded;

  constructor(sampler: Sampler, onEnded: OnEnded) {
    this.#sampler = sampler;
    this.#onEnded = onEnded;
  }

  /** The trace goes on that the caller is in. */
  begin<Name extends SpanName>(name: Name, { who, traceparent }: Caller, facts?: FactsOf<Name>): Span<Name> {
    const parent = parseTraceparent(traceparent);
    const trace: Trace = {
      traceId: parent?.traceId ?? newTraceId(),
      sampled: this.#sampler(who, parent),
      parts: [],
      onEnded: this.#onEnded,
    };
    return new OpenSpan(name, trace, parent?.spanId, true, facts);
  }
}

/** What is done for one request from outside. */
interface Trace {
  readonly traceId: string;
  readonly sampled: boolean;
  readonly parts: EndedSpan[];
  readonly onEnded: OnEnded;
}

class OpenSpan<Name extends SpanName> implements Span<Name> {
  readonly #name: Name;
  readonly #trace: Trace;
  readonly #parentId: string | undefined;
  readonly #isFirst: boolean;
  readonly #spanId = newSpanId();
  readonly #started = performance.now();
  #facts: FactsOf<Name> | undefined;
  #over = false;

  constructor(
    name: Name,
    trace: Trace,
    parentId: string | undefined,
    isFirst: boolean,
    facts: FactsOf<Name> | undefined,
  ) {
    this.#name = name;
    this.#trace = trace;
    this.#parentId = parentId;
    this.#isFirst = isFirst;
    this.#facts = facts;
  }

  get traceparent(): string {
    const { traceId, sampled } = this.#trace;
    return traceparentOf({ traceId, spanId: this.#spanId, sampled });
  }

  begin<Part extends SpanName>(name: Part, facts?: FactsOf<Part>): Span<Part> {
    return new OpenSpan(name, this.#trace, this.#spanId, false, facts);
  }

  set(facts: FactsOf<Name>): void {
    this.#facts = { ...this.#facts, ...facts };
  }

  end(facts?: FactsOf<Name>): void {
    if (this.#over) return;
    this.#over = true;
    const { traceId, sampled, parts, onEnded } = this.#trace;
    const ended = {
      ...{ name: this.#name, facts: { ...this.#facts, ...facts } },
      ...{ traceId, spanId: this.#spanId, parentId: this.#parentId, sampled },
      startedAt: performance.timeOrigin + this.#started,
      ms: performance.now() - this.#started,
      parts: this.#isFirst ? [...parts] : undefined,
    } as EndedSpan;
    if (!this.#isFirst && parts.length < MOST_PARTS) parts.push(ended);
    onEnded(ended);
  }
}
