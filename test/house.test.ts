import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

import { CONCRETE_STORE, DOORS, FURNITURE, MAY_IMPORT } from './house.ts';

const SRC = resolve(import.meta.dirname, '../src');
const IMPORT = /(?:^|\n)\s*(?:import|export)\s(?:[^;]*?\sfrom\s)?\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/g;

interface Import {
  readonly from: string;
  readonly target: string;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) =>
  /\.(ts|js)$/.test(name),
);

function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  return [...text.matchAll(IMPORT)].map((found) => ({ from: file, target: found[1] ?? found[2] ?? '' }));
}

/** The room of a path below `src/`: its folder, or the file's own name at the top. */
function roomOf(path: string): string {
  return (path.split('/')[0] ?? '').replace(/\.(ts|js)$/, '');
}

function insideSrc({ from, target }: Import): string | undefined {
  if (!target.startsWith('.')) return undefined;
  const path = relative(SRC, resolve(SRC, dirname(from), target));
  return path.startsWith('..') ? undefined : path;
}

const imports = files.flatMap(importsOf);

describe('the house', () => {
  it('has every room in the table, and no room in the table is missing', () => {
    assert.deepEqual([...new Set(files.map(roomOf))].sort(), Object.keys(MAY_IMPORT).sort());
  });

  it('rooms import only the rooms that they may', () => {
    const wrong = imports.filter((one) => {
      const path = insideSrc(one);
      if (path === undefined) return false;
      const [room, other] = [roomOf(one.from), roomOf(path)];
      return room !== other && !FURNITURE.includes(other) && !MAY_IMPORT[room]?.includes(other);
    });
    assert.deepEqual(wrong, []);
  });

  it('each dependency comes in by its own door', () => {
    const wrong = imports.filter(({ from, target }) => {
      const name = Object.keys(DOORS).find((door) => target === door || target.startsWith(`${door}/`));
      return name !== undefined && !DOORS[name]?.includes(roomOf(from));
    });
    assert.deepEqual(wrong, []);
  });

  it('only the composition root imports a concrete store', () => {
    const wrong = imports.filter((one) => {
      const path = insideSrc(one);
      const concrete = CONCRETE_STORE.folders.some((folder) =>
        path?.startsWith(`${CONCRETE_STORE.room}/${folder}/`),
      );
      return (
        concrete &&
        roomOf(one.from) !== CONCRETE_STORE.room &&
        !CONCRETE_STORE.importedBy.includes(roomOf(one.from))
      );
    });
    assert.deepEqual(wrong, []);
  });

  it('has no cycles between files', () => {
    const graph = Map.groupBy(imports, ({ from }) => from);
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): void => {
      assert.ok(!path.includes(file), `cycle: ${[...path, file].join(' -> ')}`);
      if (done.has(file)) return;
      for (const one of graph.get(file) ?? []) {
        const next = insideSrc(one);
        if (next !== undefined) visit(next, [...path, file]);
      }
      done.add(file);
    };
    for (const file of files) visit(file, []);
  });
});
