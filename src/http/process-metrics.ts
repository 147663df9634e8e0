import { Counter, Gauge, Registry } from '@prometheus-io/client';
import { readdirSync, readFileSync } from 'node:fs';

/** The process's own metrics, by the names that Prometheus's clients have for them. */
export function processMetrics(): Registry {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string, value: () => number | undefined): Gauge =>
    new Gauge({
      ...{ name, help, registers },
      collect() {
        const now = value();
        if (now !== undefined) this.set(now);
      },
    });
  const start = performance.timeOrigin / 1000;
  gauge('process_start_time_seconds', 'When the process was started, in Unix time.', () => start);
  gauge('process_resident_memory_bytes', 'Memory that is resident.', () => process.memoryUsage.rss());
  gauge('nodejs_heap_size_used_bytes', 'Heap that is in use.', () => process.memoryUsage().heapUsed);
  gauge(
    'nodejs_external_memory_bytes',
    'Memory of buffers and the like.',
    () => process.memoryUsage().external,
  );
  gauge('process_open_fds', 'File descriptors that are open.', openFiles);
  gauge('process_max_fds', 'File descriptors that may be open.', mostFiles);
  let told = 0;
  new Counter({
    ...{ name: 'process_cpu_seconds_total', help: 'Time that the processors gave.', registers },
    collect() {
      const { user, system } = process.cpuUsage();
      const now = (user + system) / 1e6;
      this.inc(now - told);
      told = now;
    },
  });
  return registry;
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
