import { closeSync, openSync, rmSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

import { StartError } from '../../errors.ts';
import type { SightingStage } from '../contracts/sighting-stage.ts';
import { ROW_BYTES, sorted, writeSighting, type Sighting } from '../sightings.ts';

/** One for each first byte of a patient's digest. */
const PARTS = 256;
/** Rows of one part that are written at once: 64 KB. */
const CHUNK_ROWS = 2_340;
/** Rows that are sorted at once: 14 MB. A part of 60 million patients with three rows each has not as many twice. */
const SORTED_ROWS = 2 ** 19;

/**
 * Makes or opens a stage.
 *
 * @throws StartError when it cannot be made, or another process has it
 */
export function openSqliteStage(file: string): SightingStage {
  try {
    closeSync(openSync(file, 'a', 0o600));
    return new SqliteStage(file);
  } catch (error) {
    const code: unknown = (error as { errcode?: unknown }).errcode;
    if (code === 5) {
      throw new StartError(
        `${file} is in use: another command imports the same file. Wait until it is done.`,
      );
    }
    throw new StartError(
      `${file} cannot be written: see that its directory can be written and has room, or delete it if it is damaged.`,
      { cause: error },
    );
  }
}

class SqliteStage implements SightingStage {
  readonly parts = PARTS;
  readonly #file: string;
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #setState: StatementSync;
  readonly #chunks: StatementSync;
  readonly #buffers = Array.from({ length: PARTS }, () => Buffer.allocUnsafe(CHUNK_ROWS * ROW_BYTES));
  readonly #filled = new Uint32Array(PARTS);

  constructor(file: string) {
    this.#file = file;
    this.#database = new DatabaseSync(file, { timeout: 0 });
    this.#database.exec(
      'PRAGMA page_size = 65536; PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = NORMAL; BEGIN EXCLUSIVE; ' +
        'CREATE TABLE IF NOT EXISTS state (only_one INTEGER PRIMARY KEY, told TEXT NOT NULL); ' +
        'CREATE TABLE IF NOT EXISTS chunk (part INTEGER NOT NULL, rows BLOB NOT NULL); ' +
        'CREATE INDEX IF NOT EXISTS chunk_of_part ON chunk (part); COMMIT; BEGIN',
    );
    this.#insert = this.#database.prepare('INSERT INTO chunk (part, rows) VALUES (?, ?)');
    this.#setState = this.#database.prepare('INSERT OR REPLACE INTO state (only_one, told) VALUES (1, ?)');
    this.#chunks = this.#database.prepare('SELECT rows FROM chunk WHERE part = ? ORDER BY rowid');
  }

  state(): string | undefined {
    const told = this.#database.prepare('SELECT told FROM state').get()?.['told'];
    return typeof told === 'string' ? told : undefined;
  }

  add(sighting: Sighting): void {
    const part = sighting.key[0] ?? 0;
    const filled = this.#filled[part] ?? 0;
    const buffer = this.#buffers[part];
    if (buffer === undefined) return;
    writeSighting(buffer, filled * ROW_BYTES, sighting);
    this.#filled[part] = filled + 1;
    if (filled + 1 === CHUNK_ROWS) this.#write(part);
  }

  mark(state: string): void {
    for (let part = 0; part < PARTS; part += 1) this.#write(part);
    this.#setState.run(state);
    this.#database.exec('COMMIT; BEGIN');
  }

  *rowsOf(part: number): Generator<Buffer, void, undefined> {
    let chunks: Uint8Array[] = [];
    let rows = 0;
    for (const chunk of this.#chunks.iterate(part)) {
      const bytes = chunk['rows'] as Uint8Array;
      if (rows + bytes.length / ROW_BYTES > SORTED_ROWS) {
        yield sorted(Buffer.concat(chunks));
        [chunks, rows] = [[], 0];
      }
      chunks.push(bytes);
      rows += bytes.length / ROW_BYTES;
    }
    if (rows > 0) yield sorted(Buffer.concat(chunks));
  }

  close(): void {
    this.#database.close();
  }

  remove(): void {
    this.close();
    for (const name of [this.#file, `${this.#file}-journal`]) rmSync(name, { force: true });
  }

  #write(part: number): void {
    const filled = this.#filled[part] ?? 0;
    const buffer = this.#buffers[part];
    if (filled === 0 || buffer === undefined) return;
    this.#insert.run(part, buffer.subarray(0, filled * ROW_BYTES));
    this.#filled[part] = 0;
  }
}
