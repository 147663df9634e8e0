import { readLeaf, type Event, type Facts } from '../../src/audit/entry.ts';
import type { EntryIndex, EntrySearch, FoundEntry, LogStore } from '../../src/store/contracts.ts';

export const LOG = 'broker.example/log/1';

/** An entry as a store gives it, without anything sealed. */
export function found(
  at: number,
  event: Event,
  facts: Facts & { readonly exchange?: string } = {},
  index: EntryIndex = {},
): FoundEntry {
  const { exchange = `e${at}`, ...rest } = facts;
  const leaf = Buffer.from(JSON.stringify({ seq: at, at, event, exchange, ...rest }));
  return {
    log: LOG,
    at,
    sequence: at,
    leaf,
    index: { region: facts.region, jti: facts.jti, ...index },
    sealed: undefined,
  };
}

/** A search over entries in memory, by region, event and time, with pages; `asked` counts these. */
export function storeOf(entries: readonly FoundEntry[]): Pick<LogStore, 'search'> & { asked: number } {
  const sorted = entries.toSorted((one, other) => other.at - one.at || other.sequence - one.sequence);
  const matches = (entry: FoundEntry, { from, to, region, event, before }: EntrySearch): boolean =>
    entry.at >= from &&
    entry.at < to &&
    (region === undefined || entry.index.region === region) &&
    (event === undefined || readLeaf(entry.leaf).event === event) &&
    (before === undefined ||
      entry.at < before.at ||
      (entry.at === before.at && entry.sequence < before.sequence));
  const store = {
    asked: 0,
    search: (search: EntrySearch) => {
      store.asked += 1;
      return Promise.resolve(sorted.filter((entry) => matches(entry, search)).slice(0, search.limit));
    },
  };
  return store;
}
