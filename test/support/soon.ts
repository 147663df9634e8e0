import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

const SOON_MS = 50_000;

/** Waits until `look` gives something. */
export async function soon<Result>(
  look: () => Promise<Result | undefined> | Result | undefined,
): Promise<Result> {
  for (const until = Date.now() + SOON_MS; Date.now() < until; await sleep(30)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new assert.AssertionError({ message: 'did not come' });
}
