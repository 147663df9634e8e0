import { errorFields } from './log.ts';

/**
 * What each piece of work may tell of itself to whoever watches the broker: ids of regions, records, viewers and exchanges,
 * codes, and resource types. Each is chosen where it is written: nothing here has room for a patient, a person, a token,
 * what was searched for, or an address.
 */
export interface SpanFacts {
  /** Requester: one request of a viewer's. */
  readonly 'viewer-request': {
    readonly exchange: string;
    readonly viewer: string;
    readonly status: number;
    readonly outcome: ViewerOutcome;
  };
  /** Requester: whom to ask. */
  readonly plan: object;
  /** Requester: the home region is asked who else should be asked. */
  readonly locate: AskedRegion;
  /** Requester: one region is asked. `asked`: why; `types`: of what is searched for. */
  readonly 'ask-region': AskedRegion & {
    readonly asked: readonly string[];
    readonly types: readonly string[];
  };
  /** Responder: one signed message of a neighbour's. `exchange` is its `jti`. */
  readonly 'neighbour-request': {
    readonly exchange: string;
    readonly region: string | undefined;
    readonly message: string;
    readonly status: number;
    readonly outcome: string;
    readonly reason: string | undefined;
  };
  /** Responder: proof. */
  readonly verify: object;
  /** Responder: what the agreement, the patient's objections and restrictions allow. */
  readonly policy: object;
  /** Responder: one record is asked. */
  readonly record: {
    readonly record: string;
    readonly types: readonly string[];
    readonly outcome: string;
    readonly reason: string | undefined;
  };
  /** Responder: the signature, and the audit before a byte leaves. */
  readonly answer: object;
}

interface AskedRegion {
  readonly region: string;
  /** `jti` of the query: the exchange at the other end. */
  readonly query: string | undefined;
  readonly outcome: string;
  readonly reason: string | undefined;
  /** A response came that is believed, whatever it says. */
  readonly responded: boolean;
  readonly retried: boolean;
}

/** `gone`: the viewer hung up before the end. */
export type ViewerOutcome = 'complete' | 'incomplete' | 'refused' | 'failed' | 'gone';

export type SpanName = keyof SpanFacts;
/** `fault`: code of the error that it ended with. */
export type FactsOf<Name extends SpanName> = Partial<SpanFacts[Name]> & {
  readonly fault?: string | undefined;
};

/** One piece of work while it lasts, in the trace that it belongs to. Nothing of it is waited for, and nothing of it fails. */
export interface Span<Name extends SpanName = SpanName> {
  /** W3C trace context: what this work sends to another broker bears it. */
  readonly traceparent: string;
  /** A part of it begins. */
  begin<Part extends SpanName>(name: Part, facts?: FactsOf<Part>): Span<Part>;
  set(facts: FactsOf<Name>): void;
  /** It is over. Called again, it does nothing. */
  end(facts?: FactsOf<Name>): void;
}

/** Who began the trace, and the trace context as they sent it: anything may be in it. */
export interface Caller {
  readonly who: 'viewer' | 'neighbour';
  readonly traceparent: string | undefined;
}

/** Begins what comes from outside. */
export interface Spans {
  begin<Name extends SpanName>(name: Name, caller: Caller, facts?: FactsOf<Name>): Span<Name>;
}

interface Ended<Name extends SpanName> {
  readonly name: Name;
  readonly facts: FactsOf<Name>;
  readonly traceId: string;
  readonly spanId: string;
  /** Undefined for the first of its trace. */
  readonly parentId: string | undefined;
  /** Milliseconds since the epoch, with a fraction. */
  readonly startedAt: number;
  readonly ms: number;
  readonly sampled: boolean;
  /** Of what came from outside: its parts that were over before it. Undefined for such a part. */
  readonly parts: readonly EndedSpan[] | undefined;
}

/** A piece of work that is over, as whoever watches is told of it. */
export type EndedSpan = { [Name in SpanName]: Ended<Name> }[SpanName];

/** Does one step of some work; the code of what it throws is told, and no more of that. */
export async function step<Result>(
  span: Span,
  name: SpanName,
  work: () => Promise<Result> | Result,
): Promise<Result> {
  const part = span.begin(name);
  try {
    return await work();
  } catch (error) {
    part.set({ fault: errorFields(error).code ?? 'internal' });
    throw error;
  } finally {
    part.end();
  }
}
