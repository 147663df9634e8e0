import type { AuditLog } from './log.ts';
import { entryOf, receivedEntry, toldEntry } from './trail-entries.ts';
import type { Asking, Message, Received, Told } from './trail-entries.ts';

/** Why nothing was said; kept sealed, since the asker may have the leaf proved to it. */
export type WhyWithheld = 'restricted' | 'home-not-known' | 'not-home' | 'number-not-confirmed';

/**
 * The audit of questions after a patient's accesses, at both ends; each resolves only when its entry is on the disk.
 * Whoever calls it awaits it before anything leaves or is used.
 */
export class AccessTrail {
  readonly #log: AuditLog;

  constructor(log: AuditLog) {
    this.#log = log;
  }

  /** Requester: a question that will leave, before it does. @param agreement version of the one that it is asked under */
  async questionSent(
    asking: Asking,
    region: string,
    question: Message & { readonly jti: string; readonly agreement: string },
  ): Promise<void> {
    const { token, digest, jti, agreement } = question;
    const entry = entryOf(asking, 'access-question-sent', { region, jti, agreement, query_digest: digest });
    await this.#log.append([{ ...entry, sealed: { ...entry.sealed, query: token } }]);
  }

  /** Requester: what came of it, before any of it is used. */
  async answerReceived(asking: Asking, received: Received): Promise<void> {
    await this.#log.append([receivedEntry(asking, received)]);
  }

  /**
   * Responder: a question whose signature was verified, in one step with spending its `jti`.
   *
   * @param question `continued`: it goes on where an earlier answer ended
   * @returns false when it was spent before: a replay
   */
  async questionReceived(
    asking: Asking,
    region: string,
    question: Message & { issuer: string; keepUntil: number; continued: boolean },
  ): Promise<boolean> {
    const jti = asking.exchange;
    const { token, digest, issuer, keepUntil, continued } = question;
    const facts = { region, jti, query_digest: digest, ...(continued ? { detail: { continued } } : {}) };
    const entry = entryOf(asking, 'access-question-received', facts, 'open');
    const sealed = { ...entry.sealed, query: token };
    return (await this.#log.append([{ ...entry, sealed }], { spend: { issuer, jti, keepUntil } })).fresh;
  }

  /** Responder: what is told, before it is sent. */
  async questionAnswered(asking: Asking, region: string, told: Told): Promise<void> {
    await this.#log.append([toldEntry(asking, 'access-question-answered', region, told)]);
  }

  /** Responder: that nothing is said, before that is sent. */
  async questionWithheld(asking: Asking, region: string, told: Told, why: WhyWithheld): Promise<void> {
    const entry = toldEntry(asking, 'access-question-withheld', region, told);
    await this.#log.append([{ ...entry, sealed: { ...entry.sealed, why } }]);
  }

  /** Responder: a question was refused whose sender is proved. @param admitted false: replayed, late, not for us */
  async questionRefused(asking: Asking, region: string, told: Told, admitted: boolean): Promise<void> {
    const entry = toldEntry(asking, 'access-question-refused', region, told);
    await this.#log.append([admitted ? entry : { ...entry, work: undefined }]);
  }
}
