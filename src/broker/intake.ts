import type { RequestListener } from 'node:http';

import type { Config } from '../config/load.ts';
import type { BrokerStatus } from '../http/broker-status.ts';
import { Gate } from '../http/load/gate.ts';
import { RefusedCounts } from '../http/load/refused-counts.ts';
import { LoadWatch } from '../http/load/watch.ts';
import { errorFields, type Log } from '../log.ts';
import type { Neighbours } from '../trust/neighbours.ts';
import type { Platforms } from '../trust/platforms.ts';
import type { Viewers } from '../trust/viewers.ts';
import { doorways } from './callers.ts';
import type { Door } from './door.ts';
import type { Handlers } from './service.ts';

interface IntakeSettings {
  readonly config: Pick<Config, 'load' | 'budgets'>;
  readonly neighbours: Neighbours;
  readonly viewers: Viewers;
  readonly platforms: Platforms;
  readonly door: Door;
  readonly now: () => number;
  readonly log: Log;
}

/** After the last connection was closed: for work that nobody waits for to write its end. */
const LAST_ENTRIES_MS = 2_000;

/** What we take in at the listeners that patients' data go through: as much as we can do, fairly, until we stop. */
export class Intake {
  readonly #settings: IntakeSettings;
  readonly #gate: Gate;
  readonly #watch: LoadWatch;
  readonly #counts: RefusedCounts;
  #unhandled = 0;

  constructor(settings: IntakeSettings) {
    const { config, door, log } = settings;
    const { least, most, wait_ms: waitMs, loop_delay_ms: loopDelayMs, blocked_ms: blockedMs } = config.load;
    this.#settings = settings;
    this.#counts = new RefusedCounts((code, times) => count(door, code, times), log);
    this.#gate = new Gate({
      ...{ limit: { least, most }, waitMs, onRefused: (code: string) => this.#counts.add(code) },
      ...{ clock: () => performance.now(), random: Math.random },
    });
    this.#watch = new LoadWatch({
      ...{ gate: this.#gate, loopDelayMs, blockedMs, log, clock: () => performance.now() },
      logWaitMs: () => door.service?.logWaitedMs() ?? 0,
    });
  }

  /** What answers at a listener, for those who are let in. */
  answers(name: keyof Handlers): RequestListener {
    return this.#gate.before(this.#settings.door.handler(name), doorways(this.#settings)[name]);
  }

  start(): void {
    this.#watch.start();
    this.#counts.start();
  }

  /** Nobody is let in any more; what is under way goes on. */
  close(): void {
    this.#gate.close();
  }

  get closed(): boolean {
    return this.#gate.closed;
  }

  /** Once every connection is closed: resolves when the work is over that was under way, and what was refused is counted. */
  async stop(): Promise<void> {
    await this.#gate.empty(LAST_ENTRIES_MS);
    this.#watch.stop();
    await this.#counts.stop();
  }

  /** A rejection that nobody handled, or an exception that nobody caught: its class and code are logged, and it is counted. */
  unhandled(error: unknown, what: 'rejection' | 'exception'): void {
    this.#unhandled += 1;
    this.#settings.log.error(errorFields(error), `unhandled ${what}`);
  }

  status(): NonNullable<BrokerStatus['load']> {
    const { refusingMs, ...gate } = this.#gate.status();
    const { p99Ms, blocked } = this.#watch.status();
    const overloaded =
      refusingMs === undefined
        ? {}
        : { overloaded: new Date(this.#settings.now() - refusingMs).toISOString() };
    return { loopDelayMs: p99Ms, blocked, ...gate, ...overloaded, unhandled: this.#unhandled };
  }
}

async function count({ service }: Door, code: string, times: number): Promise<void> {
  await service?.countFault(code, times);
}
