import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Measured } from './processes.ts';

/** One way to ask: sends a question and rejects unless its answer is whole. */
export interface Asker {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: https.Agent;
  /** @throws Error when the answer is not what was asked for */
  readonly check: (status: number, body: Buffer) => void;
}

export interface Phase {
  readonly concurrency: number;
  readonly queries: number;
  /** A phase ends earlier when this much time is over. */
  readonly longestMs: number;
}

export interface Result {
  readonly concurrency: number;
  readonly queries: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly perSecond: number;
  /** Milliseconds of processor time for one query. */
  readonly askingCpuMs: number;
  /** Of one answering process: the mean of all. */
  readonly answeringCpuMs: number;
  /** Resident MiB of the asking process, the largest seen. */
  readonly askingMemoryMib: number;
  readonly answeringMemoryMib: number;
}

export function ask({ url, headers, agent }: Asker): Promise<{ status: number; body: Buffer }> {
  return new Promise((done, failed) => {
    https
      .get(url, { agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('end', () => done({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
        response.once('error', failed);
      })
      .once('error', failed);
  });
}

/** What one slice of a phase took; several of them make a result. */
export interface Slice {
  readonly times: readonly number[];
  readonly tookMs: number;
  readonly askingCpuMs: number;
  /** Of all answering processes together. */
  readonly answeringCpuMs: number;
  readonly memory: { readonly asking: number; readonly answering: number };
}

/** Who is asked and who is measured meanwhile: the brokers, or the floor. */
export interface Subject {
  readonly asker: Asker;
  readonly asking: Measured;
  readonly answering: readonly Measured[];
}

/** Asks one phase's queries with so many under way at a time, and measures everybody meanwhile. */
export async function runSlice({ asker, asking, answering }: Subject, phase: Phase): Promise<Slice> {
  const times: number[] = [];
  const memory = { asking: 0, answering: 0 };
  const watching = new AbortController();
  const watched = watchMemory(asking, answering, memory, watching.signal);
  const before = { asking: asking.cpuMs(), answering: total(answering) };
  const started = performance.now();
  let sent = 0;
  const worker = async (): Promise<void> => {
    while (sent < phase.queries && performance.now() - started < phase.longestMs) {
      sent += 1;
      const from = performance.now();
      const { status, body } = await ask(asker);
      times.push(performance.now() - from);
      asker.check(status, body);
    }
  };
  await Promise.all(Array.from({ length: phase.concurrency }, worker));
  const tookMs = performance.now() - started;
  const askingCpu = asking.cpuMs() - before.asking;
  const answeringCpu = total(answering) - before.answering;
  watching.abort();
  await watched;
  return { times, tookMs, askingCpuMs: askingCpu, answeringCpuMs: answeringCpu, memory };
}

/** @param answering how many answering processes shared the work */
export function summarise(concurrency: number, answering: number, slices: readonly Slice[]): Result {
  const sum = (of: (slice: Slice) => number): number => slices.reduce((total, slice) => total + of(slice), 0);
  const times = slices.flatMap((slice) => slice.times).sort((left, right) => left - right);
  return {
    concurrency,
    queries: times.length,
    medianMs: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
    perSecond: (times.length / sum((slice) => slice.tookMs)) * 1000,
    askingCpuMs: sum((slice) => slice.askingCpuMs) / times.length,
    answeringCpuMs: sum((slice) => slice.answeringCpuMs) / times.length / answering,
    askingMemoryMib: Math.max(...slices.map((slice) => slice.memory.asking)),
    answeringMemoryMib: Math.max(...slices.map((slice) => slice.memory.answering)),
  };
}

async function watchMemory(
  asking: Measured,
  answering: readonly Measured[],
  seen: { asking: number; answering: number },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    seen.asking = Math.max(seen.asking, asking.memoryMib());
    seen.answering = Math.max(seen.answering, ...answering.map((one) => one.memoryMib()));
    await sleep(200, undefined, { signal }).catch(() => undefined);
  }
}

function total(processes: readonly Measured[]): number {
  return processes.reduce((sum, one) => sum + one.cpuMs(), 0);
}

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
