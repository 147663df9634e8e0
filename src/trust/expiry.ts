import { certificatesIn } from './certificates-in.ts';
import type { PublicJwk } from './entity-statement.ts';
import type { Neighbour } from './neighbours.ts';

const DAY_MS = 86_400_000;

/** How near the end is: the least of these numbers of days that is left, `ok` for more than the greatest. */
export type Level = 'ok' | '90' | '30' | '14' | '7' | '1' | 'ended';

const THRESHOLDS = [1, 7, 14, 30, 90] as const;

export type EndingKind =
  'certificate' | 'issuer' | 'anchor' | 'statement' | 'message-key' | 'agreement' | 'agreement-review';

/** One thing that ends, and when. */
export interface Ending {
  /** Who renews it. */
  readonly whose: 'ours' | 'theirs';
  readonly kind: EndingKind;
  /** For people; no key, and nobody's name. */
  readonly name: string;
  /** ISO instant. */
  readonly validUntil: string;
  /** Whole days; negative once it has ended. */
  readonly daysLeft: number;
  readonly level: Level;
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
 *
 * @param at milliseconds since the epoch
 */
export function endings({ own, neighbours, agreements }: Inventory, at: number): Ending[] {
  const ending = (whose: Ending['whose'], kind: EndingKind, name: string, until: number): Ending => ({
    ...{ whose, kind, name, validUntil: new Date(until).toISOString() },
    ...{ daysLeft: daysUntil(until, at), level: levelOf(until - at) },
  });
  const anchors = (whose: Ending['whose'], region: string, pems: readonly string[]): Ending[] =>
    pems.flatMap(certificatesIn).map((one) => {
      const name = `${region} anchor ${oneLine(one.subject)}`;
      return ending(whose, 'anchor', name, one.validToDate.getTime());
    });
  const keys = (whose: Ending['whose'], region: string, jwks: readonly PublicJwk[]): Ending[] =>
    jwks.flatMap(({ kid, exp }) =>
      exp === undefined ? [] : [ending(whose, 'message-key', `${region} message key ${kid}`, exp * 1000)],
    );
  const chain = (role: string, pem: string): Ending[] =>
    certificatesIn(pem).map((one, above) => {
      const until = one.validToDate.getTime();
      if (above === 0) return ending('ours', 'certificate', `own ${role}`, until);
      return ending('ours', 'issuer', `own ${role} issuer ${oneLine(one.subject)}`, until);
    });
  return [
    ...chain('server', own.server),
    ...chain('client', own.client),
    ...anchors('ours', 'own', own.anchors),
    ending('ours', 'statement', 'own statement', own.statementUntil),
    ...keys('ours', 'own', own.messageKeys),
    ...neighbours
      // A region with several records is its own neighbour: its things are told above.
      .filter(({ region }) => region !== own.region)
      .flatMap(({ region, broker, validUntil, anchors: pinned }) => [
        ...anchors('theirs', region, pinned),
        ending('theirs', 'statement', `${region} statement`, validUntil),
        ...keys('theirs', region, broker.message_keys),
      ]),
    ...agreements.flatMap(({ region, agreement: { until, review_by: review } }) => [
      ...(until === undefined ? [] : [ending('ours', 'agreement', `agreement with ${region}`, endOf(until))]),
      ending('ours', 'agreement-review', `time to review the agreement with ${region}`, endOf(review)),
    ]),
  ].sort((one, other) => one.daysLeft - other.daysLeft);
}

function levelOf(leftMs: number): Level {
  if (leftMs <= 0) return 'ended';
  const found = THRESHOLDS.find((days) => leftMs <= days * DAY_MS);
  return found === undefined ? 'ok' : `${found}`;
}

function endOf(day: string): number {
  return Date.parse(day) + DAY_MS;
}

function oneLine(name: string): string {
  return name.replaceAll('\n', ', ');
}
