import type { Asking, Sent } from '../audit/trail.ts';
import type { Deadline } from '../deadline.ts';
import type { PlannedQuestion } from '../routing/plan-for.ts';
import { QUERY, signAgain } from '../evidence/query.ts';
import { askRegion } from './ask-region.ts';
import { askingOf, type AskedBy } from './asking.ts';
import type { AuthenticatedViewer } from './authenticate-viewer.ts';
import type { RegionAnswer } from './region-answer.ts';
import type { RegionQuery } from './region-query.ts';
import { receivedFrom, releaseWith, type Release } from './release-page.ts';
import type { Requesting } from './requesting.ts';
import { isIncomplete } from './roll-call.ts';
import { askedOf, becameOf } from './watched-asking.ts';

/** What the regions answered, and the one way to show anything of it. */
export interface Asked {
  /** In the plan's order, one for each region that the plan asks. */
  readonly answers: readonly RegionAnswer[];
  /** Keeps what was answered and what will be shown: called once, whatever is shown, nothing included. */
  readonly release: Release;
}

/** Called with each answer as it comes, for streaming; it releases what it shows by itself. */
export type OnAnswer = (answer: RegionAnswer, release: Release) => Promise<void>;

/** One request's queries and what came of them: each is on the disk before it leaves. */
export class Round {
  readonly #planned: PlannedQuestion;
  readonly #request: AskedBy;
  readonly #broker: Requesting;
  readonly #deadline: Deadline;
  readonly #onAnswer: OnAnswer | undefined;
  readonly #asking: Asking;
  readonly #answers: RegionAnswer[] = [];

  constructor(
    planned: PlannedQuestion,
    request: AskedBy,
    broker: Requesting,
    deadline: Deadline,
    onAnswer: OnAnswer | undefined,
  ) {
    this.#planned = planned;
    this.#request = request;
    this.#broker = broker;
    this.#deadline = deadline;
    this.#onAnswer = onAnswer;
    this.#asking = askingOf(planned, request);
  }

  /** Keeps the plan, on whose authority it is, and the queries. */
  begin(queries: readonly RegionQuery[]): Promise<void> {
    const authority = authorityOf(this.#planned, this.#request.viewer);
    return this.#broker.audit.queriesSent(this.#asking, authority, queries.flatMap(sentQuery));
  }

  /** Keeps the plan as it is now, and the queries that it adds. */
  extend({ plan }: PlannedQuestion, queries: readonly RegionQuery[]): Promise<void> {
    const decided = { regions: plan.regions, rules: plan.rules };
    return this.#broker.locateAudit.extended(this.#asking, decided, queries.flatMap(sentQuery));
  }

  /** Sends queries that were kept, side by side, and waits for what becomes of each. */
  async ask(queries: readonly RegionQuery[]): Promise<void> {
    const { exchange } = this.#request;
    await Promise.all(
      queries.map(async (query) => {
        const answer = await this.#askWatched(query);
        awaitProof(answer, exchange, this.#broker);
        this.#answers.push(answer);
        await this.#onAnswer?.(answer, releaseWith(this.#broker.audit, this.#asking, [answer], false));
      }),
    );
  }

  async #askWatched(query: RegionQuery): Promise<RegionAnswer> {
    const asking = this.#request.span.begin('ask-region', askedOf(query));
    try {
      const answer = await this.#askOne(query, asking.traceparent);
      asking.set(becameOf(answer, query));
      return answer;
    } finally {
      asking.end();
    }
  }

  /** Where nothing of an answer came, and there is time, the same is asked once more: kept first, as every query is. */
  async #askOne(query: RegionQuery, traceparent: string): Promise<RegionAnswer> {
    const headers = { 'X-Request-Id': this.#request.exchange, traceparent };
    const [broker, deadline] = [this.#broker, this.#deadline];
    const first = await askRegion(query, headers, broker, deadline);
    if (query.query === undefined || first.mayAskAgain === undefined) return first;
    const again = { ...query, query: signAgain(QUERY, broker.sender, query.query, broker.now()) };
    const [sent] = sentQuery(again);
    if (sent === undefined) return first;
    await broker.audit.queryRepeated(this.#asking, receivedFrom(first), sent);
    using rest = deadline.within(query.link.leftMs(first.ms, deadline));
    const second = await askRegion(again, headers, broker, rest);
    return { ...second, ms: first.ms + second.ms };
  }

  /** What was answered, in the order of `plan`. */
  asked({ plan }: PlannedQuestion): Asked {
    const order = new Map(plan.regions.map(({ region }, position) => [region, position]));
    const place = ({ region }: RegionAnswer): number => order.get(region) ?? order.size;
    const answers = this.#answers.toSorted((one, other) => place(one) - place(other));
    if (isIncomplete(plan, answers)) this.#request.span.set({ outcome: 'incomplete' });
    const untold = this.#onAnswer === undefined ? answers : [];
    return { answers, release: releaseWith(this.#broker.audit, this.#asking, untold, true) };
  }
}

/** That the responder's own log holds what it answered is proved later. */
function awaitProof({ region, jti, believed }: RegionAnswer, exchange: string, { proofs }: Requesting): void {
  if (believed === undefined || jti === undefined) return;
  proofs.await(region, { exchange, jti, responseDigest: believed.response.digest });
}

/** On whose authority: kept with the plan, so that who saw what, and why, can be rebuilt. */
function authorityOf({ plan }: PlannedQuestion, { viewer, token, origin }: AuthenticatedViewer) {
  const decided = { regions: plan.regions, rules: plan.rules, origin };
  return { viewer: viewer.id, viewerToken: token, decided };
}

function sentQuery({ region, query }: RegionQuery): Sent[] {
  return query === undefined ? [] : [{ region, jti: query.jti, token: query.token, digest: query.digest }];
}
