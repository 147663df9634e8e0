import type { Io } from './io.ts';

const PROGRESS_MS = 500;

/** Says how far a long task is, twice a second, where somebody looks on. */
export function tellingProgress<Progress>(
  io: Io,
  json: true | undefined,
  says: (progress: Progress) => string,
): ((progress: Progress) => void) | undefined {
  if (!io.isTerminal || json) return undefined;
  let told = performance.now();
  return (progress) => {
    if (performance.now() - told < PROGRESS_MS) return;
    told = performance.now();
    io.warn(says(progress));
  };
}
