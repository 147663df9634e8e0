import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { RegionId } from '../../src/demo/places.ts';
import { configFile, ROOT, STATE } from './places.ts';

const START_MS = 20_000;
const STOP_MS = 12_000;
/** Linux counts a process's time in hundredths of a second (`sysconf(_SC_CLK_TCK)`). */
const TICKS_PER_S = 100;

/** A process under measurement. */
export class Measured {
  readonly name: string;
  readonly #child: ChildProcess;

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
  }

  /** Starts one of the benchmark's own files with its plan, and waits until it prints `ready`. */
  static async ownFile(name: string, file: string, plan: object): Promise<Measured> {
    const args = [join(import.meta.dirname, file), JSON.stringify(plan)];
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
    const ready = new Promise<true>((done) => child.stdout.once('data', () => done(true)));
    const ended = new Promise<false>((done) => child.once('exit', () => done(false)));
    if (!(await Promise.race([ready, ended]))) throw new Error(`${name} did not start`);
    return new Measured(name, child);
  }

  /** Starts a broker as `wayleave serve` does, and waits until it is ready. @param more what Node is told besides */
  static async broker(
    region: RegionId,
    adminPort: number,
    profile: string | undefined,
    more: readonly string[] = [],
  ): Promise<Measured> {
    mkdirSync(join(STATE, region), { recursive: true });
    const log = openSync(join(STATE, region, 'broker.log'), 'w');
    const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${join(profile, region)}`];
    const args = [...profiling, ...more, 'src/launch.js', 'serve', '--config', configFile(region)];
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', log, log] });
    closeSync(log);
    for (const until = performance.now() + START_MS; performance.now() < until; await sleep(50)) {
      if (child.exitCode !== null) break;
      if (await answers(`http://127.0.0.1:${adminPort}/health/ready`)) return new Measured(region, child);
    }
    child.kill('SIGKILL');
    throw new Error(`the broker of ${region} did not start: see ${join(STATE, region, 'broker.log')}`);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Processor time that the process has used so far, in milliseconds: all threads, user and system. */
  cpuMs(): number {
    // proc(5): after the name in brackets, utime and stime are the 12th and 13th fields.
    const fields = this.#read('stat').split(') ').at(-1)?.split(' ') ?? [];
    return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_S) * 1000;
  }

  /** Resident memory in MiB. */
  memoryMib(): number {
    return Number(/VmRSS:\s+(\d+) kB/.exec(this.#read('status'))?.[1]) / 1024;
  }

  /** Ends it as a power cut would: nothing of it gets to know. */
  async kill(): Promise<void> {
    const gone = new Promise((done) => this.#child.once('exit', done));
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await gone;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** The exit code, once it has ended by itself; null where a signal ended it. */
  ended(): Promise<number | null> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return Promise.resolve(exitCode);
    return new Promise((done) => this.#child.once('exit', done));
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((done) => this.#child.once('exit', done));
    this.#child.kill('SIGTERM');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(force);
  }

  #read(name: string): string {
    return readFileSync(`/proc/${this.#child.pid}/${name}`, 'utf8');
  }
}

function answers(url: string): Promise<boolean> {
  return new Promise((done) => {
    const request = http.get(url, { timeout: 1_000 }, (response) => {
      response.resume();
      done(response.statusCode === 200);
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => done(false));
  });
}
