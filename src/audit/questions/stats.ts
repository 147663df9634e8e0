import type { FoundEntry } from '../../store/contracts.ts';
import { leafOf, REQUESTER_EVENTS, RESPONDER_EVENTS, type Leaf } from '../entry.ts';

type Counts = Readonly<Record<string, number>>;

/** What we asked one neighbour, and what became of it. */
export interface AskedStats {
  readonly queries: number;
  readonly outcomes: Counts;
  /** Why it was not reached, not believed, or withheld. */
  readonly reasons: Counts;
  /** Milliseconds as the requester measured them; undefined when nothing was asked. */
  readonly medianMs: number | undefined;
  readonly p95Ms: number | undefined;
  readonly breakGlass: number;
  readonly users: number;
}

/** What one neighbour asked us, and what we said. */
export interface AnsweredStats {
  readonly queries: number;
  readonly outcomes: Counts;
  /** Refusals by their code. */
  readonly refusals: Counts;
  readonly resources: number;
  readonly breakGlass: number;
  readonly users: number;
}

/** One user of this region's viewers. */
export interface UserStats {
  /** Keyed digest. */
  readonly user: string;
  readonly looks: number;
  readonly breakGlass: number;
  readonly refused: number;
  /** One of their entries, from which the name can be opened. */
  readonly newest: FoundEntry;
}

export interface Statistics {
  readonly entries: number;
  readonly neighbours: readonly {
    readonly region: string;
    readonly asked: AskedStats;
    readonly answered: AnsweredStats;
  }[];
  /** The busiest first. */
  readonly users: readonly UserStats[];
  /** What was refused before identity was proved, by code. */
  readonly unproved: Counts;
}

/** Counts entries one by one, in any order; what it keeps grows with users and neighbours, not with the log. */
export class StatisticsOf {
  readonly #neighbours = new Map<string, { asked: Tally; answered: Tally }>();
  readonly #users = new Map<string, { -readonly [Key in keyof UserStats]: UserStats[Key] }>();
  readonly #unproved = new Map<string, number>();
  #entries = 0;

  add(entry: FoundEntry): void {
    this.#entries += 1;
    const leaf = leafOf(entry);
    if (leaf.event === 'refusals-counted')
      increase(this.#unproved, leaf.reason ?? 'unknown', leaf.count ?? 0);
    if (leaf.event === 'route-planned' || leaf.event === 'viewer-refused') this.#countUser(entry, leaf);
    if (leaf.region === undefined) return;
    const { asked, answered } = this.#neighbour(leaf.region);
    if (REQUESTER_EVENTS.has(leaf.event)) asked.add(leaf, leaf.event === 'query-sent', entry.index.user);
    if (RESPONDER_EVENTS.has(leaf.event))
      answered.add(leaf, leaf.event === 'query-received', entry.index.user);
  }

  result(): Statistics {
    const neighbours = [...this.#neighbours].sort(([one], [other]) => (one < other ? -1 : 1));
    return {
      entries: this.#entries,
      neighbours: neighbours.map(([region, { asked, answered }]) => ({
        region,
        asked: { ...asked.common(), medianMs: asked.quantile(0.5), p95Ms: asked.quantile(0.95) },
        answered: answeredStats(answered),
      })),
      users: [...this.#users.values()].sort((one, other) => other.looks - one.looks),
      unproved: Object.fromEntries(this.#unproved),
    };
  }

  #countUser(entry: FoundEntry, { event, break_glass: glass }: Leaf): void {
    const { user } = entry.index;
    if (user === undefined) return;
    const counted = this.#users.get(user) ?? { user, looks: 0, breakGlass: 0, refused: 0, newest: entry };
    if (event === 'route-planned') counted.looks += 1;
    else counted.refused += 1;
    if (glass && event === 'route-planned') counted.breakGlass += 1;
    this.#users.set(user, counted);
  }

  #neighbour(region: string): { asked: Tally; answered: Tally } {
    const known = this.#neighbours.get(region) ?? { asked: new Tally(), answered: new Tally() };
    this.#neighbours.set(region, known);
    return known;
  }
}

function answeredStats(tally: Tally): AnsweredStats {
  const { reasons, ...common } = tally.common();
  return { ...common, refusals: reasons, resources: tally.resources };
}

/** One direction with one neighbour. */
class Tally {
  resources = 0;
  #queries = 0;
  #breakGlass = 0;
  readonly #outcomes = new Map<string, number>();
  readonly #reasons = new Map<string, number>();
  readonly #users = new Set<string>();
  /** Whole milliseconds, of which there are as many as the longest budget has: exact, and bounded. */
  readonly #took = new Map<number, number>();

  add(leaf: Leaf, isQuery: boolean, user: string | undefined): void {
    if (isQuery) {
      this.#queries += 1;
      if (leaf.break_glass) this.#breakGlass += 1;
      if (user !== undefined) this.#users.add(user);
      return;
    }
    increase(this.#outcomes, leaf.outcome ?? 'unknown', 1);
    if (leaf.reason !== undefined) increase(this.#reasons, leaf.reason, 1);
    if (leaf.event === 'query-answered') this.resources += leaf.count ?? 0;
    // Without a jti nothing was sent: that took no time, and would make the others look faster.
    if (leaf.ms !== undefined && leaf.jti !== undefined) increase(this.#took, Math.round(leaf.ms), 1);
  }

  common(): Omit<AskedStats, 'medianMs' | 'p95Ms'> {
    return {
      ...{ queries: this.#queries, breakGlass: this.#breakGlass, users: this.#users.size },
      outcomes: Object.fromEntries(this.#outcomes),
      reasons: Object.fromEntries(this.#reasons),
    };
  }

  /** The smallest time that at least this share of the queries took no longer than (nearest rank). */
  quantile(share: number): number | undefined {
    const times = [...this.#took].sort(([one], [other]) => one - other);
    const rank = Math.ceil(share * times.reduce((sum, [, count]) => sum + count, 0));
    let seen = 0;
    return times.find(([, count]) => (seen += count) >= rank)?.[0];
  }
}

function increase<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
