import type { Command } from 'commander';

import { instantOf } from '../audit/questions/search.ts';
import { CommandFailed } from './io.ts';

export interface RangeOptions {
  readonly from?: string;
  readonly to?: string;
}

export function withRange(command: Command): Command {
  return command
    .option('--from <time>', 'an instant (2026-11-22T10:00:00Z) or a day of UTC')
    .option('--to <time>', 'up to that instant, or to the end of that day (default: now)');
}

/**
 * Milliseconds since the epoch, `from` included, `to` not.
 *
 * @throws CommandFailed for what is no time, and for an end that does not come after the beginning
 */
export function rangeOf({ from, to }: RangeOptions, now: number): { from: number; to: number } {
  const range = {
    from: from === undefined ? 0 : time('--from', from, false),
    to: Math.min(to === undefined ? now : time('--to', to, true), now),
  };
  if (range.from < range.to) return range;
  throw new CommandFailed('--from does not come before --to, or before now: write an earlier time.', 2);
}

function time(option: string, text: string, end: boolean): number {
  const at = instantOf(text, end);
  if (at !== undefined) return at;
  throw new CommandFailed(
    `${option} is no time: write a day (2026-11-22) or an instant (2026-11-22T10:00:00Z).`,
    2,
  );
}
