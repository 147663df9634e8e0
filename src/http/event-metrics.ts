import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';

import type { EndedSpan } from '../span.ts';

/** Seconds. An answer has 5 s as a rule, a stream 20, a document 30. */
const ANSWER_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4, 5, 10, 20, 30];
/** Counted from nought for each region, so that the first of them is seen as a change. */
const NOT_REACHED = ['not-believed', 'timeout', 'circuit-open', 'busy', 'throttled', 'refused', 'fault'];
/** Seconds, of a flush to the disk and what waits for it. */
const APPEND_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** One request that is over, at one of our listeners. */
export interface ServedRequest {
  readonly listener: string;
  /** The pattern that its address fits, never the address. */
  readonly route: string;
  /** HTTP status; 499 where the caller went away first. */
  readonly status: number;
  readonly ms: number;
}

/**
 * What has happened since the start, counted as it happens. Labels are regions, records and viewers that are configured or
 * enrolled, our own codes, and the patterns of our addresses: nothing that anybody sends can make a series of its own.
 */
export class EventMetrics {
  readonly registry = new Registry();
  readonly #served = this.#counter('http_requests_total', 'Requests that are over.', [
    'listener',
    'route',
    'status',
  ]);
  readonly #serving = this.#seconds('http_request_duration_seconds', 'What a request took.', ['listener']);
  readonly #viewers = this.#counter('viewer_requests_total', 'Requests of viewers.', ['viewer', 'outcome']);
  readonly #viewing = this.#seconds('viewer_request_duration_seconds', "What a viewer's request took.", [
    'viewer',
  ]);
  readonly #answers = this.#counter('region_answers_total', 'What became of asking a region.', [
    'region',
    'call',
    'outcome',
    'reason',
  ]);
  readonly #asking = this.#seconds(
    'region_answer_duration_seconds',
    'How long a region was waited for that was asked: until it responded, or it was clear that it would not.',
    ['region', 'call', 'responded'],
  );
  readonly #retries = this.#counter('region_retries_total', 'Queries that were sent a second time.', [
    'region',
  ]);
  readonly #messages = this.#counter('neighbour_requests_total', 'Messages of neighbours.', [
    'region',
    'message',
    'outcome',
  ]);
  readonly #answering = this.#seconds(
    'neighbour_request_duration_seconds',
    "What the answer to a neighbour's message took.",
    ['region', 'message'],
  );
  readonly #refusals = this.#counter(
    'neighbour_refusals_total',
    'Requests of neighbours that were refused; without a region where it was not proved.',
    ['region', 'code'],
  );
  readonly #reads = this.#counter('record_reads_total', 'What became of asking a record for a neighbour.', [
    'record',
    'outcome',
    'reason',
  ]);
  readonly #reading = this.#seconds('record_read_duration_seconds', 'What asking a record took.', ['record']);
  readonly #appending = this.#seconds(
    'log_append_duration_seconds',
    'From an append to the evidence log until it is on the disk.',
    [],
    APPEND_BUCKETS,
  );
  readonly #appendFailures = this.#counter(
    'log_append_failures_total',
    'Appends to the evidence log that the store did not take.',
    [],
  );
  readonly #appends = new Gauge({
    ...{ name: 'wayleave_log_appends_waiting', help: 'Appends to the evidence log that are not over.' },
    registers: [this.registry],
  });
  readonly #spans = this.#counter('trace_spans_total', 'What became of spans that were recorded.', ['what']);

  /** A region may be asked from now on. */
  mayBeAsked(region: string): void {
    const head = { region, call: 'query' };
    this.#answers.inc({ ...head, outcome: 'answered', reason: '' }, 0);
    for (const reason of NOT_REACHED) this.#answers.inc({ ...head, outcome: 'not-reached', reason }, 0);
  }

  served({ listener, route, status, ms }: ServedRequest): void {
    this.#served.inc({ listener, route, status: String(status) });
    this.#serving.observe({ listener }, ms / 1000);
  }

  /** Refused for a code of ours, signed or not. */
  refused(region: string | undefined, code: string): void {
    this.#refusals.inc({ region: region ?? '', code });
  }

  appendWaits(): void {
    this.#appends.inc();
  }

  appendOver(ms: number, kept: boolean): void {
    this.#appends.dec();
    this.#appending.observe(ms / 1000);
    if (!kept) this.#appendFailures.inc();
  }

  spans(what: string, count: number): void {
    this.#spans.inc({ what }, count);
  }

  /** A piece of work is over, recorded or not. */
  ended({ name, facts, ms }: EndedSpan): void {
    const seconds = ms / 1000;
    switch (name) {
      case 'viewer-request': {
        const { viewer = '', outcome = 'failed' } = facts;
        this.#viewers.inc({ viewer, outcome });
        return this.#viewing.observe({ viewer }, seconds);
      }
      case 'ask-region':
      case 'locate': {
        const { region = '', outcome = 'not-reached', reason = '', responded = false, retried } = facts;
        const call = name === 'locate' ? 'locate' : 'query';
        this.#answers.inc({ region, call, outcome, reason });
        if (retried === true) this.#retries.inc({ region });
        // Where nothing was sent, nothing was waited for.
        if (!responded && facts.fault === undefined) return;
        return this.#asking.observe({ region, call, responded: String(responded) }, seconds);
      }
      case 'neighbour-request': {
        const { region = '', message = '', outcome = 'failed' } = facts;
        this.#messages.inc({ region, message, outcome });
        return this.#answering.observe({ region, message }, seconds);
      }
      case 'record': {
        const { record = '', outcome = 'not-reached', reason = '' } = facts;
        this.#reads.inc({ record, outcome, reason });
        return this.#reading.observe({ record }, seconds);
      }
      default:
    }
  }

  #counter<const Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name: `wayleave_${name}`, help, labelNames, registers: [this.registry] });
  }

  #seconds<const Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    buckets = ANSWER_BUCKETS,
  ): Histogram<Label> {
    return new Histogram({
      ...{ name: `wayleave_${name}`, help, labelNames, buckets },
      registers: [this.registry],
    });
  }
}
