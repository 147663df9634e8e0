import type { Step } from '../audit/proof/verdict.ts';
import { plain } from './subcommand.ts';

const WORDS = { ok: 'ok', failed: 'FAILED', warning: 'WARNING', 'not-checked': 'not checked' } as const;

/** One step of a verification, as a line for people. */
export function stepLine({ result, check, says }: Step): string {
  return `${WORDS[result].padEnd(11)}  ${check.padEnd(14)}  ${plain(says)}`;
}
