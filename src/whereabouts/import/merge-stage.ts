import { setImmediate as turn } from 'node:timers/promises';

import type { CareLocationStore, CarePlace, SightingStage } from '../../store/contracts.ts';
import { renumber, ROW_BYTES } from '../../store/sightings.ts';

/** So many rows, of several small parts, are worth a step. */
const STEP_ROWS = 5_000;
const PLACES_AT_ONCE = 1_000;

export interface MergedSoFar {
  /** Parts of the stage that are merged whole. */
  parts: number;
  rows: number;
  added: number;
  widened: number;
}

interface Step {
  readonly sorted: Buffer;
  /** Parts that are merged whole when these rows are. */
  readonly parts: number;
}

/**
 * Merges what waits in a stage, part after part, in the order of the store's own tree. The next rows are sorted while the store
 * takes the last.
 *
 * @param onStep called when the parts counted so far are durable in the store
 */
export async function mergeStage(
  stage: SightingStage,
  store: CareLocationStore,
  places: readonly CarePlace[],
  soFar: MergedSoFar,
  onStep: () => void,
): Promise<void> {
  const numbers: number[] = [];
  for (let from = 0; from < places.length; from += PLACES_AT_ONCE) {
    numbers.push(...(await store.numbersOf(places.slice(from, from + PLACES_AT_ONCE))));
  }
  let merging = Promise.resolve();
  try {
    for (const { sorted, parts } of stepsOf(stage, numbers, soFar.parts)) {
      await merging;
      merging = mergeRows(sorted, store, soFar).then(() => {
        if (parts === soFar.parts) return;
        soFar.parts = parts;
        onStep();
      });
      merging.catch(() => undefined);
      // So that it is on its way.
      await turn();
    }
  } finally {
    await merging;
  }
}

function* stepsOf(stage: SightingStage, numbers: readonly number[], from: number): Generator<Step> {
  let waiting: Buffer[] = [];
  for (let part = from; part < stage.parts; part += 1) {
    for (const rows of stage.rowsOf(part)) {
      renumber(rows, numbers);
      waiting.push(rows);
      if (bytesOf(waiting) < STEP_ROWS * ROW_BYTES) continue;
      yield { sorted: Buffer.concat(waiting), parts: part };
      waiting = [];
    }
    if (waiting.length > 0 && part < stage.parts - 1) continue;
    yield { sorted: Buffer.concat(waiting), parts: part + 1 };
    waiting = [];
  }
}

const bytesOf = (buffers: readonly Buffer[]): number => buffers.reduce((sum, { length }) => sum + length, 0);

async function mergeRows(sorted: Buffer, store: CareLocationStore, soFar: MergedSoFar): Promise<void> {
  for (let rows = sorted; rows.length > 0;) {
    const { taken, added, widened } = await store.merge(rows);
    soFar.rows += taken;
    soFar.added += added;
    soFar.widened += widened;
    rows = rows.subarray(taken * ROW_BYTES);
  }
}
