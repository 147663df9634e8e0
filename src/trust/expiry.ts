import { certificatesIn } from './certificates-in.ts';
import type { PublicJwk } from './entity-statement.ts';
import type { Neighbour } from './neighbours.ts';

const DAY_MS = 86_400_000;

/** How near the end is: the least of these numbers of days that is left, `ok` for more than the greatest. */
export type Level = 'ok' | '90' | '30' | '14' | '7' | '1' | 'ended';

const THRESHOLDS = [1, 7, 14, 30, 90] as const;

export type EndingKind =
  | 'certificate'
  | 'issuer'
  | 'anchor'
  | 'statement'
  | 'message-key'
  | 'revocation-list'
  | 'agreement'
  | 'agreement-review';

/** One thing that ends, and when. */
export interface Ending {
  /** Who renews it. */
  readonly whose: 'ours' | 'theirs';
  readonly kind: EndingKind;
  /** The region that it belongs to; of an agreement, the other one. */
  readonly region: string;
  /** For people; no key, and nobody's name. */
  readonly name: string;
  /** ISO instant. */
  readonly validUntil: string;
  /** Whole days; negative once it has ended. */
  readonly daysLeft: number;
  readonly level: Level;
}

/** What ends, before it is known how near that is. */
interface Thing extends Pick<Ending, 'whose' | 'kind' | 'region' | 'name'> {
  /** Milliseconds since the epoch. */
  readonly until: number;
  /** How long it lives in all, for what its issuer renews again and again. */
  readonly lifeMs?: number;
}

/** What may end, of ours and of theirs. PEM texts with every certificate that they hold; times in milliseconds. */
export interface Inventory {
  readonly own: {
    readonly region: string;
    /** Our certificates, each with what we send above it. */
    readonly server: string;
    readonly client: string;
    readonly anchors: readonly string[];
    readonly statementUntil: number;
    readonly messageKeys: readonly PublicJwk[];
  };
  readonly neighbours: readonly Neighbour[];
  /** Revocation lists that are held of them. */
  readonly lists: readonly {
    readonly region: string;
    readonly place: string;
    readonly thisUpdate: number;
    readonly nextUpdate: number;
  }[];
  /** Dates as `2026-04-01`. */
  readonly agreements: readonly {
    readonly region: string;
    readonly agreement: { readonly until?: string | undefined; readonly review_by: string };
  }[];
}

/** Whole days; negative once it has ended. Both in milliseconds since the epoch. */
export function daysUntil(until: number, at: number): number {
  return Math.floor((until - at) / DAY_MS);
}

/**
 * Everything that ends, ours and theirs, the soonest first. An agreement is in force to the end of its last day (UTC), and is
 * ours to renew with theirs. A message key without a date of its own ends with its statement, and is not told apart.
 * A revocation list has no level of more days than half of its life: one of a day would never be without.
 *
 * @param at milliseconds since the epoch
 */
export function endings({ own, neighbours, lists, agreements }: Inventory, at: number): Ending[] {
  const things = [
    ...ownThings(own),
    // A region with several records is its own neighbour: its things are told above.
    ...neighbours.filter(({ region }) => region !== own.region).flatMap(neighboursThings),
    ...lists.map(listsNextUpdate),
    ...agreements.flatMap(agreementsDates),
  ];
  return things
    .sort((one, other) => one.until - other.until)
    .map(({ until, lifeMs, ...thing }) => ({
      ...{ ...thing, validUntil: new Date(until).toISOString() },
      ...{ daysLeft: daysUntil(until, at), level: levelOf(until - at, lifeMs) },
    }));
}

function ownThings({
  region,
  server,
  client,
  anchors,
  statementUntil,
  messageKeys,
}: Inventory['own']): Thing[] {
  const ours = { whose: 'ours', region } as const;
  const chain = (role: string, pem: string): Thing[] =>
    certificatesIn(pem).map((one, above) => {
      const until = one.validToDate.getTime();
      if (above === 0) return { ...ours, kind: 'certificate', name: `own ${role}`, until };
      return { ...ours, kind: 'issuer', name: `own ${role} issuer ${oneLine(one.subject)}`, until };
    });
  return [
    ...chain('server', server),
    ...chain('client', client),
    ...anchorsOf(ours, 'own', anchors),
    { ...ours, kind: 'statement', name: 'own statement', until: statementUntil },
    ...keysOf(ours, 'own', messageKeys),
  ];
}

function neighboursThings({ region, broker, validUntil, anchors }: Neighbour): Thing[] {
  const theirs = { whose: 'theirs', region } as const;
  return [
    ...anchorsOf(theirs, region, anchors),
    { ...theirs, kind: 'statement', name: `${region} statement`, until: validUntil },
    ...keysOf(theirs, region, broker.message_keys),
  ];
}

function listsNextUpdate({ region, place, thisUpdate, nextUpdate }: Inventory['lists'][number]): Thing {
  return {
    ...{ whose: 'theirs', region, kind: 'revocation-list', name: `${region} revocation list ${place}` },
    ...{ until: nextUpdate, lifeMs: nextUpdate - thisUpdate },
  };
}

function agreementsDates({ region, agreement }: Inventory['agreements'][number]): Thing[] {
  const ours = { whose: 'ours', region } as const;
  const { until, review_by: review } = agreement;
  const name = `agreement with ${region}`;
  return [
    ...(until === undefined ? [] : [{ ...ours, kind: 'agreement', name, until: endOf(until) } as const]),
    { ...ours, kind: 'agreement-review', name: `time to review the ${name}`, until: endOf(review) },
  ];
}

function anchorsOf(of: Pick<Thing, 'whose' | 'region'>, called: string, pems: readonly string[]): Thing[] {
  return pems.flatMap(certificatesIn).map(({ subject, validToDate }) => {
    const name = `${called} anchor ${oneLine(subject)}`;
    return { ...of, kind: 'anchor', name, until: validToDate.getTime() };
  });
}

function keysOf(of: Pick<Thing, 'whose' | 'region'>, called: string, keys: readonly PublicJwk[]): Thing[] {
  return keys.flatMap(({ kid, exp }) =>
    exp === undefined
      ? []
      : [{ ...of, kind: 'message-key', name: `${called} message key ${kid}`, until: exp * 1000 }],
  );
}

function levelOf(leftMs: number, lifeMs = Infinity): Level {
  if (leftMs <= 0) return 'ended';
  const found = THRESHOLDS.find((days) => leftMs <= days * DAY_MS && days * DAY_MS <= lifeMs / 2);
  return found === undefined ? 'ok' : `${found}`;
}

function endOf(day: string): number {
  return Date.parse(day) + DAY_MS;
}

function oneLine(name: string): string {
  return name.replaceAll('\n', ', ');
}
