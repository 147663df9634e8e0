import type { AuditLog } from './log.ts';
import { entryOf, glassOf, receivedEntry, sentEntry, toldEntry } from './trail-entries.ts';
import type { Asking, Message, Received, Sent, Told } from './trail-entries.ts';

/**
 * Why no region was named, or that what is known was told. Kept sealed, and always: the asker may have the leaf proved to
 * it, and that shows which values an entry seals.
 */
export type WhyNamed = 'told' | 'restricted' | 'objection' | 'not-home' | 'home-not-known';

/**
 * The audit of questions after who else should be asked, at both ends; each resolves only when its entry is on the disk.
 * Whoever calls it awaits it before anything leaves or is used.
 */
export class LocateTrail {
  readonly #log: AuditLog;

  constructor(log: AuditLog) {
    this.#log = log;
  }

  /** Requester: a question that will leave, before it does, and the viewer's token that it stands on. */
  async sent(
    asking: Asking,
    region: string,
    question: Message & { readonly jti: string; readonly viewerToken: string },
  ): Promise<void> {
    const { token, digest, jti, viewerToken } = question;
    const entry = entryOf(asking, 'locate-sent', { region, jti, query_digest: digest });
    const values = { query: token, viewer_token: viewerToken, ...glassOf(asking) };
    await this.#log.append([{ ...entry, sealed: { ...entry.sealed, ...values } }]);
  }

  /** Requester: what came of it, before any of it is used. Which regions were named is sealed. */
  async received(asking: Asking, received: Received, regions: readonly string[]): Promise<void> {
    const entry = receivedEntry(asking, received);
    await this.#log.append([{ ...entry, sealed: { ...entry.sealed, regions: JSON.stringify(regions) } }]);
  }

  /** Requester: the plan as it is now, and the queries that will leave for it, before any does. */
  async extended(asking: Asking, decided: object, queries: readonly Sent[]): Promise<void> {
    const extended = entryOf(asking, 'route-extended', {});
    await this.#log.append([
      { ...extended, sealed: { ...extended.sealed, plan: JSON.stringify(decided) } },
      ...queries.map((query) => sentEntry(asking, query)),
    ]);
  }

  /**
   * Home region: a question whose signature was verified, in one step with spending its `jti`.
   *
   * @returns false when it was spent before: a replay
   */
  async questionReceived(
    asking: Asking,
    region: string,
    question: Message & { issuer: string; keepUntil: number },
  ): Promise<boolean> {
    const jti = asking.exchange;
    const { token, digest, issuer, keepUntil } = question;
    const entry = entryOf(asking, 'locate-received', { region, jti, query_digest: digest }, 'open');
    const sealed = { ...entry.sealed, query: token, ...glassOf(asking) };
    return (await this.#log.append([{ ...entry, sealed }], { spend: { issuer, jti, keepUntil } })).fresh;
  }

  /** Home region: what is told, before it is sent. Of one outcome the leaf is the same whoever the patient is. */
  async answered(
    asking: Asking,
    region: string,
    told: Told,
    { regions, why }: { readonly regions: readonly string[]; readonly why: WhyNamed },
  ): Promise<void> {
    const entry = toldEntry(asking, 'locate-answered', region, told);
    await this.#log.append([
      { ...entry, sealed: { ...entry.sealed, regions: JSON.stringify(regions), why } },
    ]);
  }

  /** Home region: a question was refused whose sender is proved. @param admitted false: replayed, late, not for us */
  async refused(asking: Asking, region: string, told: Told, admitted: boolean): Promise<void> {
    const entry = toldEntry(asking, 'locate-refused', region, told);
    await this.#log.append([admitted ? entry : { ...entry, work: undefined }]);
  }
}
