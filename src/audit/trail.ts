import { randomUUID } from 'node:crypto';

import type { Decision, Fork, LogStore } from '../store/contracts.ts';
import type { Auditor, ShownEvents } from './balp/auditor.ts';
import type { Entry } from './entry.ts';
import type { AuditLog } from './log.ts';
import { entryOf, glassOf, receivedEntry, sentEntry, toldEntry } from './trail-entries.ts';
import type { Asking, Message, Received, Sent, Told } from './trail-entries.ts';

export type { Asking, Message, Received, ResourceRef, Sent, Told } from './trail-entries.ts';

/** What is on the screen: each resource by region, record, type and id; and how many of them are matches. */
export interface Shown {
  readonly resources: readonly {
    readonly region: string;
    readonly record: string;
    readonly resource: string;
  }[];
  readonly count: number;
}

/** Entries `from` to `to` (not included) of the log of that origin, in a file of that name and digest. */
export interface NamedSegment {
  readonly log: string;
  readonly from: number;
  readonly to: number;
  readonly file: string;
  readonly sha256: string;
}

/** How many wrapped keys were wrapped anew, were under the current key already, and are opened by no key. */
export interface KeyCounts {
  readonly rewrapped: number;
  readonly current: number;
  readonly unopened: number;
}

/** An admin by their id, what they are, what they asked for by its name, and the role that this takes. */
export interface RefusedRole {
  readonly admin: string;
  readonly role: string;
  readonly needed: string;
  readonly route: string;
  readonly code: string;
}

/**
 * The audit: one helper per kind of event. Each resolves only when its entries are on the disk; whoever calls it
 * awaits it before a byte leaves, and when it rejects nothing leaves.
 */
export class AuditTrail {
  readonly #log: AuditLog;
  readonly #store: LogStore;
  readonly #now: () => number;
  readonly #admin: string | undefined;

  /** @param admin who gives the command that writes: sealed in each entry of it */
  constructor(log: AuditLog, store: LogStore, now: () => number, admin?: string) {
    this.#log = log;
    this.#store = store;
    this.#now = now;
    this.#admin = admin;
  }

  /** Requester: the plan, on whose authority, and every query that will leave, before any does. */
  queriesSent(
    asking: Asking,
    plan: { readonly viewer: string; readonly viewerToken: string; readonly decided: object },
    queries: readonly Sent[],
  ): Promise<void> {
    const planned = entryOf(asking, 'route-planned', { detail: { viewer: plan.viewer } }, 'open');
    const values = { plan: JSON.stringify(plan.decided), viewer_token: plan.viewerToken, ...glassOf(asking) };
    return this.#append([
      { ...planned, sealed: { ...planned.sealed, ...values } },
      ...queries.map((query) => sentEntry(asking, query)),
    ]);
  }

  /** Requester: a query that was not reached, and the one that will leave in its place, before it does. */
  queryRepeated(asking: Asking, first: Received, again: Sent): Promise<void> {
    return this.#append([
      receivedEntry(asking, { ...first, retried_as: again.jti }),
      sentEntry(asking, { ...again, retry_of: first.jti }),
    ]);
  }

  /** Requester: what the viewer is about to see, with what each region said that was not told yet. */
  released(asking: Asking, answers: readonly Received[], shown: Shown, last: boolean): Promise<void> {
    const detail = asking.viewer === undefined ? undefined : { viewer: asking.viewer };
    const facts = { count: shown.count, detail };
    const released = entryOf(asking, 'released-to-viewer', facts, last ? 'close' : undefined);
    const sealed = { ...released.sealed, shown: JSON.stringify(shown.resources) };
    return this.#append([...answers.map((answer) => receivedEntry(asking, answer)), { ...released, sealed }]);
  }

  /** Requester: a viewer was refused after its identity was proved. */
  viewerRefused(asking: Asking, reason: string): Promise<void> {
    return this.#append([entryOf(asking, 'viewer-refused', { outcome: 'refused', reason })]);
  }

  /**
   * Responder: a query whose signature was verified, in one step with spending its `jti`.
   *
   * @returns false when it was spent before: a replay
   */
  async queryReceived(
    asking: Asking,
    region: string,
    query: Message & { issuer: string; keepUntil: number; retry_of?: string | undefined },
  ): Promise<boolean> {
    const jti = asking.exchange;
    const { retry_of, digest: query_digest } = query;
    const entry = entryOf(asking, 'query-received', { region, jti, retry_of, query_digest }, 'open');
    const sealed = { ...entry.sealed, query: query.token, ...glassOf(asking) };
    const spend = { issuer: query.issuer, jti, keepUntil: query.keepUntil };
    return (await this.#log.append([{ ...entry, sealed }], { spend })).fresh;
  }

  /** Responder: the answer to a query, before it is sent. */
  queryAnswered(asking: Asking, region: string, told: Told): Promise<void> {
    return this.#append([toldEntry(asking, 'query-answered', region, told)]);
  }

  /** Responder: that nothing is said, before that is sent. */
  queryWithheld(asking: Asking, region: string, told: Told): Promise<void> {
    return this.#append([toldEntry(asking, 'query-withheld', region, told)]);
  }

  /** Responder: a query whose sender is proved was refused. */
  queryRefused(asking: Asking, region: string, told: Told): Promise<void> {
    return this.#append([toldEntry(asking, 'query-refused', region, told)]);
  }

  /** Responder: a message whose signature was good, and which was not admitted as a query: replayed, late, not for us. */
  messageRefused(asking: Asking, region: string, told: Told): Promise<void> {
    return this.#append([{ ...toldEntry(asking, 'query-refused', region, told), work: undefined }]);
  }

  objectionsImported(exchange: string, count: number): Promise<void> {
    return this.#append([{ event: 'objections-imported', exchange, facts: { count } }]);
  }

  /** A reading of the local register: how many patients it had, and how many it was found that have left. */
  registerImported(exchange: string, { read, left }: { read: number; left: number }): Promise<void> {
    return this.#append([{ event: 'register-imported', exchange, facts: { count: read, detail: { left } } }]);
  }

  /** @param files what was imported, by kind, day and digest, and how many organisations it made new, closed or moved */
  directoryImported(exchange: string, count: number, files: object): Promise<void> {
    return this.#append([{ event: 'directory-imported', exchange, facts: { count, detail: files } }]);
  }

  /** Requester: the responder's log holds its answer to us, as the proof beside it shows. */
  inclusionProved(
    { exchange, jti }: { readonly exchange: string; readonly jti: string },
    region: string,
    proof: object,
  ): Promise<void> {
    return this.#append([{ event: 'inclusion-proved', exchange, facts: { region, jti, detail: proof } }]);
  }

  /** Requester: the responder was asked many times, and did not prove that its log holds its answer to us. */
  inclusionNotProved(
    { exchange, jti }: { readonly exchange: string; readonly jti: string },
    region: string,
  ): Promise<void> {
    return this.#append([{ event: 'inclusion-not-proved', exchange, facts: { region, jti } }]);
  }

  /** Two heads of a neighbour's log that do not fit: the notes themselves are the proof. */
  forkSeen(region: string, fork: Fork): Promise<void> {
    return this.#append([{ event: 'fork-seen', exchange: randomUUID(), facts: { region, detail: fork } }]);
  }

  /** A neighbour's log goes on under another name; the exchange is that name, so that it is found by it. */
  logSucceeded(region: string, detail: { readonly origin: string; readonly size: number }): Promise<void> {
    return this.#append([{ event: 'log-succeeded', exchange: detail.origin, facts: { region, detail } }]);
  }

  /** An admin opened what is sealed of entries: how they were searched for, and how many there were. */
  auditSearched(
    exchange: string,
    search: { readonly filters: readonly string[]; readonly nhsNumber?: string; readonly user?: string },
    count: number,
  ): Promise<void> {
    const { filters, nhsNumber, user } = search;
    const sealed = user === undefined ? undefined : { searched_user: user };
    const facts = { count, detail: { filters } };
    return this.#append([{ event: 'audit-searched', exchange, facts, nhsNumber, sealed }]);
  }

  /** An admin made the report of who saw one patient's record. @param range milliseconds since the epoch */
  reportMade(
    exchange: string,
    nhsNumber: string,
    range: { readonly from: number; readonly to: number },
    count: number,
  ): Promise<void> {
    return this.#append([{ event: 'report-made', exchange, facts: { count, detail: range }, nhsNumber }]);
  }

  /** An auditor reads AuditEvents: one entry for each patient whom they are about. */
  auditShown(exchange: string, auditor: Auditor, shown: readonly ShownEvents[]): Promise<void> {
    const { viewer, filters, question, searchedUser, user, ...asking } = auditor;
    const searched = searchedUser === undefined ? {} : { searched_user: searchedUser };
    return this.#append(
      shown.map(({ nhsNumber, count }): Entry => {
        const facts = { ...asking, count, detail: { filters, viewer } };
        const sealed = { question, ...searched };
        return { event: 'audit-searched', exchange, facts, nhsNumber, user, sealed };
      }),
    );
  }

  /** An admin erases what is sealed of entries; the reason in words is sealed itself. @param log where another than ours */
  entriesErased(
    exchange: string,
    sequences: readonly number[],
    reason: string,
    log: string | undefined,
  ): Promise<void> {
    const facts = { count: sequences.length, detail: { log, sequences } };
    return this.#append([{ event: 'entries-erased', exchange, facts, sealed: { reason } }]);
  }

  /** Entries were written to a file, which lies on its disk and was verified. */
  segmentArchived(exchange: string, segment: NamedSegment): Promise<void> {
    return this.#append([{ event: 'segment-archived', exchange, facts: { detail: segment } }]);
  }

  /** Entries are about to be deleted here: they are in that file, which was verified just now. */
  segmentPruned(exchange: string, segment: NamedSegment): Promise<void> {
    return this.#append([{ event: 'segment-pruned', exchange, facts: { detail: segment } }]);
  }

  /** The keys of sealed entries, of every log of the store, were wrapped under the current key of the secrets. */
  keysRewrapped(exchange: string, counts: KeyCounts): Promise<void> {
    const { rewrapped, current, unopened } = counts;
    const facts = { count: rewrapped, detail: { current, unopened } };
    return this.#append([{ event: 'keys-rewrapped', exchange, facts }]);
  }

  /**
   * A decision on whom we trust, in one step with keeping it: how its neighbour stood before and stands after; who
   * decided, and why, in words, is sealed.
   *
   * @param detail `decided`: what evidence must be able to prove of it for years, openly
   * @returns false when another was taken meanwhile: then neither is kept
   */
  async trustDecided(
    decision: Decision,
    detail: {
      readonly decided: object | undefined;
      readonly before: object | undefined;
      readonly after: object | undefined;
    },
    why: string,
  ): Promise<boolean> {
    const { exchange, region, kind: outcome, sequence, by: admin } = decision;
    const facts = { region, outcome, detail: { decision: sequence, ...detail } };
    const entry: Entry = { event: 'trust-decided', exchange, facts, sealed: { admin, reason: why } };
    return (await this.#log.append([entry], { decision })).fresh;
  }

  /** Our own statement, or the key that we sign with, is another from now on. */
  ownIdentityChanged(region: string, detail: object): Promise<void> {
    const facts = { region, outcome: 'own-identity', detail };
    return this.#append([{ event: 'trust-decided', exchange: randomUUID(), facts }]);
  }

  /** An admin of ours, whose identity was proved, was refused for their role; who it is, is sealed. */
  adminRefused({ admin, code: reason, ...detail }: RefusedRole): Promise<void> {
    const facts = { outcome: 'refused', reason, detail };
    return this.#append([{ event: 'admin-refused', exchange: randomUUID(), facts, sealed: { admin } }]);
  }

  /** Others may use the admin API from now on: who, is sealed. */
  adminsChanged(admins: readonly object[]): Promise<void> {
    const facts = { count: admins.length };
    const sealed = { admins: JSON.stringify(admins) };
    return this.#append([{ event: 'admins-changed', exchange: randomUUID(), facts, sealed }]);
  }

  started(exchange: string, detail: object): Promise<void> {
    return this.#append([{ event: 'started', exchange, facts: { detail } }]);
  }

  /** Work that the process before this one began and did not end: it is not known what became of it. */
  interrupted(exchanges: readonly string[]): Promise<void> {
    return this.#append(
      exchanges.map((exchange): Entry => ({ event: 'interrupted', exchange, facts: {}, work: 'close' })),
    );
  }

  /** What is refused before identity is proved: a count per code and minute, so that nobody fills the log. */
  countRefusal(code: string, times = 1): Promise<void> {
    return this.#store.count(code, this.#now(), times);
  }

  /**
   * The counts of one minute that is over, as one entry a code: by one replica, whichever is the first.
   *
   * @param keepUntil when no replica can come to this minute any more, milliseconds since the epoch
   */
  async refusalsCounted(
    minute: number,
    counts: readonly { code: string; count: number }[],
    keepUntil: number,
  ): Promise<void> {
    const exchange = randomUUID();
    const entries = counts.map(({ code, count }): Entry => ({
      event: 'refusals-counted',
      exchange,
      facts: { reason: code, count, detail: { minute } },
    }));
    await this.#log.append(entries, {
      spend: { issuer: 'refusals-counted', jti: String(minute), keepUntil },
    });
  }

  async #append(entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return;
    const admin = this.#admin;
    const by =
      admin === undefined ? entries : entries.map((one) => ({ ...one, sealed: { ...one.sealed, admin } }));
    await this.#log.append(by);
  }
}
