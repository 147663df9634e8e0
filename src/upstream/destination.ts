import CircuitBreaker from 'opossum';

import type { BreakerConfig } from '../config/schema.ts';
import { startDeadline, type Deadline } from '../deadline.ts';
import { DeliveryError, PolicyRefusal, RequestError } from '../errors.ts';
import type { Log } from '../log.ts';
import { LeftAlone } from './left-alone.ts';
import { RollingCount } from './rolling-count.ts';

/** `polled-record`: a record's second link, for what asks it in the background. */
export type DestinationKind = 'neighbour' | 'record' | 'polled-record' | 'demographics' | 'directory';

/** What `wayleave status` and health say of one destination. Counts are those of the breaker's window. */
export interface DestinationStatus {
  readonly kind: DestinationKind;
  readonly name: string;
  readonly circuit: 'closed' | 'open' | 'half-open';
  /** ISO instant of the last change of `circuit`; absent when it never changed. */
  readonly since?: string;
  readonly window: {
    readonly calls: number;
    /** Those that were answered too slowly are among them. */
    readonly failed: number;
    readonly slow: number;
    readonly refused: number;
  };
  readonly underWay: number;
  /** It asked for that; ISO instant. */
  readonly leftAloneUntil?: string;
  /** Of a neighbour: where it is asked, and those of its endpoints that could not be connected to when last tried. */
  readonly endpoint?: string;
  readonly avoided?: readonly string[];
  /** Of those under way at once the most: one more is refused. */
  readonly capacity: number;
}

/** As a round trip is smoothed (RFC 6298, 2.3). */
const NEWEST_SHARE = 1 / 8;

/** Sends something small and harmless, to learn whether the destination answers again. Rejects if not. */
export type Probe = (deadline: Deadline) => Promise<unknown>;

/**
 * One destination's isolation: its own breaker, its own bulkhead, its own counts. Whatever happens to the calls
 * in here, no other destination feels it.
 *
 * When the circuit has been open for a while, the one call that opossum lets through is our own probe, so that
 * no clinician waits on a region that may still be down.
 */
export class Destination {
  readonly name: string;
  readonly kind: DestinationKind;
  readonly #breaker: CircuitBreaker<[() => Promise<unknown>], unknown>;
  readonly #slowMs: number;
  readonly #slow: RollingCount;
  readonly #alone: LeftAlone;
  readonly #log: Log;
  readonly #mono: () => number;
  #usualMs: number | undefined;
  readonly #capacity: number;
  #since: string | undefined;
  #underWay = 0;

  /** @param mono milliseconds of a clock that never goes back */
  constructor(
    kind: DestinationKind,
    name: string,
    settings: BreakerConfig,
    probe: Probe,
    log: Log,
    mono: () => number = () => performance.now(),
  ) {
    this.kind = kind;
    this.name = name;
    this.#slowMs = settings.slow_ms;
    this.#slow = new RollingCount(settings.window_ms, mono);
    this.#alone = new LeftAlone(settings.window_ms, mono);
    this.#log = log;
    this.#mono = mono;
    this.#capacity = settings.capacity;
    this.#breaker = new CircuitBreaker((action: () => Promise<unknown>) => action(), {
      // The deadline ends a call and stops its work; a timer of the breaker's would only end the waiting.
      timeout: false,
      volumeThreshold: settings.volume_threshold,
      errorThresholdPercentage: settings.error_percentage,
      rollingCountTimeout: settings.window_ms,
      rollingCountBuckets: 10,
      rollingPercentilesEnabled: false,
      resetTimeout: settings.reset_ms,
      capacity: settings.capacity,
      errorFilter: (error: unknown) => isNoFailure(error, this.#breaker.halfOpen),
    });
    const changed = (circuit: DestinationStatus['circuit']): void => {
      this.#since = new Date().toISOString();
      log.warn({ destination: name, kind, circuit }, 'circuit changed');
    };
    this.#breaker.on('open', () => changed('open'));
    this.#breaker.on('close', () => changed('closed'));
    this.#breaker.on('halfOpen', () => {
      changed('half-open');
      void this.#probe(probe, settings.probe_ms);
    });
  }

  /**
   * Makes one call. The action must stop when `deadline.signal` says so and reject with our own errors. An answer that
   * took longer than `slow_ms` is given like any other, and counts as a failure: whoever is slow for everybody is
   * waited for by everybody.
   *
   * @throws DeliveryError `left-alone`, `circuit-open`, `bulkhead-full`, or whatever the action rejects with
   */
  async call<Result>(action: () => Promise<Result>): Promise<Result> {
    if (this.#alone.ms > 0) {
      this.#alone.turnAway();
      throw new DeliveryError('left-alone', this.name);
    }
    this.#underWay += 1;
    try {
      return (await this.#breaker.fire(() => this.#timed(action))) as Result;
    } catch (error) {
      if (error instanceof SlowAnswer) return error.answer() as Result;
      const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
      if (code === 'EOPENBREAKER') throw new DeliveryError('circuit-open', this.name);
      if (code === 'ESEMLOCKED') throw new DeliveryError('bulkhead-full', this.name);
      throw error;
    } finally {
      this.#underWay -= 1;
    }
  }

  /**
   * It asks to be left alone, unless it answers others meanwhile: no call is made until that is over, nor is our own probe.
   *
   * @param askedMs undefined where it does not say for how long: then for no time
   */
  leaveAlone(askedMs: number | undefined): void {
    const ms = this.#alone.ask(askedMs);
    if (ms !== undefined)
      this.#log.warn({ destination: this.name, kind: this.kind, ms }, 'left alone, as it asks');
  }

  /** What an answer takes as a rule, in milliseconds, those of late counting most; undefined before there was one. */
  get usualMs(): number | undefined {
    return this.#usualMs;
  }

  /** Whether the next call would be made. */
  get takesCalls(): boolean {
    return this.#breaker.closed && this.#alone.ms === 0;
  }

  status(): DestinationStatus {
    const { fires, failures, rejects, semaphoreRejections } = this.#breaker.stats;
    const refused = rejects + semaphoreRejections + this.#alone.turnedAway;
    const alone = this.#alone.ms;
    return {
      kind: this.kind,
      name: this.name,
      circuit: this.#breaker.opened ? 'open' : this.#breaker.halfOpen ? 'half-open' : 'closed',
      ...(this.#since === undefined ? {} : { since: this.#since }),
      window: { calls: fires, failed: failures, slow: this.#slow.value, refused },
      underWay: this.#underWay,
      ...(alone === 0 ? {} : { leftAloneUntil: new Date(Date.now() + alone).toISOString() }),
      capacity: this.#capacity,
    };
  }

  close(): void {
    this.#breaker.shutdown();
  }

  /** @throws SlowAnswer in the place of an answer, a refusal included, that was slow */
  async #timed<Result>(action: () => Promise<Result>): Promise<Result> {
    const started = this.#mono();
    const answer = await action().then(
      (result) => () => result,
      (error: unknown) => {
        if (!isRefusal(error)) throw error;
        return () => {
          throw error;
        };
      },
    );
    this.#alone.answered();
    const took = this.#mono() - started;
    this.#usualMs = (this.#usualMs ?? took) + (took - (this.#usualMs ?? took)) * NEWEST_SHARE;
    if (took <= this.#slowMs) return answer();
    this.#slow.add();
    throw new SlowAnswer(answer);
  }

  async #probe(probe: Probe, probeMs: number): Promise<void> {
    using deadline = startDeadline(probeMs);
    try {
      await this.#breaker.fire(() =>
        this.#alone.ms > 0 ? Promise.reject(new DeliveryError('left-alone')) : probe(deadline),
      );
    } catch {
      // The breaker has counted it and is open again; the next probe comes after the next reset time.
    }
  }
}

/**
 * Runs a call that should have `fullMs`, and does not blame the destination when the caller left it less than
 * half of that: one caller's short budget must not open the circuit for everybody.
 *
 * @throws DeliveryError `cancelled` in the place of such a `timeout`
 */
export async function fairly<Result>(
  fullMs: number,
  deadline: Deadline,
  call: () => Promise<Result>,
): Promise<Result> {
  const fair = deadline.remainingMs() >= fullMs / 2;
  try {
    return await call();
  } catch (error) {
    if (!fair && error instanceof DeliveryError && error.code === 'timeout')
      throw new DeliveryError('cancelled');
    throw error;
  }
}

/** An answer that came, on its way past the breaker as a failure. */
class SlowAnswer extends Error {
  override readonly name = 'SlowAnswer';
  /** Gives the answer, or throws the refusal that it was. */
  readonly answer: () => unknown;

  constructor(answer: () => unknown) {
    super('slow');
    this.answer = answer;
  }
}

/** An answer too: it proves that the other side is well. */
function isRefusal(error: unknown): boolean {
  if (error instanceof RequestError || error instanceof PolicyRefusal) return true;
  return error instanceof DeliveryError && error.code === 'peer-refused';
}

/**
 * What must not open a circuit: a refusal proves that the other side is well, and a caller who hung up proves
 * nothing. In the half-open state only a real answer may close it.
 */
function isNoFailure(error: unknown, halfOpen: boolean): boolean {
  // The bulkhead is our own: that it is full says nothing about the other side.
  if ((error as NodeJS.ErrnoException).code === 'ESEMLOCKED') return !halfOpen;
  if (isRefusal(error)) return true;
  return error instanceof DeliveryError && (error.code === 'cancelled' || error.blameless) && !halfOpen;
}
