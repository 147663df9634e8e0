import type { Entry } from './entry.ts';
import type { AuditLog } from './log.ts';
import { entryOf, glassOf, receivedEntry, sentEntry, toldEntry } from './trail-entries.ts';
import type { Asking, Message, Received, Sent, Told } from './trail-entries.ts';

/**
 * Why no region was named, or that what is known was told. Kept sealed, and always: the asker may have the leaf proved to
 * it, and that shows which values an entry seals.
 */
export type WhyNamed = 'told' | 'restricted' | 'objection' | 'not-home' | 'home-not-known';

/** A question as its sender keeps it, with the viewer's token that it stands on. */
export interface SentQuestion extends Message {
  readonly jti: string;
  readonly retry_of?: string | undefined;
  readonly viewerToken: string;
}

/**
 * The audit of questions after who else should be asked, at both ends; each resolves only when its entry is on the disk.
 * Whoever calls it awaits it before anything leaves or is used.
 */
export class LocateTrail {
  readonly #log: AuditLog;

  constructor(log: AuditLog) {
    this.#log = log;
  }

  /** Requester: a question that will leave, before it does. */
  async sent(asking: Asking, region: string, question: SentQuestion): Promise<void> {
    await this.#log.append([questionEntry(asking, region, question)]);
  }

  /** Requester: a question that was not reached, and the one that will leave in its place, before it does. */
  async repeated(asking: Asking, first: Received, again: SentQuestion): Promise<void> {
    await this.#log.append([
      locatedEntry(asking, { ...first, retried_as: again.jti }, []),
      questionEntry(asking, first.region, { ...again, retry_of: first.jti }),
    ]);
  }

  /** Requester: what came of it, before any of it is used. Which regions were named is sealed. */
  async received(asking: Asking, received: Received, regions: readonly string[]): Promise<void> {
    await this.#log.append([locatedEntry(asking, received, regions)]);
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
    question: Message & { issuer: string; keepUntil: number; retry_of?: string | undefined },
  ): Promise<boolean> {
    const jti = asking.exchange;
    const { token, retry_of, digest: query_digest, issuer, keepUntil } = question;
    const entry = entryOf(asking, 'locate-received', { region, jti, retry_of, query_digest }, 'open');
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

function questionEntry(
  asking: Asking,
  region: string,
  { token, digest: query_digest, jti, retry_of, viewerToken }: SentQuestion,
): Entry {
  const entry = entryOf(asking, 'locate-sent', { region, jti, retry_of, query_digest });
  const values = { query: token, viewer_token: viewerToken, ...glassOf(asking) };
  return { ...entry, sealed: { ...entry.sealed, ...values } };
}

function locatedEntry(asking: Asking, received: Received, regions: readonly string[]): Entry {
  const entry = receivedEntry(asking, received);
  return { ...entry, sealed: { ...entry.sealed, regions: JSON.stringify(regions) } };
}
