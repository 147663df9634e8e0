import { setTimeout as pause } from 'node:timers/promises';
import { sql, type Kysely, type Transaction } from 'kysely';

import type { DirectoryChange, DirectoryStore, DirectoryVersion, StoredDirectory } from './contracts.ts';
import { orHouseError } from './failures.ts';
import type { Tables } from './schema.ts';

/** Rows written in one transaction: a few milliseconds of it. */
const ROWS_AT_ONCE = 250;
/** Between two of them, so that other writers get in. */
const PAUSE_MS = 4;
const ROWS_READ_AT_ONCE = 2_000;

/** Somebody else has begun to change the directory, or has changed it. */
class Overtaken extends Error {}

/** The imported directory, the same in every store: rarely written, and so the plain way. */
export function directoryStore(db: Kysely<Tables>): DirectoryStore {
  return {
    generation: () => orHouseError('store-unavailable', () => generationOf(db)),
    read: () => orHouseError('store-unavailable', () => readWhole(db)),
    replace: (base, change, onProgress) =>
      orHouseError('store-unavailable', () => replaceAll(db, base, change, onProgress)),
  };
}

async function generationOf(db: Kysely<Tables>): Promise<number> {
  const row = await db.selectFrom('directory_generation').select('generation').executeTakeFirst();
  return row?.generation ?? 0;
}

/** Page by page; begun anew where the generation changed meanwhile, whose rows the next change deletes. */
async function readWhole(db: Kysely<Tables>): Promise<StoredDirectory> {
  for (;;) {
    const generation = await generationOf(db);
    const versions: DirectoryVersion[] = [];
    for (;;) {
      const page = await versionsAfter(db, generation, versions.at(-1));
      versions.push(...page);
      if (page.length < ROWS_READ_AT_ONCE) break;
    }
    const imports = await db
      .selectFrom('directory_import')
      .selectAll()
      .orderBy('date')
      .orderBy('kind')
      .orderBy('at')
      .execute();
    if ((await generationOf(db)) === generation) return { generation, versions, imports };
  }
}

function versionsAfter(
  db: Kysely<Tables>,
  generation: number,
  last: DirectoryVersion | undefined,
): Promise<DirectoryVersion[]> {
  const { code, kind, seen } = last ?? { code: '', kind: '', seen: '' };
  return db
    .selectFrom('directory_version')
    .select(['code', 'kind', 'seen', 'facts'])
    .where(sql<boolean>`(code, kind, seen) > (${code}, ${kind}, ${seen})`)
    .where('added', '<=', generation)
    .where((or) => or.or([or('removed', 'is', null), or('removed', '>', generation)]))
    .orderBy('code')
    .orderBy('kind')
    .orderBy('seen')
    .limit(ROWS_READ_AT_ONCE)
    .execute();
}

/**
 * Rows of the generation to come are written beside those that count, each step only while nobody else has claimed the
 * directory; the last step makes them count. What an unfinished change left is cleaned up by the next.
 */
async function replaceAll(
  db: Kysely<Tables>,
  base: number,
  change: DirectoryChange,
  onProgress: (done: number) => void = () => undefined,
): Promise<number | undefined> {
  try {
    const claim = await claimAfter(db, base);
    await cleanUp(db, claim, base);
    let done = 0;
    const inSteps = async (
      versions: readonly DirectoryVersion[],
      write: (step: Transaction<Tables>, part: readonly DirectoryVersion[]) => Promise<unknown>,
    ): Promise<void> => {
      for (let from = 0; from < versions.length; from += ROWS_AT_ONCE) {
        const part = versions.slice(from, from + ROWS_AT_ONCE);
        await whileClaimed(db, claim, (step) => write(step, part));
        onProgress((done += part.length));
        await pause(PAUSE_MS);
      }
    };
    await inSteps(change.remove, (step, part) => markRemoved(step, part, base, claim));
    await inSteps(change.add, (step, part) => {
      const rows = part.map(({ code, kind, seen, facts }) => ({ code, kind, seen, facts, added: claim }));
      return step.insertInto('directory_version').values(rows).execute();
    });
    await whileClaimed(db, claim, async (step) => {
      for (const one of change.imports) {
        const values = { ...one, at: Math.floor(one.at) };
        const told = { file: one.file, lines: one.lines, refused: one.refused, at: values.at };
        await step
          .insertInto('directory_import')
          .values(values)
          .onConflict((conflict) => conflict.columns(['kind', 'date', 'sha256']).doUpdateSet(told))
          .execute();
      }
      await step.updateTable('directory_generation').set({ generation: claim }).execute();
    });
    return claim;
  } catch (error) {
    if (error instanceof Overtaken) return undefined;
    throw error;
  }
}

/** The number of the generation to come: whoever claims later has a higher one, and alone may go on. */
async function claimAfter(db: Kysely<Tables>, base: number): Promise<number> {
  await db
    .insertInto('directory_generation')
    .values({ only: 1, generation: 0, claim: 0 })
    .onConflict((conflict) => conflict.column('only').doNothing())
    .execute();
  const row = await db
    .updateTable('directory_generation')
    .set((eb) => ({ claim: eb('claim', '+', 1) }))
    .where('generation', '=', base)
    .returning('claim')
    .executeTakeFirst();
  if (row === undefined) throw new Overtaken();
  return row.claim;
}

/** What an unfinished change added or marked, and what counts for nobody any more. */
async function cleanUp(db: Kysely<Tables>, claim: number, base: number): Promise<void> {
  const deleteSome = (where: 'added' | 'removed', is: '>' | '<='): Promise<number> =>
    whileClaimed(db, claim, async (step) => {
      const some = step
        .selectFrom('directory_version')
        .select(['code', 'kind', 'seen', 'added'])
        .where(where, is, base)
        .limit(ROWS_AT_ONCE);
      const { numDeletedRows } = await step
        .deleteFrom('directory_version')
        .where(sql<boolean>`(code, kind, seen, added) in (${some})`)
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    });
  while ((await deleteSome('added', '>')) > 0);
  await whileClaimed(db, claim, (step) =>
    step.updateTable('directory_version').set({ removed: null }).where('removed', '>', base).execute(),
  );
  while ((await deleteSome('removed', '<=')) > 0);
}

async function markRemoved(
  step: Transaction<Tables>,
  versions: readonly DirectoryVersion[],
  base: number,
  claim: number,
): Promise<void> {
  const keys = versions.map(({ code, kind, seen }) => sql`(${code}, ${kind}, ${seen})`);
  await step
    .updateTable('directory_version')
    .set({ removed: claim })
    .where(sql<boolean>`(code, kind, seen) in (${sql.join(keys)})`)
    .where('added', '<=', base)
    .where('removed', 'is', null)
    .execute();
}

function whileClaimed<Result>(
  db: Kysely<Tables>,
  claim: number,
  work: (step: Transaction<Tables>) => Promise<Result>,
): Promise<Result> {
  return db.transaction().execute(async (step) => {
    // Written, not read: it is held against whoever claims now, and SQLite takes its lock before it reads.
    const { numUpdatedRows } = await step
      .updateTable('directory_generation')
      .set({ claim })
      .where('claim', '=', claim)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) throw new Overtaken();
    return await work(step);
  });
}
