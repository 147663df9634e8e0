import type { Command } from 'commander';

import type { TlsIdentity } from '../../trust/tls.ts';
import { readinessOf, type Readiness } from '../../upstream/check/readiness.ts';
import { blameSharedClock } from '../../upstream/check/shared-clock.ts';
import type { StepName } from '../../upstream/check/step.ts';
import { CommandFailed, INCOMPLETE, type Io } from '../io.ts';
import type { TrustedLinks } from './open-links.ts';
import { gather, plain } from '../subcommand.ts';
import { columns } from '../tell.ts';

export interface WithoutOptions {
  readonly without?: readonly string[];
  readonly json?: true;
}

/** The option of a command that waits for every neighbour. */
export function withWithout(command: Command): Command {
  return command.option(
    '--without <region>',
    'a neighbour that is left behind: it refuses us until it has our newest statement; may be given again',
    gather,
  );
}

/** They have approved our statement in place. */
export const KNOW_OUR_STATEMENT: readonly StepName[] = ['own-statement'];
/** And they take what is tried: a message key, or a client certificate. */
export const TAKE_WHAT_IS_TRIED: readonly StepName[] = ['own-statement', 'ping'];

/** Asks every neighbour that is trusted. @param client tried in the place of the certificate in use */
export async function askReadiness(
  { checks, regions }: TrustedLinks,
  needed: readonly StepName[],
  client?: TlsIdentity,
): Promise<Readiness[]> {
  const found = await Promise.all(regions.map((region) => checks.check(region, client)));
  return blameSharedClock(found).map((steps, at) => readinessOf(regions[at] ?? '', steps, needed));
}

/** How far each is, a line each. */
export function readinessLines(found: readonly Readiness[]): string[] {
  const rows = found.map(({ region, ready, approved, because }) => [
    `  ${region}`,
    ready ? 'ok' : 'NOT READY',
    approved === undefined ? '' : `statement ${approved}`,
    because === undefined ? '' : `${because.step} ${because.code}, ${because.whose}: ${because.mend}`,
  ]);
  return columns(rows).map(plain);
}

export function readinessJson(found: readonly Readiness[]): object[] {
  return found.map(({ region, ready, approved, because }) => ({
    ...{ region, ready, approved },
    ...(because === undefined
      ? {}
      : { step: because.step, code: because.code, whose: because.whose, mend: because.mend }),
  }));
}

/** What is told of the neighbours once it is done. */
export interface AllReady {
  readonly lines: readonly string[];
  readonly json: object;
}

/**
 * Goes on only where every neighbour is ready, or is left behind by name. How far each is is told either way.
 *
 * @throws CommandFailed with `INCOMPLETE`; 2 for a name that is no neighbour's
 */
export function mustBeReady(
  io: Io,
  found: readonly Readiness[],
  { without = [], json }: WithoutOptions,
): AllReady {
  const stranger = without.find((name) => !found.some(({ region }) => region === name));
  if (stranger !== undefined) {
    const names = found.map(({ region }) => region).join(', ');
    throw new CommandFailed(
      `--without ${plain(stranger)} is no neighbour that we trust: write one of ${names}.`,
      2,
    );
  }
  const leftBehind = found.filter(({ ready }) => !ready).map(({ region }) => region);
  const waiting = leftBehind.filter((region) => !without.includes(region));
  const [lines, neighbours] = [readinessLines(found), readinessJson(found)];
  if (waiting.length === 0) {
    return { lines: [...lines, ...leftBehindLines(leftBehind)], json: { neighbours, leftBehind } };
  }
  if (json) io.print(JSON.stringify({ done: false, neighbours }));
  else for (const line of lines) io.print(line);
  throw new CommandFailed(
    `${plain(waiting.join(', '))} would refuse us, so that nothing was changed: ` +
      'wait until each is ready, or leave it behind with --without.',
    INCOMPLETE,
  );
}

function leftBehindLines(regions: readonly string[]): string[] {
  if (regions.length === 0) return [];
  return [`Left behind: ${plain(regions.join(', '))}. They refuse us until they have our newest statement.`];
}
