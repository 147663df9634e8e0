import { isWayleaveError } from '../../errors.ts';
import type { RetiredKey } from './retired-key.ts';
import type { ToldRevocation } from './revocation.ts';

/**
 * `warning`: what is there holds, and whoever relies on it must read this first. `not-checked`: it cannot be told from what
 * is at hand, and says so; nothing is wrong with what is there.
 */
export type Result = 'ok' | 'failed' | 'warning' | 'not-checked';

/** One thing that was looked at. Names no patient and no user. */
export interface Step {
  readonly check: string;
  readonly result: Result;
  /** What it is about, and what was found, in words. */
  readonly says: string;
  /** Sequence of the entry that it is about. */
  readonly sequence?: number;
  /** A key that was retired: the statements of this file that tell so. */
  readonly retired?: RetiredKey;
  /** A signature by what was revoked: what was decided, and how the signature stands to it. */
  readonly revocation?: ToldRevocation;
}

export interface Verdict {
  /** True when everything that can be checked holds. */
  readonly holds: boolean;
  /** True when it holds without a warning: a key that was revoked signs as well as any other. */
  readonly clean: boolean;
  readonly steps: readonly Step[];
}

export function verdictOf(steps: readonly Step[]): Verdict {
  const holds = steps.length > 0 && steps.every(({ result }) => result !== 'failed');
  return { holds, clean: holds && steps.every(({ result }) => result !== 'warning'), steps };
}

type Maker = (check: string, says: string, sequence?: number) => Step;

const maker =
  (result: Result): Maker =>
  (check, says, sequence) => ({ check, result, says, ...(sequence === undefined ? {} : { sequence }) });

export const ok = maker('ok');
export const failed = maker('failed');
export const warning = maker('warning');
export const notChecked = maker('not-checked');

/** The code of the check that failed, or a word for what is no error of ours. */
export function codeOf(error: unknown): string {
  return isWayleaveError(error) ? error.message : 'cannot be read';
}

/** An instant for a sentence; what is no time of ours is said to be none. @param at milliseconds since the epoch */
export function iso(at: number): string {
  return Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : 'an impossible time';
}
