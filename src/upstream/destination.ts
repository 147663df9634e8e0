import CircuitBreaker from 'opossum';

import type { BreakerConfig } from '../config/schema.ts';
import { startDeadline, type Deadline } from '../deadline.ts';
import { DeliveryError, PolicyRefusal, RequestError } from '../errors.ts';
import type { Log } from '../log.ts';

/** `polled-record`: a record's second link, for what asks it in the background. */
export type DestinationKind = 'neighbour' | 'record' | 'polled-record' | 'demographics' | 'directory';

/** What `wayleave status` and health say of one destination. Counts are those of the breaker's window. */
export interface DestinationStatus {
  readonly kind: DestinationKind;
  readonly name: string;
  readonly circuit: 'closed' | 'open' | 'half-open';
  /** ISO instant of the last change of `circuit`; absent when it never changed. */
  readonly since?: string;
  readonly window: { readonly calls: number; readonly failed: number; readonly refused: number };
  readonly underWay: number;
}

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
  #since: string | undefined;
  #underWay = 0;

  constructor(kind: DestinationKind, name: string, settings: BreakerConfig, probe: Probe, log: Log) {
    this.kind = kind;
    this.name = name;
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
   * Makes one call. The action must stop when `deadline.signal` says so and reject with our own errors.
   *
   * @throws DeliveryError `circuit-open`, `bulkhead-full`, or whatever the action rejects with
   */
  async call<Result>(action: () => Promise<Result>): Promise<Result> {
    this.#underWay += 1;
    try {
      return (await this.#breaker.fire(action)) as Result;
    } catch (error) {
      const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
      if (code === 'EOPENBREAKER') throw new DeliveryError('circuit-open', this.name);
      if (code === 'ESEMLOCKED') throw new DeliveryError('bulkhead-full', this.name);
      throw error;
    } finally {
      this.#underWay -= 1;
    }
  }

  status(): DestinationStatus {
    const { fires, failures, rejects, semaphoreRejections } = this.#breaker.stats;
    return {
      kind: this.kind,
      name: this.name,
      circuit: this.#breaker.opened ? 'open' : this.#breaker.halfOpen ? 'half-open' : 'closed',
      ...(this.#since === undefined ? {} : { since: this.#since }),
      window: { calls: fires, failed: failures, refused: rejects + semaphoreRejections },
      underWay: this.#underWay,
    };
  }

  close(): void {
    this.#breaker.shutdown();
  }

  async #probe(probe: Probe, probeMs: number): Promise<void> {
    using deadline = startDeadline(probeMs);
    try {
      await this.#breaker.fire(() => probe(deadline));
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

/**
 * What must not open a circuit: a refusal proves that the other side is well, and a caller who hung up proves
 * nothing. In the half-open state only a real answer may close it.
 */
function isNoFailure(error: unknown, halfOpen: boolean): boolean {
  // The bulkhead is our own: that it is full says nothing about the other side.
  if ((error as NodeJS.ErrnoException).code === 'ESEMLOCKED') return !halfOpen;
  if (error instanceof RequestError || error instanceof PolicyRefusal) return true;
  if (!(error instanceof DeliveryError)) return false;
  return error.code === 'peer-refused' || (error.code === 'cancelled' && !halfOpen);
}
