import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';

import { StartError } from '../errors.ts';

const STOP_MS = 12_000;
const POLL_MS = 50;
/** What the command line of one of our processes holds; a record shows its title in the place of its file. */
const OURS = ['launch.js', 'record-main.ts', 'wayleave-record', 'pds-main.ts'];

/** One process of the demo. */
export interface Child {
  readonly name: string;
  readonly log: string;
  readonly process: ChildProcess;
  /** Resolves when the process is gone, with how it went. */
  readonly gone: Promise<string>;
}

export interface ChildPlan {
  readonly name: string;
  /** Arguments after the Node executable. */
  readonly arguments: readonly string[];
  readonly log: string;
}

/** Starts a process in a group of its own, so that Ctrl-C reaches it only through its supervisor. */
export function startChild(node: string, plan: ChildPlan): Child {
  const log = openSync(plan.log, 'a', 0o600);
  const child = spawn(node, plan.arguments, { stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  const gone = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    child.once('error', (error) => resolve(error.message));
  });
  return { name: plan.name, log: plan.log, process: child, gone };
}

/** Waits until `isReady`. @throws StartError when the process ends first, or the time is up */
export async function waitUntilReady(
  child: Child,
  isReady: () => Promise<boolean>,
  withinMs: number,
): Promise<void> {
  let ended: string | undefined;
  void child.gone.then((how) => (ended = how));
  for (const until = performance.now() + withinMs; performance.now() < until; await sleep(POLL_MS)) {
    if (ended !== undefined) throw new StartError(`${child.name} stopped (${ended}): ${lastLine(child.log)}`);
    if (await isReady()) return;
  }
  throw new StartError(`${child.name} was not ready within ${withinMs / 1000} s: see ${child.log}.`);
}

/** Asks a process to stop, wakes it if it was stopped, and in the end makes it. */
export async function stopChild({ process: child, gone }: Child): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGCONT');
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await gone;
  clearTimeout(force);
}

/**
 * Ends what an earlier run left behind: processes whose pid files lie below `directory` and that are ours.
 *
 * @throws StartError when the earlier run is no stale one, but is running now
 */
export async function cleanUp(directory: string): Promise<number> {
  const supervisor = readPid(join(directory, 'demo.pid'));
  if (supervisor !== undefined && isOurs(supervisor, ['launch.js', 'demo'])) {
    throw new StartError(
      `The demo is running already (process ${supervisor}): stop it first with Ctrl-C or kill.`,
    );
  }
  const left = pidFiles(directory)
    .map(readPid)
    .filter((pid) => pid !== undefined)
    .filter((pid) => isOurs(pid, OURS, 'any'));
  await Promise.all(left.map(end));
  rmSync(directory, { recursive: true, force: true });
  return left.length;
}

async function end(pid: number): Promise<void> {
  for (const signal of ['SIGCONT', 'SIGTERM'] as const) send(pid, signal);
  for (const until = performance.now() + STOP_MS; performance.now() < until; await sleep(POLL_MS)) {
    if (!send(pid, 0)) return;
  }
  send(pid, 'SIGKILL');
}

function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** True when the process runs one of our own commands: a pid may have been given to a stranger meanwhile. */
function isOurs(pid: number, words: readonly string[], which: 'all' | 'any' = 'all'): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    const found = words.map((word) => command.includes(word));
    return which === 'all' ? found.every(Boolean) : found.some(Boolean);
  } catch {
    return false;
  }
}

function pidFiles(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.pid'))
    .map((name) => join(directory, name));
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8').trim());
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function lastLine(file: string): string {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.at(-1) || `see ${file}.`;
}
