import type { EntryKey, KeyChange, Store } from '../store/contracts.ts';
import type { Keyring } from './sealing.ts';
import type { KeyCounts } from './trail.ts';

export interface RewrapSettings {
  readonly store: { readonly log: Pick<Store['log'], 'logs'>; readonly keys: Store['keys'] };
  readonly keyring: Keyring;
  /** Between two steps: a broker beside it writes then. */
  readonly pause: () => Promise<void>;
  readonly onProgress?: ((progress: RewrapProgress) => void) | undefined;
}

/** Entries of every log of the store: how many were passed, of those that were there at the beginning. */
export interface RewrapProgress {
  readonly done: number;
  readonly size: number;
}

export interface Rewrapped extends KeyCounts {
  /** Names of former keys of the ring that no key in the store needs any more. */
  readonly notNeeded: readonly string[];
  /** Names of those that are still needed: they wrap what does not open. */
  readonly needed: readonly string[];
}

const PAGE = 500;

/**
 * Wraps the key of every sealed entry under the ring's current key: of each log of the store, the ended ones and what
 * is archived too. What is erased meanwhile stays erased, and what no key opens stays as it is. A run that was killed
 * is gone on with by the next.
 *
 * @throws HouseError of the store
 */
export async function rewrapKeys(settings: RewrapSettings): Promise<Rewrapped> {
  const logs = await settings.store.log.logs();
  const size = logs.reduce((sum, one) => sum + one.size, 0);
  const counts = { rewrapped: 0, current: 0, unopened: 0 };
  const needed = new Set<string>();
  let before = 0;
  for (const { log, size: own } of logs) {
    for (let from: number | undefined = 0; from !== undefined;) {
      const page: Page = await rewrapPage(settings, log, from);
      counts.rewrapped += page.rewrapped;
      counts.current += page.current;
      counts.unopened += page.unopened.length;
      for (const { wrappedBy } of page.unopened) needed.add(wrappedBy);
      from = page.next;
      settings.onProgress?.({ done: before + Math.min(from ?? own, own), size });
    }
    before += own;
  }
  const { former } = settings.keyring;
  return {
    ...counts,
    notNeeded: former.filter((id) => !needed.has(id)),
    needed: former.filter((id) => needed.has(id)),
  };
}

interface Page {
  readonly rewrapped: number;
  readonly current: number;
  readonly unopened: readonly EntryKey[];
  /** Where the next begins; undefined after the last. */
  readonly next: number | undefined;
}

/** One page, looked at again until nothing in it is left under a former key. */
async function rewrapPage(
  { store, keyring, pause }: RewrapSettings,
  log: string,
  from: number,
): Promise<Page> {
  const mine = new Set<number>();
  for (;;) {
    const keys = await store.keys.page(log, from, PAGE);
    const { current, changes, unopened } = sorted(keys, keyring);
    if (changes.length === 0) {
      const last = keys.length < PAGE ? undefined : keys.at(-1);
      const others = current.filter(({ sequence }) => !mine.has(sequence));
      const next = last && last.sequence + 1;
      return { rewrapped: mine.size, current: others.length, unopened, next };
    }
    for (const sequence of await store.keys.rewrap(log, changes)) mine.add(sequence);
    await pause();
  }
}

interface Sorted {
  readonly current: EntryKey[];
  readonly changes: KeyChange[];
  readonly unopened: EntryKey[];
}

/** Each is opened, also under the current key: what does not open is told while there is a former key to keep. */
function sorted(keys: readonly EntryKey[], keyring: Keyring): Sorted {
  const found: Sorted = { current: [], changes: [], unopened: [] };
  for (const key of keys) {
    const opened = keyring.unwrap(key);
    if (opened === undefined) found.unopened.push(key);
    else if (key.wrappedBy === keyring.current) found.current.push(key);
    else {
      const wrapped = keyring.wrap(opened.export());
      found.changes.push({ sequence: key.sequence, former: key.wrappedBy, ...wrapped });
    }
  }
  return found;
}
