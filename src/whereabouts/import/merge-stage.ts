import { setTimeout as pause } from 'node:timers/promises';

import type { CareLocationStore, CarePlace, SightingStage } from '../../store/contracts.ts';
import { renumber, ROW_BYTES } from '../../store/sightings.ts';

/** How long nobody writes between two steps: whoever waits for the store has its turn. */
const PAUSE_MS = 10;
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

/**
 * Merges what waits in a stage, part after part, in the order of the store's own tree.
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
  let waiting: Buffer[] = [];
  for (let part = soFar.parts; part < stage.parts; part += 1) {
    for (const rows of stage.rowsOf(part)) {
      renumber(rows, numbers);
      waiting.push(rows);
      if (bytesOf(waiting) < STEP_ROWS * ROW_BYTES) continue;
      await mergeRows(Buffer.concat(waiting), store, soFar);
      waiting = [];
    }
    if (waiting.length > 0 && part < stage.parts - 1) continue;
    await mergeRows(Buffer.concat(waiting), store, soFar);
    waiting = [];
    soFar.parts = part + 1;
    onStep();
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
    await pause(PAUSE_MS);
  }
}
