import { setTimeout as sleep } from 'node:timers/promises';

const WITHIN_MS = 50_000;

/** Waits until something is so; fails when that does not come to pass. */
export async function until(isSo: () => boolean | Promise<boolean>, what = 'it'): Promise<void> {
  for (const end = performance.now() + WITHIN_MS; performance.now() < end; await sleep(10)) {
    if (await isSo()) return;
  }
  throw new Error(`${what} did not come to pass`);
}
