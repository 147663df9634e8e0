import type { QueryConfig } from 'pg';

import type { SealedValues } from '../contracts.ts';
import { workOf, type GrownLog, type NumberedEntry } from '../tree.ts';
import { sideBySide, toText, toTextOrNull } from './values.ts';

/** The statements that write what one append adds to a log, each for all entries at once. */
export function insertsOf(log: string, grown: GrownLog): QueryConfig<unknown[]>[] {
  const { closed, opened } = workOf(grown.entries);
  const sealed = grown.entries.flatMap(({ entry, sequence }) =>
    entry.sealed === undefined ? [] : [{ ...entry.sealed, sequence }],
  );
  return [
    insertEntries(log, grown.entries),
    ...(sealed.length === 0 ? [] : [insertSealed(log, sealed)]),
    ...(closed.length === 0 ? [] : [deleteWork(log, closed)]),
    ...(opened.length === 0 ? [] : [insertWork(log, opened)]),
    ...(grown.tiles.length === 0 ? [] : [upsertTiles(log, grown.tiles)]),
    {
      name: 'grow-log',
      text: 'UPDATE log SET size = $2, frontier = $3 WHERE log = $1',
      values: [log, grown.row.size, grown.row.frontier],
    },
  ];
}

function insertEntries(log: string, numbered: readonly NumberedEntry[]): QueryConfig<unknown[]> {
  const entries = numbered.map(({ entry }) => entry);
  const indexed = entries.map(({ index }) => index);
  const leaves = sideBySide(numbered.map(({ leaf }) => leaf));
  const hashes = sideBySide(numbered.map(({ leafHash }) => leafHash));
  return {
    name: 'insert-entries',
    text: `INSERT INTO log_entry (log, sequence, at, event, exchange, region, jti, patient, "user", organisation,
        outcome, break_glass, leaf, leaf_hash)
      SELECT $1, sequence, at, event, exchange, region, jti, patient, "user", organisation, outcome, break_glass,
        substring($13::bytea FROM leaf_from FOR leaf_size), substring($16::bytea FROM hash_from FOR hash_size)
      FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::text[], $10::text[], $11::text[], $12::int[], $14::int[], $15::int[], $17::int[], $18::int[])
        AS given (sequence, at, event, exchange, region, jti, patient, "user", organisation, outcome, break_glass,
          leaf_from, leaf_size, hash_from, hash_size)`,
    values: [
      log,
      numbered.map(({ sequence }) => sequence),
      entries.map(({ at }) => Math.floor(at)),
      entries.map(({ event }) => toText(event)),
      entries.map(({ exchange }) => toText(exchange)),
      indexed.map(({ region }) => toTextOrNull(region)),
      indexed.map(({ jti }) => toTextOrNull(jti)),
      indexed.map(({ patient }) => toTextOrNull(patient)),
      indexed.map(({ user }) => toTextOrNull(user)),
      indexed.map(({ organisation }) => toTextOrNull(organisation)),
      indexed.map(({ outcome }) => toTextOrNull(outcome)),
      indexed.map(({ breakGlass }) => (breakGlass === true ? 1 : 0)),
      ...leaves,
      ...hashes,
    ],
  };
}

function insertSealed(
  log: string,
  sealed: readonly (SealedValues & { readonly sequence: number })[],
): QueryConfig<unknown[]> {
  const keys = sideBySide(sealed.map(({ wrappedKey }) => wrappedKey));
  const ciphertexts = sideBySide(sealed.map(({ ciphertext }) => ciphertext));
  return {
    name: 'insert-sealed',
    text: `INSERT INTO log_sealed (log, sequence, wrapped_by, wrapped_key, ciphertext)
      SELECT $1, sequence, wrapped_by, substring($4::bytea FROM key_from FOR key_size),
        substring($7::bytea FROM text_from FOR text_size)
      FROM unnest($2::bigint[], $3::text[], $5::int[], $6::int[], $8::int[], $9::int[])
        AS given (sequence, wrapped_by, key_from, key_size, text_from, text_size)`,
    values: [
      log,
      sealed.map(({ sequence }) => sequence),
      sealed.map(({ wrappedBy }) => wrappedBy),
      ...keys,
      ...ciphertexts,
    ],
  };
}

function deleteWork(log: string, closed: readonly string[]): QueryConfig<unknown[]> {
  return {
    name: 'delete-work',
    text: 'DELETE FROM open_work WHERE log = $1 AND exchange = ANY ($2::text[])',
    values: [log, closed.map(toText)],
  };
}

function insertWork(
  log: string,
  opened: readonly { readonly exchange: string; readonly sequence: number }[],
): QueryConfig<unknown[]> {
  return {
    name: 'insert-work',
    text: `INSERT INTO open_work (log, exchange, sequence)
      SELECT $1, * FROM unnest($2::text[], $3::bigint[]) ON CONFLICT DO NOTHING`,
    values: [log, opened.map(({ exchange }) => toText(exchange)), opened.map(({ sequence }) => sequence)],
  };
}

function upsertTiles(log: string, tiles: GrownLog['tiles']): QueryConfig<unknown[]> {
  return {
    name: 'upsert-tiles',
    text: `INSERT INTO log_tile (log, level, tile, hashes)
      SELECT $1, * FROM unnest($2::int[], $3::bigint[], $4::bytea[])
      ON CONFLICT (log, level, tile) DO UPDATE SET hashes = excluded.hashes`,
    values: [
      log,
      tiles.map(({ level }) => level),
      tiles.map(({ index }) => index),
      tiles.map(({ hashes }) => hashes),
    ],
  };
}
