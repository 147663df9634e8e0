import { setTimeout as pause } from 'node:timers/promises';

import type { CareLocationStore, Tallied } from '../store/contracts.ts';

/** Rows of one step: a few milliseconds of the store. */
const FORGET_ROWS = 5_000;
const TALLY_ROWS = 50_000;

/**
 * Deletes what was last seen on a day before that of `before`, step by step through the whole index.
 *
 * @param pauseMs between two steps @param signal ends it between two steps
 * @returns how many rows were deleted
 */
export async function forgetBefore(
  store: Pick<CareLocationStore, 'forget'>,
  before: number,
  pauseMs: number,
  signal?: AbortSignal,
): Promise<number> {
  let forgotten = 0;
  for (let after: string | undefined = ''; after !== undefined && signal?.aborted !== true;) {
    const step: Awaited<ReturnType<CareLocationStore['forget']>> = await store.forget(
      before,
      after,
      FORGET_ROWS,
    );
    forgotten += step.forgotten;
    after = step.next;
    if (after !== undefined) await pause(pauseMs, undefined, { signal }).catch(() => undefined);
  }
  return forgotten;
}

/** What an index holds. Times are beginnings of days. */
export interface IndexStats {
  readonly patients: number;
  readonly locations: number;
  readonly organisations: number;
  readonly sources: readonly {
    readonly source: string;
    readonly locations: number;
    readonly firstSeen: number;
    readonly lastSeen: number;
  }[];
}

type Place = Tallied['places'][number];

/** Counts the whole index, step by step. */
export async function countIndex(
  store: Pick<CareLocationStore, 'tally'>,
  onProgress?: (locations: number) => void,
): Promise<IndexStats> {
  const sources = new Map<string, IndexStats['sources'][number]>();
  const organisations = new Set<string>();
  let [patients, locations] = [0, 0];
  for (let after: string | undefined = ''; after !== undefined;) {
    const step: Tallied = await store.tally(after, TALLY_ROWS);
    patients += step.patients;
    for (const place of step.places) {
      organisations.add(place.organisation);
      locations += place.rows;
      sources.set(place.source, added(sources.get(place.source), place));
    }
    onProgress?.(locations);
    after = step.next;
  }
  const named = [...sources.values()].toSorted((one, other) => other.locations - one.locations);
  return { patients, locations, organisations: organisations.size, sources: named };
}

function added(
  known: IndexStats['sources'][number] | undefined,
  place: Place,
): IndexStats['sources'][number] {
  const { source, rows, firstSeen, lastSeen } = place;
  if (known === undefined) return { source, locations: rows, firstSeen, lastSeen };
  return {
    source,
    locations: known.locations + rows,
    firstSeen: Math.min(known.firstSeen, firstSeen),
    lastSeen: Math.max(known.lastSeen, lastSeen),
  };
}
