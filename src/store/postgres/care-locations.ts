import type { Pool } from 'pg';

import { cursorOf, lastSeenFirst, locationOf, locationsOf, placeOf } from '../care-location-reads.ts';
import type { LocationRow } from '../care-location-reads.ts';
import type { CareLocation, CareLocationStore, CarePlace, Merged, Tallied } from '../contracts.ts';
import {
  dayOf,
  dayStart,
  packed,
  PATIENT_BYTES,
  patientKey,
  readSighting,
  ROW_BYTES,
  sorted,
} from '../sightings.ts';
import { withClient } from './connection.ts';
import { toText } from './values.ts';

/** Rows of one statement of a merge: some tens of milliseconds, which hold nobody up but who writes the same rows. */
const AT_ONCE = 8_192;
/** So many statements of a merge at the same time. */
const LANES = 2;

/** The care-location index in PostgreSQL. @param or tells what fails as one of the house's codes */
export function postgresCareLocations(
  pool: Pool,
  or: <Result>(action: () => Promise<Result>) => Promise<Result>,
): CareLocationStore {
  return {
    record: (locations) =>
      or(async () => {
        if (locations.length === 0) return;
        const numbers = await numbersOf(pool, locations);
        await merge(pool, sorted(packed(locations, numbers)));
      }),
    of: (patients) => or(() => readLocations(pool, patients)),
    numbersOf: (places) => or(() => numbersOf(pool, places)),
    merge: (rows) => or(() => mergeSideBySide(pool, rows.subarray(0, LANES * AT_ONCE * ROW_BYTES))),
    settle: () => settle(pool),
    forget: (before, after, limit) => or(() => forget(pool, before, after, limit)),
    tally: (after, limit) => or(() => tally(pool, after, limit)),
  };
}

/** Of sorted rows each takes a part of the key's order: neither waits for the other, and one flushes while the other works. */
async function mergeSideBySide(pool: Pool, rows: Buffer): Promise<Merged> {
  const bytes = Math.ceil(rows.length / ROW_BYTES / LANES) * ROW_BYTES;
  const parts = Array.from({ length: LANES }, (_, nth) => rows.subarray(nth * bytes, (nth + 1) * bytes));
  const merged = await Promise.all(parts.filter(({ length }) => length > 0).map((part) => merge(pool, part)));
  return merged.reduce(
    (sum, { taken, added, widened }) => ({
      taken: sum.taken + taken,
      added: sum.added + added,
      widened: sum.widened + widened,
    }),
    { taken: 0, added: 0, widened: 0 },
  );
}

/** One statement: all or nothing. */
async function merge(pool: Pool, rows: Buffer): Promise<Merged> {
  const count = rows.length / ROW_BYTES;
  const keys = Buffer.allocUnsafe(count * PATIENT_BYTES);
  const [places, firstDays, lastDays] = [
    new Array<number>(count),
    new Array<number>(count),
    new Array<number>(count),
  ];
  for (let nth = 0; nth < count; nth += 1) {
    const { key, place, firstDay, lastDay } = readSighting(rows, nth * ROW_BYTES);
    keys.set(key, nth * PATIENT_BYTES);
    places[nth] = place;
    firstDays[nth] = firstDay;
    lastDays[nth] = lastDay;
  }
  const { rows: told } = await pool.query<{ added: number; changed: number }>({
    name: 'merge-sightings',
    text: `WITH given AS (
        SELECT substring($1::bytea FROM ((nth - 1) * ${PATIENT_BYTES} + 1)::int FOR ${PATIENT_BYTES}) AS patient,
          place, first_day, last_day
        FROM unnest($2::int[], $3::int[], $4::int[]) WITH ORDINALITY AS packed (place, first_day, last_day, nth)
      ), merged AS (
        INSERT INTO care_sighting (patient, place, first_day, last_day)
        SELECT patient, place, first_day, last_day FROM given ORDER BY patient, place
        ON CONFLICT (patient, place) DO UPDATE SET
          first_day = least(care_sighting.first_day, excluded.first_day),
          last_day = greatest(care_sighting.last_day, excluded.last_day)
          WHERE excluded.first_day < care_sighting.first_day OR excluded.last_day > care_sighting.last_day
        RETURNING (xmax = 0) AS added
      ) SELECT count(*) FILTER (WHERE added)::int AS added, count(*)::int AS changed FROM merged`,
    values: [keys, arrayOf(places), arrayOf(firstDays), arrayOf(lastDays)],
  });
  const { added = 0, changed = 0 } = told[0] ?? {};
  return { taken: count, added, widened: changed - added };
}

/**
 * Without statistics the planner takes a patient for a two-hundredth of all rows and reads the whole table; and a connection keeps such
 * a plan where the server's own vacuum came to know of the new rows before its own analysis. It mends itself in time: so nothing is
 * lost where this fails.
 */
async function settle(pool: Pool): Promise<void> {
  await pool.query('ANALYZE care_sighting, care_place').catch(() => undefined);
}

/** Written at once: the driver would quote each number. */
const arrayOf = (numbers: readonly number[]): string => `{${numbers.join(',')}}`;

async function numbersOf(pool: Pool, places: readonly CarePlace[]): Promise<number[]> {
  const wanted = places.map(({ organisation, source }): CarePlace => ({
    ...{ organisation: toText(organisation), source: toText(source) },
  }));
  const distinct = [...new Map(wanted.map((place) => [keyOf(place), place])).values()];
  let known = await knownOf(pool, distinct);
  const missing = distinct.filter((place) => !known.has(keyOf(place)));
  if (missing.length > 0) {
    await number(pool, missing);
    known = await knownOf(pool, distinct);
  }
  return wanted.map((place) => known.get(keyOf(place)) ?? unnumbered());
}

async function knownOf(pool: Pool, places: readonly CarePlace[]): Promise<Map<string, number>> {
  const { rows } = await pool.query<CarePlace & { id: number }>({
    name: 'care-places',
    text: `SELECT id, organisation, source FROM care_place
      WHERE (organisation, source) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
    values: arrays(places),
  });
  return new Map(rows.map((row) => [keyOf(row), row.id]));
}

/** One replica after another: numbers are given without gaps, and by no sequence, which a copy of the table would not have. */
function number(pool: Pool, places: readonly CarePlace[]): Promise<void> {
  return withClient(pool, async (client) => {
    await client.query('BEGIN');
    await client.query('LOCK TABLE care_place IN SHARE ROW EXCLUSIVE MODE');
    await client.query(
      `INSERT INTO care_place (id, organisation, source)
        SELECT (SELECT coalesce(max(id), 0) FROM care_place) + row_number() OVER (), organisation, source
        FROM unnest($1::text[], $2::text[]) AS given (organisation, source)
        WHERE NOT EXISTS (SELECT FROM care_place AS known
          WHERE known.organisation = given.organisation AND known.source = given.source)`,
      arrays(places),
    );
    await client.query('COMMIT');
  });
}

const arrays = (places: readonly CarePlace[]): string[][] => [
  places.map(({ organisation }) => organisation),
  places.map(({ source }) => source),
];

const keyOf = ({ organisation, source }: CarePlace): string => JSON.stringify([organisation, source]);

function unnumbered(): never {
  throw new Error('a place was given no number');
}

/** Place by place: the planner would rather read all places for a patient's three. */
const BY_NUMBER =
  'CROSS JOIN LATERAL (SELECT organisation, source FROM care_place WHERE id = place OFFSET 0) AS known';

async function readLocations(pool: Pool, patients: readonly string[]): Promise<CareLocation[]> {
  const distinct = [...new Set(patients)];
  const found = await Promise.all(
    distinct.map(async (patient) => {
      const { rows } = await pool.query<LocationRow>({
        name: 'care-locations',
        text: locationsOf('$1', BY_NUMBER),
        values: [patientKey(patient)],
      });
      return rows.map((row) => locationOf(patient, row));
    }),
  );
  return lastSeenFirst(found.flat());
}

async function forget(
  pool: Pool,
  before: number,
  after: string,
  limit: number,
): Promise<{ forgotten: number; next: string | undefined }> {
  const next = await boundOf(pool, after, limit);
  if (next === undefined) return { forgotten: 0, next };
  const { rowCount } = await pool.query({
    name: 'forget-sightings',
    text: 'DELETE FROM care_sighting WHERE patient > $1 AND patient <= $2 AND last_day < $3',
    values: [placeOf(after), placeOf(next), dayOf(before)],
  });
  return { forgotten: rowCount ?? 0, next };
}

async function tally(pool: Pool, after: string, limit: number): Promise<Tallied> {
  const next = await boundOf(pool, after, limit);
  if (next === undefined) return { patients: 0, places: [], next };
  const span = [placeOf(after), placeOf(next)];
  const within = 'FROM care_sighting WHERE patient > $1 AND patient <= $2';
  const { rows: counted } = await pool.query<{ patients: number }>(
    `SELECT count(DISTINCT patient) AS patients ${within}`,
    span,
  );
  const { rows } = await pool.query<LocationRow & { rows: number }>(
    `SELECT organisation, source, rows, first_day, last_day
      FROM (SELECT place, count(*) AS rows, min(first_day) AS first_day, max(last_day) AS last_day ${within} GROUP BY place)
        AS counted JOIN care_place ON id = place`,
    span,
  );
  return {
    patients: counted[0]?.patients ?? 0,
    places: rows.map(({ organisation, source, rows: count, first_day, last_day }) => ({
      ...{ organisation, source, rows: count },
      ...{ firstSeen: dayStart(first_day), lastSeen: dayStart(last_day) },
    })),
    next,
  };
}

/** The last patient of a step: each step takes whole patients. */
async function boundOf(pool: Pool, after: string, limit: number): Promise<string | undefined> {
  const { rows } = await pool.query<{ patient: Buffer }>({
    name: 'sightings-bound',
    text: `SELECT patient FROM (SELECT patient FROM care_sighting WHERE patient > $1 ORDER BY patient LIMIT $2) AS step
      ORDER BY patient DESC LIMIT 1`,
    values: [placeOf(after), limit],
  });
  return rows[0] === undefined ? undefined : cursorOf(rows[0].patient);
}
