import type { Result } from './load.ts';

export interface Report {
  readonly machine: string;
  readonly broker: readonly Result[];
  readonly floor: readonly Result[];
  /** Resident MiB of a broker that has just started. */
  readonly restMemoryMib: number;
}

const COLUMNS = ['at a time', 'what', 'median', 'p99', 'per second', 'asking CPU', 'answering CPU'] as const;

/** The report as a table for a person, the ratios of broker to floor below each pair. */
export function table({ machine, broker, floor, restMemoryMib }: Report): string {
  const rows = broker.flatMap((one, at) => {
    const least = floor[at];
    return least === undefined ? [] : [row('brokers', one), row('floor', least), ratios(one, least)];
  });
  const loaded = Math.max(...broker.map((one) => one.askingMemoryMib));
  const answering = Math.max(...broker.map((one) => one.answeringMemoryMib));
  return [
    `A query to three regions; ${machine}; ${broker.map(({ queries }) => queries).join(', ')} queries`,
    '',
    ...aligned([COLUMNS, ...rows]),
    '',
    `Memory of a broker: at rest ${mib(restMemoryMib)}, asking under load ${mib(loaded)}, answering ${mib(answering)}`,
  ].join('\n');
}

function row(what: string, result: Result): string[] {
  return [
    String(result.concurrency),
    what,
    ms(result.medianMs),
    ms(result.p99Ms),
    result.perSecond.toFixed(0),
    ms(result.askingCpuMs),
    ms(result.answeringCpuMs),
  ];
}

function ratios(broker: Result, floor: Result): string[] {
  const ratio = (of: (result: Result) => number): string => `x ${(of(broker) / of(floor)).toFixed(1)}`;
  return [
    '',
    'ratio',
    ratio((one) => one.medianMs),
    ratio((one) => one.p99Ms),
    ratio((one) => one.perSecond),
    ratio((one) => one.askingCpuMs),
    ratio((one) => one.answeringCpuMs),
  ];
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((cells) => (cells[column] ?? '').length)));
  return rows.map((cells) => cells.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '));
}

function ms(value: number): string {
  return `${value.toFixed(2)} ms`;
}

function mib(value: number): string {
  return `${value.toFixed(0)} MiB`;
}
