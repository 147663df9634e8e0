import type { EntrySearch, FoundEntry, LogStore } from '../store/contracts.ts';

const PAGE = 1_000;

/** The longest that the entries of one exchange lie apart: every budget of a request is far below it. */
export const EXCHANGE_SPAN_MS = 10 * 60_000;

/** Every entry that a search finds, newest first, a page in memory at a time. @param size of a page, 1 to 1,000 */
export async function* walk(
  store: Pick<LogStore, 'search'>,
  search: Omit<EntrySearch, 'limit' | 'before'>,
  size = PAGE,
): AsyncGenerator<FoundEntry, void, undefined> {
  let before: EntrySearch['before'];
  for (;;) {
    const page = await store.search({ ...search, limit: size, before });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < size) return;
    before = { at: last.at, log: last.log, sequence: last.sequence };
  }
}

/** Two sequences, each newest first, as one. */
export async function* newestFirst<Timed extends { readonly at: number }>(
  ours: AsyncIterable<Timed>,
  theirs: AsyncIterable<Timed>,
): AsyncGenerator<Timed, void, undefined> {
  const [one, other] = [ours[Symbol.asyncIterator](), theirs[Symbol.asyncIterator]()];
  try {
    let [first, second] = await Promise.all([one.next(), other.next()]);
    for (;;) {
      if (first.done !== true && (second.done === true || first.value.at >= second.value.at)) {
        yield first.value;
        first = await one.next();
      } else if (second.done !== true) {
        yield second.value;
        second = await other.next();
      } else return;
    }
  } finally {
    await Promise.all([one.return?.(), other.return?.()]);
  }
}
