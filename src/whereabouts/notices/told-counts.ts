import type { Store, ToldBy, ToldCount, ToldOutcome } from '../../store/contracts.ts';

const DAY_MS = 86_400_000;
/** What is shown, and kept. */
export const COUNTED_DAYS = 90;

/** How what a neighbour told turns out. Of patients the first three, of queries the others. */
export type TellerStatus = {
  /** The neighbour that told. */
  readonly region: string;
  readonly how: ToldBy;
} & Readonly<Record<ToldOutcome, number>>;

interface Parts {
  readonly store: Pick<Store, 'tellers'>;
  readonly now: () => number;
}

/** Counts what becomes of what neighbours told. Nobody waits for the store: what was counted since it was kept last a kill loses. */
export class ToldCounts {
  readonly #parts: Parts;
  #pending = new Map<string, ToldCount>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  add(teller: string, how: ToldBy, what: ToldOutcome): void {
    this.#add({ teller, how, what, count: 1 });
  }

  /** Keeps what was counted. @throws HouseError `store-unavailable`: then it is kept the next time */
  async keep(): Promise<void> {
    const { store, now } = this.#parts;
    const counts = [...this.#pending.values()];
    if (counts.length === 0) return;
    this.#pending = new Map();
    try {
      await store.tellers.add(counts, now());
    } catch (error) {
      for (const one of counts) this.#add(one);
      throw error;
    }
  }

  /** @throws HouseError `store-unavailable` */
  async forgetOld(): Promise<void> {
    const { store, now } = this.#parts;
    await store.tellers.forget(now() - COUNTED_DAYS * DAY_MS);
  }

  /** Of the last 90 days, by who told and how. @throws HouseError `store-unavailable` */
  async tellers(): Promise<TellerStatus[]> {
    const { store, now } = this.#parts;
    const counts = [...(await store.tellers.since(now() - COUNTED_DAYS * DAY_MS)), ...this.#pending.values()];
    const tellers = Map.groupBy(counts, ({ teller, how }) => `${teller} ${how}`);
    return [...tellers.values()].flatMap((ofOne) => {
      const [first] = ofOne;
      if (first === undefined) return [];
      const sum = (what: ToldOutcome): number =>
        ofOne.filter((one) => one.what === what).reduce((all, { count }) => all + count, 0);
      return {
        ...{ region: first.teller, how: first.how },
        ...{ known: sum('known'), dropped: sum('dropped'), 'given-up': sum('given-up') },
        ...{ answered: sum('answered'), none: sum('none') },
        ...{ withheld: sum('withheld'), 'not-reached': sum('not-reached') },
      };
    });
  }

  #add(one: ToldCount): void {
    const key = `${one.teller} ${one.how} ${one.what}`;
    this.#pending.set(key, { ...one, count: one.count + (this.#pending.get(key)?.count ?? 0) });
  }
}
