import type { ImportFigures, LookFigures } from './care-index.ts';
import type { DirectoryFigures, DirectoryTaken } from './directory-import.ts';
import type { PlanCost } from './plan-cost.ts';

export interface SizedIndex {
  readonly name: string;
  readonly patients: number;
  readonly imported: ImportFigures;
  /** The same file once more: every row is there. */
  readonly again: ImportFigures;
  /** Into another store, with every patient put into the queue of those whose home is to be told. */
  readonly noticed: ImportFigures | undefined;
  readonly looked: LookFigures;
}

/** What adding to a query costs a broker, alone and beside an import. `during.p99Ms`: of the worst half second. */
export interface Beside {
  readonly alone: { readonly p50Ms: number; readonly p99Ms: number };
  readonly during: { readonly p50Ms: number; readonly p99Ms: number };
  readonly rowsPerSecond: number;
}

export interface ImportedDirectory extends DirectoryFigures {
  readonly name: string;
  /** False for files that were made, of the published ones' size. */
  readonly arePublished: boolean;
  readonly files: number;
}

export interface RoutingReport {
  readonly processors: number;
  readonly indexes: readonly SizedIndex[];
  readonly directories: readonly ImportedDirectory[];
  readonly beside: Beside | undefined;
  readonly plan: PlanCost;
}

const COLUMNS = [
  ...[
    'store',
    'patients',
    'rows/s',
    'CPU a row',
    'again rows/s',
    'queueing rows/s',
    'bytes a patient',
    'import MiB',
  ],
  ...['present p50', 'p99', 'CPU', 'absent p50', 'p99', 'CPU', 'p99 to the smallest', 'CPU', 'look MiB'],
] as const;

/** The report for a person. */
export function routingTable({ processors, indexes, directories, beside, plan }: RoutingReport): string {
  const rows = indexes.map((one) => row(one, indexes.find(({ name }) => name === one.name) ?? one));
  return [
    `The care-location index, three locations a patient; ${processors} processors, which others may use too`,
    '',
    ...aligned([COLUMNS, ...rows]),
    '',
    ...directories.map(directoryLine),
    ...(beside === undefined ? [] : besideLines(beside)),
    `A plan with everything at hand: ${plan.cpuMs.toFixed(3)} ms of processor time`,
  ].join('\n');
}

function row(
  { name, patients, imported, again, noticed, looked }: SizedIndex,
  smallest: SizedIndex,
): string[] {
  const { present, absent } = looked;
  return [
    ...[
      name,
      String(patients),
      rate(imported),
      `${((imported.cpuSeconds / imported.rows) * 1e6).toFixed(1)} µs`,
    ],
    ...[rate(again), noticed === undefined ? '' : rate(noticed)],
    ...[(imported.bytes / patients).toFixed(0), imported.memoryMib.toFixed(0)],
    ...[present, absent].flatMap(({ p50Ms, p99Ms, cpuUs }) => [
      ms(p50Ms),
      ms(p99Ms),
      `${cpuUs.toFixed(1)} µs`,
    ]),
    `x ${(present.p99Ms / smallest.looked.present.p99Ms).toFixed(2)}`,
    `x ${(present.cpuUs / smallest.looked.present.cpuUs).toFixed(2)}`,
    looked.memoryMib.toFixed(0),
  ];
}

function besideLines({ alone, during, rowsPerSecond }: Beside): string[] {
  return [
    `A broker writes to its log, alone: added p50 ${ms(alone.p50Ms)}, p99 ${ms(alone.p99Ms)}; beside an import of ` +
      `${rowsPerSecond.toFixed(0)} rows/s: p50 ${ms(during.p50Ms)}, p99 of the worst half second ${ms(during.p99Ms)}`,
  ];
}

function directoryLine({ name, arePublished, files, lines, first, again }: ImportedDirectory): string {
  const told = ({ seconds, cpuSeconds, changes }: DirectoryTaken): string =>
    `${seconds.toFixed(2)} s (${(lines / seconds).toFixed(0)} rows/s, ${cpuSeconds.toFixed(2)} s of processor time, ` +
    `${changes} changes)`;
  return `The directory in ${name}, ${files} ${arePublished ? 'published' : 'made'} files, ${lines} lines: ${told(first)}; again ${told(again)}`;
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((cells) => (cells[column] ?? '').length)));
  return rows.map((cells) => cells.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '));
}

const rate = ({ rows, seconds }: ImportFigures): string => (rows / seconds).toFixed(0);
const ms = (value: number): string => `${value.toFixed(3)} ms`;
