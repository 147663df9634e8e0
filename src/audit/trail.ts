import type { AuditRow, AuditStore } from '../store/contracts.ts';

/** Who asks, about whom and what for: the same at both ends. */
export interface Asking {
  /** Ties the rows of one request together: our own id at the requester, the query's `jti` at the responder. */
  readonly exchange: string;
  /** Keyed digest of the NHS number. */
  readonly patient?: string | undefined;
  readonly organisation?: string | undefined;
  readonly user?: string | undefined;
  readonly role?: string | undefined;
  readonly purpose?: string | undefined;
}

export interface Told {
  readonly outcome: string;
  readonly reason?: string | undefined;
  readonly count?: number | undefined;
  readonly detail?: object | undefined;
}

/**
 * The audit: one helper per kind of event. Each resolves only when its rows are on the disk; whoever calls it
 * awaits it before a byte leaves, and when it rejects nothing leaves.
 */
export class AuditTrail {
  readonly #store: AuditStore;
  readonly #now: () => number;

  constructor(store: AuditStore, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /** Requester: the plan, and every query that will leave, before any does. */
  queriesSent(
    asking: Asking,
    plan: object,
    queries: readonly { region: string; jti: string; digest: string }[],
  ): Promise<void> {
    const at = this.#now();
    return this.#store.append([
      { at, event: 'route-planned', ...asking, detail: JSON.stringify(plan) },
      ...queries.map(({ region, jti, digest }): AuditRow => ({
        at,
        event: 'query-sent',
        ...asking,
        region,
        jti,
        detail: JSON.stringify({ query_digest: digest }),
      })),
    ]);
  }

  /** Requester: what each region said, and that the viewer is about to see it. */
  released(
    asking: Asking,
    answers: readonly (Told & { region: string; jti?: string | undefined; event: AuditRow['event'] })[],
  ): Promise<void> {
    const at = this.#now();
    return this.#store.append([
      ...answers.map(({ event, region, jti, ...told }): AuditRow => ({
        at,
        event,
        ...asking,
        region,
        jti,
        ...row(told),
      })),
      {
        at,
        event: 'released-to-viewer',
        ...asking,
        count: answers.reduce((sum, answer) => sum + (answer.count ?? 0), 0),
      },
    ]);
  }

  /** Requester: a viewer was refused after its identity was proved. */
  viewerRefused(asking: Asking, reason: string): Promise<void> {
    return this.#store.append([
      { at: this.#now(), event: 'viewer-refused', ...asking, outcome: 'refused', reason },
    ]);
  }

  /** Responder: the answer to a query, before it is sent. */
  queryAnswered(asking: Asking, region: string, told: Told): Promise<void> {
    return this.#one('query-answered', asking, region, told);
  }

  /** Responder: that nothing is said, before that is sent. */
  queryWithheld(asking: Asking, region: string, told: Told): Promise<void> {
    return this.#one('query-withheld', asking, region, told);
  }

  /** Responder: a query whose sender is proved was refused. */
  queryRefused(asking: Asking, region: string, reason: string): Promise<void> {
    return this.#one('query-refused', asking, region, { outcome: 'refused', reason });
  }

  objectionsImported(exchange: string, count: number): Promise<void> {
    return this.#store.append([{ at: this.#now(), event: 'objections-imported', exchange, count }]);
  }

  started(exchange: string, detail: object): Promise<void> {
    return this.#store.append([
      { at: this.#now(), event: 'started', exchange, detail: JSON.stringify(detail) },
    ]);
  }

  /** What is refused before identity is proved: a count per code and minute, so that nobody fills the audit. */
  countRefusal(code: string): Promise<void> {
    return this.#store.count(code, this.#now());
  }

  #one(event: AuditRow['event'], asking: Asking, region: string, told: Told): Promise<void> {
    return this.#store.append([
      { at: this.#now(), event, ...asking, region, jti: asking.exchange, ...row(told) },
    ]);
  }
}

function row({ detail, ...told }: Told): Omit<Told, 'detail'> & { detail?: string | undefined } {
  return { ...told, detail: detail === undefined ? undefined : JSON.stringify(detail) };
}
