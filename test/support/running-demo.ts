import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { baseOf } from '../../src/cli/ask.ts';
import { regionConfig } from '../../src/cli/region-config.ts';
import { ViewerClient, type ServerEvent } from '../../src/cli/viewer-client.ts';
import { viewerIdentity } from '../../src/cli/viewer-tokens.ts';
import type { RegionId } from '../../src/demo/places.ts';
import type { Resource } from '../../src/fhir/resource.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
/** Where the demo keeps its state. */
export const STATE = join(ROOT, 'var/demo');

const READY = 'Wayleave demo is ready';
const START_MS = 60_000;

/** The demo as a person starts it: one command, and everything else is its children. */
export class RunningDemo {
  /** How the command ended; pending while it runs. */
  readonly finished: Promise<number | null>;
  /** Everything that the command printed so far. */
  said = '';
  readonly #child;
  readonly #ready: Promise<boolean>;

  private constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, ['src/launch.js', 'demo', ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.finished = new Promise((ended) => this.#child.once('close', ended));
    this.#ready = new Promise((ready) => {
      for (const stream of [this.#child.stdout, this.#child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          this.said += text;
          if (this.said.includes(READY)) ready(true);
        });
      }
    });
  }

  /** Starts it and waits until it says that it is ready. @throws Error with what it said instead */
  static async start(...args: string[]): Promise<RunningDemo> {
    const demo = new RunningDemo(args);
    const waiting = new AbortController();
    const ready = await Promise.race([
      demo.#ready,
      demo.finished.then(() => false),
      sleep(START_MS, false, { signal: waiting.signal }),
    ]);
    waiting.abort();
    if (ready) return demo;
    await demo.stop();
    throw new Error(`the demo did not start:\n${demo.said}`);
  }

  /** As Ctrl-C does. */
  interrupt(): void {
    this.#child.kill('SIGINT');
  }

  /** @returns the exit code */
  async stop(): Promise<number | null> {
    this.interrupt();
    return this.finished;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.finished;
  }

  /** Signals one process of the demo, by region and `broker` or a record's id. */
  signal(region: RegionId, name: string, signal: NodeJS.Signals): void {
    process.kill(pidOf(region, name), signal);
  }
}

/** The process id in `var/demo/<region>/<name>.pid`. */
export function pidOf(region: RegionId, name: string): number {
  return readPid(join(STATE, region, `${name}.pid`));
}

/** Every pid file below `var/demo`, as path -> process id. */
export function pids(): Map<string, number> {
  const names = existsSync(STATE) ? readdirSync(STATE, { recursive: true, encoding: 'utf8' }) : [];
  const files = names.filter((name) => name.endsWith('.pid')).sort();
  return new Map(files.map((name) => [name, readPid(join(STATE, name))]));
}

/** True while the process runs; one that ended and that nobody has waited for does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Never 0 or less: a signal to that would reach our own process group. */
function readPid(file: string): number {
  const pid = Number(readFileSync(file, 'utf8').trim());
  if (!Number.isInteger(pid) || pid < 2) throw new Error(`${file} holds no process id`);
  return pid;
}

export interface TimedReply {
  readonly status: number;
  readonly resource: Resource;
  /** Milliseconds from the question to the whole answer. */
  readonly ms: number;
}

/** A registered viewer of the running demo, with its development keys. */
export class DemoViewer {
  /** What every address that the broker gives this viewer begins with. */
  readonly base: string;
  readonly region: RegionId;
  readonly id: string;
  /** Names of the files with which any HTTPS client can take this viewer's place. */
  readonly files: { readonly cert: string; readonly key: string; readonly ca: string };
  readonly #identity;

  /** @param id default: the region's first viewer */
  constructor(region: RegionId, id?: string) {
    this.region = region;
    const config = regionConfig({ region });
    this.#identity = viewerIdentity(config, id === undefined ? {} : { viewer: id });
    this.base = baseOf(config);
    this.id = this.#identity.viewer.id;
    const file = (name: string): string =>
      join(ROOT, 'certs-dev/generated', region, 'viewers', this.id, name);
    this.files = { cert: file('client.pem'), key: file('client.key.pem'), ca: file('broker-ca.pem') };
  }

  token(nhsNumber: string): Promise<string> {
    return this.#identity.tokenFor(nhsNumber);
  }

  /** @param path below the base, or an absolute link that the broker gave */
  async ask(nhsNumber: string, path: string): Promise<TimedReply> {
    const client = await this.#client(nhsNumber);
    const started = performance.now();
    const { status, resource } = await client.get(path);
    return { status, resource, ms: performance.now() - started };
  }

  /** Every event with the milliseconds after which it arrived. */
  async stream(nhsNumber: string, path: string): Promise<(ServerEvent & { ms: number })[]> {
    const client = await this.#client(nhsNumber);
    const started = performance.now();
    const events: (ServerEvent & { ms: number })[] = [];
    for await (const event of client.stream(path)) {
      events.push({ ...event, ms: performance.now() - started });
    }
    return events;
  }

  async #client(nhsNumber: string): Promise<ViewerClient> {
    return new ViewerClient(this.base, this.#identity, await this.token(nhsNumber));
  }
}

/** Asks again until `isGood` or the time is up, and gives the last answer. */
export async function askUntil(
  ask: () => Promise<TimedReply>,
  isGood: (reply: TimedReply) => boolean,
  withinMs: number,
): Promise<TimedReply> {
  const until = performance.now() + withinMs;
  for (;;) {
    const reply = await ask();
    if (isGood(reply) || performance.now() > until) return reply;
    await sleep(250);
  }
}
