import type { Entry } from './entry.ts';
import type { AuditLog } from './log.ts';
import { receivedEntry, toldEntry } from './trail-entries.ts';
import type { Message, Received, Told } from './trail-entries.ts';

/** One patient of a notice. */
export interface NoticeAbout {
  readonly nhsNumber: string;
  readonly kind: 'held' | 'handover';
  /** Of a handover: region ids. */
  readonly regions?: readonly string[] | undefined;
}

/**
 * The audit of notices between regions, at both ends; each resolves only when its entries are on the disk. The exchange is
 * the message's `jti` at both ends: no request of anybody's led to it.
 */
export class NoticeTrail {
  readonly #log: AuditLog;
  readonly #admin: string | undefined;

  /** @param admin who gives the command that writes: sealed in each entry of it */
  constructor(log: AuditLog, admin?: string) {
    this.#log = log;
    this.#admin = admin;
  }

  /**
   * Sender: a message that will leave, before it does, and whom it is about: an entry for each, so that it is found by
   * patient, and erased for one alone.
   *
   * @param agreement version of the one that it is sent under
   */
  async noticeSent(
    region: string,
    { token, digest, jti, agreement }: Message & { readonly jti: string; readonly agreement: string },
    about: readonly NoticeAbout[],
  ): Promise<void> {
    const facts = { region, jti, agreement };
    const sent: Entry = {
      ...{ event: 'notice-sent', exchange: jti, sealed: { query: token } },
      facts: { ...facts, count: about.length, query_digest: digest },
    };
    const patients = about.map(({ nhsNumber, kind, regions }): Entry => {
      const sealed = regions === undefined ? {} : { sealed: { regions: JSON.stringify(regions) } };
      return {
        event: 'notice-about',
        exchange: jti,
        facts: { ...facts, detail: { kind } },
        nhsNumber,
        ...sealed,
      };
    });
    await this.#log.append([sent, ...patients]);
  }

  /** Sender: what came of it, before any of it is used. */
  async receiptReceived(received: Received & { readonly jti: string }): Promise<void> {
    await this.#log.append([receivedEntry({ exchange: received.jti }, received)]);
  }

  /**
   * Receiver: a message whose signature was verified, in one step with spending its `jti`. Whose patients it is about is
   * sealed with it, and found by nobody's number: most may be no patients of ours.
   *
   * @returns false when it was spent before: a replay
   */
  async noticeReceived(
    region: string,
    {
      token,
      digest,
      jti,
      issuer,
      keepUntil,
      count,
    }: Message & {
      readonly jti: string;
      readonly issuer: string;
      readonly keepUntil: number;
      readonly count: number;
    },
  ): Promise<boolean> {
    const facts = { region, jti, count, query_digest: digest };
    const entry: Entry = {
      event: 'notice-received',
      exchange: jti,
      facts,
      sealed: { query: token },
      work: 'open',
    };
    return (await this.#log.append([entry], { spend: { issuer, jti, keepUntil } })).fresh;
  }

  /** Receiver: that it is kept, before the receipt is sent. */
  async noticeTaken(jti: string, region: string, told: Told): Promise<void> {
    await this.#log.append([toldEntry({ exchange: jti }, 'notice-taken', region, told)]);
  }

  /** Receiver: a message was refused whose sender is proved. @param admitted false: replayed, late, not for us */
  async noticeRefused(jti: string, region: string, told: Told, admitted: boolean): Promise<void> {
    const entry = toldEntry({ exchange: jti }, 'notice-refused', region, told);
    await this.#log.append([admitted ? entry : { ...entry, work: undefined }]);
  }

  /** All that one region told of where our patients are held is about to be deleted. @param count how much there is */
  forgetBegan(exchange: string, region: string, count: number): Promise<void> {
    return this.#byAdmin({ event: 'notices-forget-began', exchange, facts: { region, count } });
  }

  /** It is deleted: known regions, and what was not decided. */
  forgotten(
    exchange: string,
    region: string,
    { known, undecided }: { readonly known: number; readonly undecided: number },
  ): Promise<void> {
    const facts = { region, count: known + undecided, detail: { known, undecided } };
    return this.#byAdmin({ event: 'notices-forgotten', exchange, facts });
  }

  async #byAdmin(entry: Entry): Promise<void> {
    const sealed = this.#admin === undefined ? {} : { sealed: { admin: this.#admin } };
    await this.#log.append([{ ...entry, ...sealed }]);
  }
}
