import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

const LAUNCH = resolve(import.meta.dirname, '../../src/launch.js');

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `wayleave` with arguments, as a process of its own. */
export function wayleave(...words: readonly string[]): Promise<Ran> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [LAUNCH, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
    child.on('error', failed);
    child.on('close', (code) => done({ code, ...said }));
  });
}
