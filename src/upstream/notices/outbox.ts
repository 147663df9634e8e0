import { startDeadline, type Deadline } from '../../deadline.ts';
import { errorFields, type Log } from '../../log.ts';
import type { Channel, ChannelStatus, Notice } from './notice.ts';

const MINUTE = 60_000;
/** How long is waited after each failure in turn; the last holds from then on. */
const BACK_OFF_MS: readonly number[] = [MINUTE, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE];
const TRY_MS = 30_000;
/** More than that is given up, the oldest first: what they tell is in the status. */
const MOST_WAITING = 20;

/**
 * Delivers notices one after another, and again after a failure, for as long as the broker runs. Nobody waits for it. What
 * was not delivered at a stop is told anew at the next start, by whoever looks then.
 */
export class Outbox {
  readonly #channel: Channel;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #backOffMs: readonly number[];
  readonly #waiting: Notice[] = [];
  #sending = false;
  #timer: NodeJS.Timeout | undefined;
  #underWay: Deadline | undefined;
  #closed = false;
  #sent: string | undefined;
  #fault: string | undefined;

  constructor(channel: Channel, log: Log, now: () => number, backOffMs = BACK_OFF_MS) {
    this.#channel = channel;
    this.#log = log;
    this.#now = now;
    this.#backOffMs = backOffMs;
  }

  send(notice: Notice): void {
    this.#waiting.push(notice);
    while (this.#waiting.length > MOST_WAITING) this.#waiting.splice(this.#sending ? 1 : 0, 1);
    if (!this.#sending) void this.#run();
  }

  status(): ChannelStatus {
    return {
      ...{ channel: this.#channel.name, waiting: this.#waiting.length },
      ...(this.#sent === undefined ? {} : { sent: this.#sent }),
      ...(this.#fault === undefined ? {} : { fault: this.#fault }),
    };
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#underWay?.cancel();
    this.#channel.close();
  }

  async #run(failures = 0): Promise<void> {
    this.#sending = true;
    for (let notice = this.#waiting[0]; notice !== undefined && !this.#closed; notice = this.#waiting[0]) {
      if (!(await this.#try(notice))) {
        if (!this.#closed)
          this.#timer = setTimeout(() => void this.#run(failures + 1), this.#wait(failures)).unref();
        return;
      }
      this.#waiting.shift();
      failures = 0;
    }
    this.#sending = false;
  }

  async #try(notice: Notice): Promise<boolean> {
    using deadline = startDeadline(TRY_MS);
    this.#underWay = deadline;
    try {
      await this.#channel.deliver(notice, deadline);
      this.#sent = new Date(this.#now()).toISOString();
      this.#fault = undefined;
      return true;
    } catch (error) {
      const { code = 'unknown' } = errorFields(error);
      this.#fault = code;
      this.#log.warn({ channel: this.#channel.name, code }, 'notice not delivered');
      return false;
    }
  }

  #wait(failures: number): number {
    return this.#backOffMs[Math.min(failures, this.#backOffMs.length - 1)] ?? MINUTE;
  }
}
