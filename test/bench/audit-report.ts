import type { Commits } from './audit-floor.ts';
import type { Appended, Searched, Verified } from './audit-log.ts';

export interface Sized {
  readonly entries: number;
  readonly bytesPerEntry: number;
  readonly verified: Verified;
  readonly startMs: number;
  readonly searches: readonly Searched[];
}

export interface StoreReport {
  readonly name: string;
  readonly commits: Commits;
  readonly appended: readonly Appended[];
  readonly bytesPerEntry: number;
  readonly verified: { readonly leaves: Verified; readonly sealed: Verified };
  /** With small entries, without sealed values. */
  readonly sizes: readonly Sized[];
}

export interface AuditReport {
  readonly processors: number;
  /** Flushes of one page, a second. */
  readonly flushes: number;
  readonly stores: readonly StoreReport[];
}

/** The report for a person, each figure beside what it is held against. */
export function auditTable({ processors, flushes, stores }: AuditReport): string {
  return [
    `The log; ${processors} processors, which others may use too; ${flushes.toFixed(0)} flushes of a page a second`,
    ...stores.flatMap((store) => ['', ...linesOf(store, flushes)]),
  ].join('\n');
}

function linesOf(store: StoreReport, flushes: number): string[] {
  const { name, commits, appended, sizes } = store;
  const inCommits = (ms: number): string =>
    `${ms.toFixed(2)} ms (${(ms / commits.medianMs).toFixed(1)} commits)`;
  return [
    `${name}: single-row commits ${commits.perSecond.toFixed(0)}/s, median ${commits.medianMs.toFixed(3)} ms`,
    ...appended.map(
      ({ concurrent, perSecond, cpuUs, p50Ms, p99Ms }) =>
        `  ${String(concurrent).padStart(2)} queries at once: ${perSecond.toFixed(0)} entries/s, ` +
        `${(perSecond / flushes).toFixed(2)} x flushes, ${cpuUs.toFixed(0)} µs of processor each; added to a query p50 ${inCommits(p50Ms)}, p99 ${inCommits(p99Ms)}`,
    ),
    `  ${store.bytesPerEntry.toFixed(0)} bytes an entry, sealed values and indexes included`,
    `  verified: ${said(store.verified.leaves)}; with what is sealed ${said(store.verified.sealed)}`,
    ...sizes.flatMap(({ entries, bytesPerEntry, verified, startMs, searches }) => [
      `  ${entries} small entries of ${bytesPerEntry.toFixed(0)} bytes: start ${startMs.toFixed(0)} ms; ` +
        `verified ${said(verified)}`,
      ...searches.map(
        ({ by, p50Ms, p99Ms }) =>
          `    search by ${by}: p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`,
      ),
    ]),
  ];
}

function said({ perSecond, cpuUs }: Verified): string {
  return `${perSecond.toFixed(0)} entries/s (${cpuUs.toFixed(1)} µs of processor each)`;
}
