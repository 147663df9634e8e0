import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { ConfiguredCrl } from '../config/crl-form.ts';
import type { Config } from '../config/load.ts';
import { pinnedNeighbours } from '../evidence/pinned-neighbours.ts';
import type { Log } from '../log.ts';
import { factsOf } from '../trust/certificate-facts.ts';
import { isIssuedBy } from '../trust/certificate-path.ts';
import { isOlder, type Crl } from '../trust/crl.ts';
import { Neighbours } from '../trust/neighbours.ts';
import { isTooOld, type RevocationLists } from '../trust/revocation.ts';
import { addressFeed, fileFeed, type CrlFeed } from './crl-feeds.ts';
import { CrlSource } from './crl-source.ts';

/** How a list stands, or the place where none came from yet. Instants are ISO. */
export interface CrlStatus {
  readonly region: string;
  /** Path or address. */
  readonly place: string;
  /** `good`; `too-old`; `none` where nothing was ever believed. What is not good is refused or taken, as `whenOld` says. */
  readonly state: 'good' | 'too-old' | 'none';
  readonly whenOld: 'refuse' | 'warn';
  readonly thisUpdate?: string;
  readonly nextUpdate?: string;
  readonly number?: string;
  readonly revoked?: number;
  /** Since the list was made. */
  readonly ageMinutes?: number;
  /** Why the last look gave nothing new, as a code. */
  readonly fault?: string;
}

/** A neighbour as this room knows it. */
export interface CrlParty {
  readonly region: string;
  readonly crl?: ConfiguredCrl | undefined;
}

/** For so long a start waits for lists that have to be fetched. */
const FIRST_LOOK_MS = 5_000;
const MINUTE_MS = 60_000;

interface Held {
  readonly region: string;
  readonly settings: ConfiguredCrl;
  readonly sources: readonly CrlSource[];
}

/** The neighbours' revocation lists: read, fetched, kept fresh, and held per neighbour. */
export class Crls {
  readonly #held: readonly Held[];
  readonly #anchorsOf: (region: string) => readonly string[];
  readonly #log: Log;
  readonly #now: () => number;
  readonly #timers = new Map<CrlSource, NodeJS.Timeout>();
  #stopped = false;

  /** @param anchorsOf the PEM certificates that are pinned for a region now: asked anew at every look */
  constructor(
    parties: readonly CrlParty[],
    anchorsOf: (region: string) => readonly string[],
    log: Log,
    now: () => number,
    feedsOf: (settings: ConfiguredCrl) => CrlFeed[] = feeds,
  ) {
    this.#held = parties.flatMap(({ region, crl }) =>
      crl === undefined
        ? []
        : [{ region, settings: crl, sources: feedsOf(crl).map((feed) => new CrlSource(feed)) }],
    );
    this.#anchorsOf = anchorsOf;
    this.#log = log;
    this.#now = now;
  }

  /** Looks everywhere once, waits for that a few seconds at most, and goes on looking until it is stopped. */
  async start(): Promise<void> {
    const first = this.#held.flatMap((held) => held.sources.map((source) => this.#keepLooking(held, source)));
    if (first.length === 0) return;
    const waiting = new AbortController();
    const enough = sleep(FIRST_LOOK_MS, undefined, { signal: waiting.signal, ref: false });
    await Promise.race([Promise.all(first), enough.catch(() => undefined)]);
    waiting.abort();
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  /** The lists of one neighbour; undefined where none are configured. What it gives is always the newest. */
  of(region: string): RevocationLists | undefined {
    const held = this.#held.find((one) => one.region === region);
    if (held === undefined) return undefined;
    return {
      whenOld: held.settings.when_old,
      graceMs: graceOf(held),
      by: (issuer) => newestOf(held.sources, factsOf(issuer).authority),
    };
  }

  status(): CrlStatus[] {
    return this.#held.flatMap((held) => held.sources.flatMap((source) => this.#statusOf(held, source)));
  }

  async #keepLooking(held: Held, source: CrlSource): Promise<void> {
    const before = this.#statusOf(held, source);
    await source.look(authoritiesAmong(this.#anchorsOf(held.region), held.settings.issuerCertificates));
    this.#tell(before, this.#statusOf(held, source));
    if (this.#stopped) return;
    const again = setTimeout(() => void this.#keepLooking(held, source), source.waitMs);
    this.#timers.set(source, again.unref());
  }

  #tell(before: readonly CrlStatus[], after: readonly CrlStatus[]): void {
    for (const { region, place, state, whenOld, fault } of after) {
      if (before.some((one) => one.state === state && one.fault === fault)) continue;
      const fields = { region, place, state, ...(fault === undefined ? {} : { code: fault }) };
      if (fault !== undefined || state !== 'good') this.#log.warn({ ...fields, whenOld }, 'revocation list');
      else this.#log.info(fields, 'revocation list');
    }
  }

  #statusOf(held: Held, { feed, held: lists, fault }: CrlSource): CrlStatus[] {
    const rows: readonly (Crl | undefined)[] = lists.size === 0 ? [undefined] : [...lists.values()];
    return rows.map((list) => ({
      ...{ region: held.region, place: feed.place, whenOld: held.settings.when_old },
      state: list === undefined ? 'none' : isTooOld(list, graceOf(held), this.#now()) ? 'too-old' : 'good',
      ...(list === undefined ? {} : this.#told(list)),
      ...(fault === undefined ? {} : { fault }),
    }));
  }

  #told(list: Crl): Partial<CrlStatus> {
    return {
      thisUpdate: new Date(list.thisUpdate).toISOString(),
      nextUpdate: new Date(list.nextUpdate).toISOString(),
      ...(list.number === undefined ? {} : { number: String(list.number) }),
      revoked: list.revoked.size,
      ageMinutes: Math.floor((this.#now() - list.thisUpdate) / MINUTE_MS),
    };
  }
}

/**
 * The pinned neighbours, who are judged with their revocation lists from when these are started.
 *
 * @throws StartError
 */
export async function neighboursWithCrls(
  config: Pick<Config, 'neighbours'>,
  log: Log,
  now: () => number,
): Promise<{ neighbours: Neighbours; crls: Crls }> {
  const pinned = await pinnedNeighbours(config.neighbours, now());
  const neighbours: Neighbours = new Neighbours(pinned, (region) => crls.of(region));
  const anchorsOf = (region: string): readonly string[] =>
    neighbours.all().find((one) => one.region === region)?.anchors ?? [];
  const crls = new Crls(config.neighbours, anchorsOf, log, now);
  return { neighbours, crls };
}

function feeds(settings: ConfiguredCrl): CrlFeed[] {
  const everyMs = settings.fetch_minutes * MINUTE_MS;
  return [
    ...settings.files.map((path) => fileFeed(path)),
    ...settings.urls.map((url) => addressFeed(url, everyMs, settings.cache)),
  ];
}

function graceOf({ settings }: Held): number {
  return settings.grace_hours * 60 * MINUTE_MS;
}

function newestOf(sources: readonly CrlSource[], authority: string): Crl | undefined {
  let newest: Crl | undefined;
  for (const { held } of sources) {
    const list = held.get(authority);
    if (list !== undefined && (newest === undefined || isOlder(newest, list))) newest = list;
  }
  return newest;
}

/** The anchors, and those of the issuers that one of them, or one of these, has issued. */
function authoritiesAmong(anchors: readonly string[], issuers: readonly string[]): X509Certificate[] {
  const believed = anchors.map((pem) => new X509Certificate(pem));
  let left = issuers.map((pem) => new X509Certificate(pem));
  for (let before = -1; before !== left.length;) {
    before = left.length;
    const next = left.filter((issuer) => believed.some((one) => isIssuedBy(issuer, one)));
    believed.push(...next);
    left = left.filter((issuer) => !next.includes(issuer));
  }
  return believed;
}
