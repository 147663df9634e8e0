import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';

import { cursorOf, lastSeenFirst, locationOf, locationsOf, placeOf } from '../care-location-reads.ts';
import type { LocationRow } from '../care-location-reads.ts';
import type { CareLocation, CareLocationStore, CarePlace, Merged, Tallied } from '../contracts.ts';
import { dayOf, dayStart, packed, patientKey, readSighting, ROW_BYTES, sorted } from '../sightings.ts';

/** How long one transaction of a merge holds up whoever else writes to the file, and how often it looks. */
const HOLDS_MS = 10;
const LOOK_ROWS = 64;
/** How long nobody writes between two of them: whoever waits for the file has its turn. */
const RESTS_MS = 10;

/**
 * The care-location index in SQLite: one tree, whose rows lie in the order of patient and place, so that what is sorted is
 * written page after page and a patient's rows are read from one.
 *
 * @param database of the `CommitQueue` that `commit` is of
 * @param reader for what only reads
 */
export function sqliteCareLocations(
  database: DatabaseSync,
  reader: DatabaseSync,
  commit: <Result>(write: () => Result) => Promise<Result>,
  read: <Result>(action: () => Result) => Promise<Result>,
): CareLocationStore {
  // Prepared when first used: a backup of before these tables is opened too.
  const write = lazily(() => new Writes(database));
  const reads = lazily(() => new Reads(reader));
  return {
    record: async (locations) => {
      if (locations.length === 0) return;
      await commit(() => {
        const numbers = locations.map((location) => write().numberOf(location));
        write().merge(sorted(packed(locations, numbers)), Infinity);
      });
    },
    of: (patients) => read(() => reads().of(patients)),
    numbersOf: (places) => commit(() => places.map((place) => write().numberOf(place))),
    merge: async (rows) => {
      const merged = await commit(() => write().merge(rows, HOLDS_MS));
      await pause(RESTS_MS);
      return merged;
    },
    // Every statement says itself in which order it reads.
    settle: () => Promise.resolve(),
    forget: (before, after, limit) => commit(() => write().forget(before, after, limit)),
    tally: (after, limit) => read(() => reads().tally(after, limit)),
  };
}

class Writes {
  readonly #number: StatementSync;
  readonly #newPlace: StatementSync;
  readonly #add: StatementSync;
  readonly #widen: StatementSync;
  readonly #forget: StatementSync;
  readonly #bound: StatementSync;

  constructor(database: DatabaseSync) {
    this.#number = database.prepare('SELECT id FROM care_place WHERE organisation = ? AND source = ?');
    this.#newPlace = database.prepare('INSERT INTO care_place (organisation, source) VALUES (?, ?)');
    this.#add = database.prepare(
      'INSERT INTO care_sighting (patient, place, first_day, last_day) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#widen = database.prepare(
      'UPDATE care_sighting SET first_day = min(first_day, ?3), last_day = max(last_day, ?4) ' +
        'WHERE patient = ?1 AND place = ?2 AND (first_day > ?3 OR last_day < ?4)',
    );
    this.#bound = database.prepare(BOUND);
    this.#forget = database.prepare(
      'DELETE FROM care_sighting WHERE patient > ? AND patient <= ? AND last_day < ?',
    );
  }

  numberOf({ organisation, source }: CarePlace): number {
    const known = this.#number.get(organisation, source)?.['id'];
    if (known !== undefined) return Number(known);
    return Number(this.#newPlace.run(organisation, source).lastInsertRowid);
  }

  merge(rows: Buffer, holdsMs: number): Merged {
    const until = performance.now() + holdsMs;
    const count = rows.length / ROW_BYTES;
    let [taken, added, widened] = [0, 0, 0];
    while (taken < count && (taken % LOOK_ROWS !== 0 || taken === 0 || performance.now() < until)) {
      const { key, place, firstDay, lastDay } = readSighting(rows, taken * ROW_BYTES);
      const isNew = this.#add.run(key, place, firstDay, lastDay).changes === 1;
      if (isNew) added += 1;
      else if (this.#widen.run(key, place, firstDay, lastDay).changes === 1) widened += 1;
      taken += 1;
    }
    return { taken, added, widened };
  }

  forget(before: number, after: string, limit: number): { forgotten: number; next: string | undefined } {
    const bound = boundOf(this.#bound, after, limit);
    if (bound === undefined) return { forgotten: 0, next: undefined };
    const { changes } = this.#forget.run(placeOf(after), placeOf(bound), dayOf(before));
    return { forgotten: Number(changes), next: bound };
  }
}

class Reads {
  readonly #of: StatementSync;
  readonly #bound: StatementSync;
  readonly #tally: StatementSync;
  readonly #patients: StatementSync;

  constructor(reader: DatabaseSync) {
    this.#of = reader.prepare(locationsOf('?', 'CROSS JOIN care_place ON id = place'));
    this.#bound = reader.prepare(BOUND);
    this.#tally = reader.prepare(
      'SELECT organisation, source, count(*) AS rows, min(first_day) AS first_day, max(last_day) AS last_day ' +
        'FROM care_sighting CROSS JOIN care_place ON id = place WHERE patient > ? AND patient <= ? GROUP BY place',
    );
    this.#patients = reader.prepare(
      'SELECT count(*) AS patients FROM (SELECT 1 FROM care_sighting WHERE patient > ? AND patient <= ? GROUP BY patient)',
    );
  }

  of(patients: readonly string[]): CareLocation[] {
    const found = [...new Set(patients)].flatMap((patient) =>
      this.#of.all(patientKey(patient)).map((row) => locationOf(patient, row as unknown as LocationRow)),
    );
    return lastSeenFirst(found);
  }

  tally(after: string, limit: number): Tallied {
    const next = boundOf(this.#bound, after, limit);
    if (next === undefined) return { patients: 0, places: [], next };
    const span = [placeOf(after), placeOf(next)];
    const rows = this.#tally.all(...span) as unknown as (LocationRow & { readonly rows: number })[];
    return {
      patients: Number(this.#patients.get(...span)?.['patients']),
      places: rows.map(({ organisation, source, rows: count, first_day, last_day }) => ({
        ...{ organisation, source, rows: count },
        ...{ firstSeen: dayStart(first_day), lastSeen: dayStart(last_day) },
      })),
      next,
    };
  }
}

/** The last patient of a step: each step takes whole patients. */
const BOUND =
  'SELECT max(patient) AS bound FROM (SELECT patient FROM care_sighting WHERE patient > ? ORDER BY patient LIMIT ?)';

function boundOf(statement: StatementSync, after: string, limit: number): string | undefined {
  const bound = statement.get(placeOf(after), limit)?.['bound'];
  return bound instanceof Uint8Array ? cursorOf(bound) : undefined;
}

function lazily<Made>(make: () => Made): () => Made {
  let made: Made | undefined;
  return () => (made ??= make());
}
