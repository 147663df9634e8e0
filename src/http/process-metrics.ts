import { Counter, Gauge, Registry } from '@prometheus-io/client';
import { readdirSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const NS = 1e9;
const RESOLUTION_MS = 20;
const QUANTILES = { p50: 50, p99: 99 } as const;

/** The process's own metrics, by the names that Prometheus's clients have for them; until it is stopped. */
export class ProcessMetrics {
  readonly registry = new Registry();
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    const start = performance.timeOrigin / 1000;
    this.#gauge('process_start_time_seconds', 'When the process was started, in Unix time.', () => start);
    this.#gauge('process_resident_memory_bytes', 'Memory that is resident.', () => process.memoryUsage.rss());
    this.#gauge('nodejs_heap_size_used_bytes', 'Heap that is in use.', () => process.memoryUsage().heapUsed);
    this.#gauge(
      'nodejs_external_memory_bytes',
      'Memory of buffers and the like.',
      () => process.memoryUsage().external,
    );
    this.#gauge('process_open_fds', 'File descriptors that are open.', openFiles);
    this.#gauge('process_max_fds', 'File descriptors that may be open.', mostFiles);
    this.#cpu();
    this.#lag();
    this.#delay.enable();
  }

  stop(): void {
    this.#delay.disable();
  }

  #gauge(name: string, help: string, value: () => number | undefined): Gauge {
    const registers = [this.registry];
    return new Gauge({
      ...{ name, help, registers },
      collect() {
        const now = value();
        if (now !== undefined) this.set(now);
      },
    });
  }

  #cpu(): void {
    let told = 0;
    new Counter({
      ...{
        name: 'process_cpu_seconds_total',
        help: 'Time that the processors gave.',
        registers: [this.registry],
      },
      collect() {
        const { user, system } = process.cpuUsage();
        const now = (user + system) / 1e6;
        this.inc(now - told);
        told = now;
      },
    });
  }

  /** Since the last scrape: by how much timers came late. */
  #lag(): void {
    const delay = this.#delay;
    const seconds = (nanoseconds: number): number => Math.max(0, nanoseconds / NS - RESOLUTION_MS / 1000);
    for (const [name, percentile] of Object.entries(QUANTILES)) {
      this.#gauge(
        `nodejs_eventloop_lag_${name}_seconds`,
        `Lag of the event loop since the last scrape, ${name}.`,
        () => (delay.count === 0 ? 0 : seconds(delay.percentile(percentile))),
      );
    }
    // The last of them to be collected begins anew.
    this.#gauge(
      'nodejs_eventloop_lag_max_seconds',
      'Longest lag of the event loop since the last scrape.',
      () => {
        const max = delay.count === 0 ? 0 : seconds(delay.max);
        delay.reset();
        return max;
      },
    );
  }
}

/** Undefined where there is no `/proc`. */
function openFiles(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}

function mostFiles(): number | undefined {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
