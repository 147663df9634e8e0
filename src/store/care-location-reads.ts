import type { CareLocation } from './contracts.ts';
import { dayStart } from './sightings.ts';

export const MOST_LOCATIONS = 200;

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
  return found
    .toSorted(
      (one, other) =>
        other.lastSeen - one.lastSeen ||
        compared(one.organisation, other.organisation) ||
        compared(one.source, other.source),
    )
    .slice(0, MOST_LOCATIONS);
}

function compared(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** A place in the walk over the index: the patient before it, in hexadecimal. */
export const cursorOf = (patient: Uint8Array): string => Buffer.from(patient).toString('hex');
export const placeOf = (cursor: string): Buffer => Buffer.from(cursor, 'hex');
