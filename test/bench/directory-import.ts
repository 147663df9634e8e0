import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { datedFile, prepareImport } from '../../src/routing/prepare-directory-import.ts';
import type { DirectoryStore, Store } from '../../src/store/contracts.ts';
import { openPostgresStore } from '../../src/store/postgres/store.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { costCentreLine, odsFiles, practiceMap } from '../support/ods-files.ts';

/**
 * What an import of the directory costs, as a process of its own: `directory-import.ts STORE FILE...`. It takes the files twice,
 * and prints what it measured as JSON.
 */
export interface DirectoryFigures {
  readonly lines: number;
  readonly first: DirectoryTaken;
  /** The same files once more. */
  readonly again: DirectoryTaken;
}

export interface DirectoryTaken {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Organisations that are new, or said otherwise than before. */
  readonly changes: number;
}

const PRACTICES = 6_129;
const COST_CENTRES = 15_389;

/** The published files where they lie beside the project; else two of the same size, made in a directory. */
export function directoryFiles(directory: string): {
  readonly files: string[];
  readonly arePublished: boolean;
} {
  if (odsFiles !== undefined) {
    const published = odsFiles;
    return { files: readdirSync(published).map((name) => join(published, name)), arePublished: true };
  }
  mkdirSync(directory, { recursive: true });
  const code = (nth: number): string => `${String.fromCharCode(65 + (nth % 26))}${10_000 + nth}`;
  const many = (count: number): string[] => Array.from({ length: count }, (_, nth) => code(nth));
  const centres = join(directory, 'epraccur_2026-02.csv');
  writeFileSync(
    centres,
    many(COST_CENTRES)
      .map((one) => costCentreLine({ code: one }))
      .join(''),
  );
  const map = join(directory, 'gp-reg-pat-prac-map_2026-08-01.csv');
  writeFileSync(map, practiceMap(many(PRACTICES).map((one) => [one, '07H', 'QM7'])));
  return { files: [centres, map], arePublished: false };
}

if (import.meta.main) {
  const [url = '', ...files] = process.argv.slice(2);
  const store: Store = await (url.startsWith('postgres:') ? openPostgresStore(url) : openSqliteStore(url));
  const first = await taken(store.directory, files);
  const again = await taken(store.directory, files);
  const { imports } = await store.directory.read();
  await store.close();
  const lines = imports.reduce((sum, one) => sum + one.lines, 0);
  console.log(JSON.stringify({ lines, first, again } satisfies DirectoryFigures));
}

/** As the command does it, from reading the files on. */
async function taken(store: DirectoryStore, files: readonly string[]): Promise<DirectoryTaken> {
  const before = process.cpuUsage();
  const started = performance.now();
  const now = Date.now();
  const today = new Date(now).toISOString().slice(0, 10);
  const given = files.map((name) =>
    datedFile({ file: basename(name), bytes: readFileSync(name) }, undefined, today),
  );
  const stored = await store.read();
  const prepared = prepareImport(stored, given, now);
  const changes = prepared.files.reduce((sum, file) => sum + file.changes.length, 0);
  if (prepared.files.some(({ isKnown }) => !isKnown)) {
    const generation = await store.replace(stored.generation, prepared.change);
    if (generation === undefined) throw new Error('the directory was not imported');
  }
  const { user, system } = process.cpuUsage(before);
  return { changes, seconds: (performance.now() - started) / 1000, cpuSeconds: (user + system) / 1e6 };
}
