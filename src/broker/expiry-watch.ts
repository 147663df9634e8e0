import { randomUUID } from 'node:crypto';

import { noticeSecrets } from '../config/notices.ts';
import type { Config } from '../config/load.ts';
import { errorFields, type Log } from '../log.ts';
import type { Ending, Level } from '../trust/expiry.ts';
import { Email } from '../upstream/notices/email.ts';
import type { ChannelStatus, Notice } from '../upstream/notices/notice.ts';
import { Outbox } from '../upstream/notices/outbox.ts';
import { Webhook } from '../upstream/notices/webhook.ts';

const HOUR = 3_600_000;
/** From here on it is an error: somebody has days, not weeks. */
const URGENT: ReadonlySet<Level> = new Set(['7', '1', 'ended']);

/** @throws StartError when a variable that the configuration names is not set */
export function outboxesFor(
  { notices }: Pick<Config, 'notices'>,
  log: Log,
  now: () => number,
  environment: Readonly<Record<string, string | undefined>>,
): Outbox[] {
  const { email, webhook } = notices;
  const { smtpPassword, webhookSecret } = noticeSecrets(notices, environment);
  const channels = [
    ...(email === undefined ? [] : [new Email(email, smtpPassword)]),
    ...(webhook === undefined ? [] : [new Webhook(webhook, webhookSecret)]),
  ];
  return channels.map((channel) => new Outbox(channel, log, now));
}

export interface Watching {
  readonly region: string;
  readonly look: () => readonly Ending[];
  readonly outboxes: readonly Outbox[];
  readonly log: Log;
  readonly now: () => number;
}

/**
 * Looks hourly at what ends, and tells of each thing when it comes to another level: in the log, and in one notice to every
 * outbox. What it is at when the broker starts is told as well: nothing is remembered over a restart. A thing that is
 * renewed is another thing.
 */
export class ExpiryWatch {
  readonly #watching: Watching;
  #told = new Map<string, Level>();
  #timer: NodeJS.Timeout | undefined;

  constructor(watching: Watching) {
    this.#watching = watching;
  }

  start(): void {
    this.look();
    this.#timer = setInterval(() => this.look(), HOUR).unref();
  }

  /** One look; never throws, for nothing may end with it. */
  look(): void {
    const { log } = this.#watching;
    try {
      this.#look();
    } catch (error) {
      log.error(errorFields(error), 'what ends could not be looked at');
    }
  }

  status(): ChannelStatus[] {
    return this.#watching.outboxes.map((outbox) => outbox.status());
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const outbox of this.#watching.outboxes) outbox.close();
  }

  #look(): void {
    const { region, look, outboxes, log, now } = this.#watching;
    const all = look();
    const before = this.#told;
    this.#told = new Map(all.map((one) => [keyOf(one), one.level]));
    const ends = all.filter((one) => one.level !== 'ok' && before.get(keyOf(one)) !== one.level);
    for (const { kind, name, validUntil, daysLeft, level } of ends) {
      const ended = level === 'ended' ? 'has ended' : 'ends soon';
      const isUrgent = URGENT.has(level) && kind !== 'agreement-review';
      log[isUrgent ? 'error' : 'warn']({ kind, name, validUntil, daysLeft }, ended);
    }
    if (ends.length === 0) return;
    const notice: Notice = { id: randomUUID(), region, at: new Date(now()).toISOString(), ends };
    for (const outbox of outboxes) outbox.send(notice);
  }
}

function keyOf({ kind, name, validUntil }: Ending): string {
  return JSON.stringify([kind, name, validUntil]);
}
