import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

import { HouseError, type HouseCode } from '../../errors.ts';
import { errorOutcome } from '../../fhir/operation-outcome.ts';
import { FHIR_JSON } from '../../fhir/resource.ts';
import { FairShare, type Entry, type Side } from './fair-share.ts';
import { AdaptiveLimit, type LimitSettings } from './limit.ts';
import { begin, LetIn } from './work.ts';

/** Who asks, as far as that is known for nothing: what the connection proved. */
export interface Caller {
  readonly side: Side;
  readonly name: string;
  /** What its refusals are counted under, before the code: `viewer-`, `platform-` or nothing. */
  readonly counted: string;
}

/** What is known of a request before anything is spent on it. */
export interface Doorway {
  readonly callerOf: (request: IncomingMessage) => Caller;
  /** The least time that its caller gives it, in milliseconds. */
  readonly budgetOf: (request: IncomingMessage) => number;
  /** True for what is let in whatever else is under way: it costs nothing, and tells whether we are there. */
  readonly isProbe: (request: IncomingMessage) => boolean;
}

export interface GateSettings {
  readonly limit: LimitSettings;
  /** The longest that a request waits to be let in, in milliseconds. */
  readonly waitMs: number;
  /** Called with the code of each that is refused. */
  readonly onRefused: (code: string) => void;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: () => number;
  /** From 0 to 1, not included: spreads what is told to come again. */
  readonly random: () => number;
}

/** What `wayleave status` shows of the gate. */
export interface GateStatus {
  readonly underWay: Readonly<Record<Side, number>>;
  readonly waiting: number;
  readonly limit: number;
  /** Refused since the start. */
  readonly refused: number;
  /** Milliseconds for which it has been refusing; undefined where it is not. */
  readonly refusingMs: number | undefined;
}

const MOST_WAITING = 128;
/** Of its own deadline, what a request may spend on waiting. */
const WAITING_PART = 1 / 4;
/** When nothing was refused for so long, it is over. */
const QUIET_MS = 10_000;
const RETRY_AFTER_S = { least: 1, spread: 3 };
const BODY = { overloaded: bodyOf('overloaded'), stopping: bodyOf('stopping') };

/**
 * Lets requests in before anything is spent on them, as many as we can do at once, and fairly. One that is let in is under
 * way until it is answered and its work is over; one that is not is told so at once, in 503.
 */
export class Gate {
  readonly #settings: GateSettings;
  readonly #limit: AdaptiveLimit;
  readonly #share: FairShare;
  #busiest = 0;
  #stopping = false;
  #refused = 0;
  #refusing: { since: number; last: number } | undefined;
  #onEmpty: () => void = () => undefined;

  constructor(settings: GateSettings) {
    this.#settings = settings;
    this.#limit = new AdaptiveLimit(settings.limit);
    this.#share = new FairShare({
      limit: () => this.#limit.now,
      mostWaiting: MOST_WAITING,
      longestWaitMs: settings.waitMs,
    });
  }

  /** What `handler` does, for those who are let in. */
  before(handler: RequestListener, doorway: Doorway): RequestListener {
    return (request, response) => {
      if (this.#stopping) return this.#refuse(response, doorway.callerOf(request), 'stopping');
      if (doorway.isProbe(request)) return handler(request, response);
      this.#enter(request, response, doorway, handler);
    };
  }

  /** A window of time is over. @param behind whether we ourselves could not keep up in it */
  learn(behind: boolean): void {
    this.#limit.learn({ behind, busiest: this.#busiest });
    this.#busiest = this.#share.underWay();
    this.tick();
  }

  /** Ends the wait of those whose time is over. */
  tick(): void {
    this.#share.fill(this.#settings.clock());
    const { clock } = this.#settings;
    if (this.#refusing !== undefined && clock() - this.#refusing.last > QUIET_MS) this.#refusing = undefined;
  }

  /** From now on nobody is let in. */
  close(): void {
    this.#stopping = true;
    this.#share.refuseWaiting();
  }

  get closed(): boolean {
    return this.#stopping;
  }

  /** Resolves when nothing is under way any more, at the latest after `withinMs`. */
  empty(withinMs: number): Promise<void> {
    if (this.#share.underWay() === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#onEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  status(): GateStatus {
    const share = this.#share;
    const since = this.#refusing?.since;
    return {
      underWay: { viewers: share.underWay('viewers'), neighbours: share.underWay('neighbours') },
      waiting: share.waiting,
      limit: this.#limit.now,
      refused: this.#refused,
      refusingMs: since === undefined ? undefined : this.#settings.clock() - since,
    };
  }

  #enter(
    request: IncomingMessage,
    response: ServerResponse,
    { callerOf, budgetOf }: Doorway,
    handler: RequestListener,
  ): void {
    const { clock } = this.#settings;
    const caller = callerOf(request);
    const came = clock();
    const entry: Entry = {
      ...{ side: caller.side, caller: caller.name, patienceMs: budgetOf(request) * WAITING_PART },
      onLetIn: () => {
        response.off('close', gone);
        this.#busiest = Math.max(this.#busiest, this.#share.underWay());
        begin(request, response, new LetIn(clock() - came, () => this.#over(caller)));
        handler(request, response);
      },
      onRefused: () => {
        response.off('close', gone);
        this.#refuse(response, caller, this.#stopping ? 'stopping' : 'overloaded');
      },
    };
    const gone = (): void => this.#share.withdraw(entry);
    response.once('close', gone);
    this.#share.enter(entry, came);
  }

  #over({ side, name }: Caller): void {
    this.#share.leave(side, name, this.#settings.clock());
    if (this.#share.underWay() === 0) this.#onEmpty();
  }

  /** Costs as little as an answer can: nothing of the request is read, and nothing is written to the disk for it. */
  #refuse(response: ServerResponse, { counted }: Caller, code: keyof typeof BODY): void {
    const { random, clock, onRefused } = this.#settings;
    const { least, spread } = RETRY_AFTER_S;
    response.writeHead(new HouseError(code).publicForm.status, {
      'Content-Type': `${FHIR_JSON}; charset=utf-8`,
      'Content-Length': BODY[code].length,
      'Cache-Control': 'no-store',
      'Retry-After': String(least + Math.floor(random() * spread)),
      ...(code === 'stopping' ? { Connection: 'close' } : {}),
    });
    response.end(BODY[code]);
    this.#refused += 1;
    if (code === 'overloaded') {
      this.#refusing = { since: this.#refusing?.since ?? clock(), last: clock() };
    }
    onRefused(`${counted}${code}`);
  }
}

function bodyOf(code: HouseCode): Buffer {
  return Buffer.from(JSON.stringify(errorOutcome(new HouseError(code))));
}
