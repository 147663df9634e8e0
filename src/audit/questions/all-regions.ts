import type { Access } from './access.ts';
import { whyNotAll } from './not-looked-at.ts';
import type { PatientReport } from './patient-report.ts';

/**
 * What became of asking one region after its accesses. `home`: our own log. `none`: it looked at nothing in that time.
 * `withheld`, `refused`, `not-reached`, `not-agreed` and `not-asked` say nothing of what it showed; `partial` tells
 * less than all.
 */
export type RegionOutcome =
  | ('home' | 'answered' | 'none')
  | ('partial' | 'withheld' | 'refused' | 'not-reached' | 'not-agreed' | 'not-asked');

/** One region of the federation, and what it told. */
export interface RegionTold {
  readonly region: string;
  readonly outcome: RegionOutcome;
  /** A code: why it did not tell all. */
  readonly reason?: string | undefined;
  readonly accesses: readonly Access[];
}

/** A look as the report over all regions has it. */
export interface SeenAccess extends Access {
  /** The region that looked; of what we were asked for and nobody tells the other end of, ours. */
  readonly where: string;
  /** What our own log says of the same look, where another region made it: what we gave for it. */
  readonly ours: readonly Access[];
}

export type RollCall = readonly (Omit<RegionTold, 'accesses'> & { readonly count: number })[];

export interface AllRegions {
  /** Oldest first. */
  readonly accesses: readonly SeenAccess[];
  /** Every region of the federation, our own first. */
  readonly regions: RollCall;
}

/**
 * Puts our own log's accesses and what the other regions told together. The two ends of one exchange, which are joined
 * by the `jti` of its query, are one line. A region can only speak for queries that our own log has from that region.
 *
 * @param home our own region, with its report
 */
export function mergeRegions(
  home: string,
  { accesses: own, notLookedAt, unreadable }: Pick<PatientReport, 'accesses' | 'notLookedAt' | 'unreadable'>,
  others: readonly RegionTold[],
): AllRegions {
  const asked = new Map(own.flatMap((access) => keysOf(access).map((key) => [key, access] as const)));
  const joined = new Set<Access>();
  const told = others.flatMap(({ region, accesses }) =>
    accesses.map((access) => {
      const ours = access.sent.flatMap((jti) => {
        const ourEnd = asked.get(`${region} ${jti}`);
        if (ourEnd === undefined || joined.has(ourEnd)) return [];
        joined.add(ourEnd);
        return [ourEnd];
      });
      return withOurs({ ...access, where: region, ours });
    }),
  );
  const alone = own
    .filter((access) => !joined.has(access))
    .map((access): SeenAccess => ({ ...access, where: home, ours: [] }));
  return {
    accesses: [...alone, ...told].sort(inTime),
    regions: [
      { region: home, outcome: 'home', reason: whyNotAll(notLookedAt, unreadable), count: own.length },
      ...others.map(({ accesses, ...region }) => ({ ...region, count: accesses.length })),
    ],
  };
}

const COMPLETE: ReadonlySet<RegionOutcome> = new Set(['home', 'answered', 'none']);

/** False when this region's part is not known, or not all of it. */
export function isComplete({ outcome, reason }: RollCall[number]): boolean {
  return COMPLETE.has(outcome) && reason === undefined;
}

/** Of a query that we were asked, its exchange is its `jti`. */
function keysOf({ askedBy, exchange, regions }: Access): string[] {
  return askedBy === 'neighbour' ? regions.map(({ region }) => `${region} ${exchange}`) : [];
}

/** What does not travel between regions and our own log knows from the query: it is about the same look. */
function withOurs(access: SeenAccess): SeenAccess {
  const [first] = access.ours;
  if (first === undefined) return access;
  return {
    ...access,
    organisation: access.organisation ?? first.organisation,
    role: access.role ?? first.role,
    purpose: access.purpose ?? first.purpose,
    user: first.user,
    breakGlass: first.breakGlass ?? access.breakGlass,
    entries: access.ours.flatMap(({ entries }) => entries),
  };
}

function inTime(one: SeenAccess, other: SeenAccess): number {
  return one.at - other.at || (one.where + one.exchange < other.where + other.exchange ? -1 : 1);
}
