import type { IncomingMessage, ServerResponse } from 'node:http';

import { startDeadline, type Deadline } from '../../deadline.ts';
import { DeliveryError } from '../../errors.ts';

/** What is done for one request. Until it is disposed the request is under way, also when its caller has hung up. */
export interface Work extends Disposable {
  readonly deadline: Deadline;
}

/** A request that was let in: what it waited for that, and who is told when it is over. */
export class LetIn {
  readonly #waitedMs: number;
  readonly #onOver: () => void;
  #holds = 0;

  constructor(waitedMs: number, onOver: () => void) {
    this.#waitedMs = waitedMs;
    this.#onOver = onOver;
  }

  get waitedMs(): number {
    return this.#waitedMs;
  }

  /** @returns releases: once, however often it is called */
  hold(): () => void {
    this.#holds += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holds -= 1;
      if (this.#holds === 0) this.#onOver();
    };
  }
}

const letIn = new WeakMap<IncomingMessage, LetIn>();

/** The request is under way until it is answered, or its connection gone, and its work done. */
export function begin(request: IncomingMessage, response: ServerResponse, entered: LetIn): void {
  letIn.set(request, entered);
  response.once('close', entered.hold());
}

/**
 * Starts the work for one request: one budget for the whole of it, less what it waited to be let in, which ends early when
 * the caller hangs up.
 *
 * @param budgetMs milliseconds from when the request came
 * @throws DeliveryError `cancelled` when the caller has hung up already: then nothing is begun
 */
export function workOn(request: IncomingMessage, response: ServerResponse, budgetMs: number): Work {
  if (response.closed) throw new DeliveryError('cancelled');
  const entered = letIn.get(request);
  const release = entered?.hold();
  const deadline = startDeadline(budgetMs - (entered?.waitedMs ?? 0));
  response.once('close', () => {
    if (!response.writableFinished) deadline.cancel();
  });
  return {
    deadline,
    [Symbol.dispose]: () => {
      deadline[Symbol.dispose]();
      release?.();
    },
  };
}
