import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { resolve } from 'node:path';

const LAUNCH = resolve(import.meta.dirname, '../../src/launch.js');

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `wayleave` with arguments, as a process of its own without an input. */
export function wayleave(...words: readonly string[]): Promise<Ran> {
  return wayleaveGiven('', ...words);
}

/** Runs `wayleave` with arguments and what it can read from standard input. */
export function wayleaveGiven(input: string, ...words: readonly string[]): Promise<Ran> {
  return new Promise((done, failed) => {
    const child = startWayleave(...words);
    const said = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
    child.on('error', failed);
    child.on('close', (code) => done({ code, ...said }));
    // A command that reads nothing may be gone before all is written.
    child.stdin.on('error', () => undefined).end(input);
  });
}

/** Starts `wayleave` with arguments, for a test to talk to and to signal. */
export function startWayleave(...words: readonly string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [LAUNCH, ...words]);
}
