import { CommanderError } from 'commander';

import { isWayleaveError, MaterialError, StartError } from '../errors.ts';
import { CommandFailed } from './io.ts';

/** How a command ends that threw: its exit code, and what is left to be said. */
export interface Failure {
  readonly exitCode: number;
  readonly says: string | undefined;
}

/** @returns undefined for what no command foresees: a defect, which is shown with its stack */
export function failureOf(error: unknown): Failure | undefined {
  // Commander has said it.
  if (error instanceof CommanderError) return { exitCode: error.exitCode === 0 ? 0 : 2, says: undefined };
  if (error instanceof CommandFailed) return { exitCode: error.exitCode, says: error.message };
  if (error instanceof MaterialError) return { exitCode: 1, says: error.message };
  if (error instanceof StartError) return { exitCode: 1, says: error.message };
  if (isWayleaveError(error)) return { exitCode: 1, says: `${error.publicForm.text} (${error.message})` };
  return undefined;
}
