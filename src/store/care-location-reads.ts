import type { CareLocation } from './contracts.ts';
import { dayStart } from './sightings.ts';

const MOST_LOCATIONS = 200;

/**
 * A patient's locations in both stores, for one parameter. Sources take turns, and within each the organisations by their first three
 * characters, those last seen first: however many sites one source names of one organisation, the places of others are read.
 *
 * @param places how a sighting's place is joined to it
 */
export const locationsOf = (patient: '?' | '$1', places: string): string =>
  `SELECT organisation, source, first_day, last_day FROM (
    SELECT *, row_number() OVER (PARTITION BY source ORDER BY nth, last_day DESC, organisation) AS turn FROM (
      SELECT organisation, source, first_day, last_day, row_number() OVER
        (PARTITION BY source, substr(organisation, 1, 3) ORDER BY last_day DESC, organisation) AS nth
      FROM care_sighting ${places} WHERE patient = ${patient}
    ) AS by_organisation
  ) AS in_turn ORDER BY turn, last_day DESC, organisation, source LIMIT ${MOST_LOCATIONS}`;

export interface LocationRow {
  readonly organisation: string;
  readonly source: string;
  readonly first_day: number;
  readonly last_day: number;
}

export function locationOf(patient: string, row: LocationRow): CareLocation {
  return {
    ...{ patient, organisation: row.organisation, source: row.source },
    ...{ firstSeen: dayStart(row.first_day), lastSeen: dayStart(row.last_day) },
  };
}

/** What was found under each digest as one list. */
export function lastSeenFirst(found: readonly CareLocation[]): CareLocation[] {
  return found.toSorted(
    (one, other) =>
      other.lastSeen - one.lastSeen ||
      compared(one.organisation, other.organisation) ||
      compared(one.source, other.source),
  );
}

function compared(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** A place in the walk over the index: the patient before it, in hexadecimal. */
export const cursorOf = (patient: Uint8Array): string => Buffer.from(patient).toString('hex');
export const placeOf = (cursor: string): Buffer => Buffer.from(cursor, 'hex');
