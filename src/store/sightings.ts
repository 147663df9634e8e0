import type { CareLocation } from './contracts/care-locations.ts';

/**
 * Rows of the care-location index as bytes, one after another: 16 of the patient's digest, then the number of the place (organisation and
 * source), the first and the last day since 1970, four each, big-endian. In this form millions are sorted without an
 * object for any.
 */
export const ROW_BYTES = 28;
export const PATIENT_BYTES = 16;
const PLACE = PATIENT_BYTES;
const KEY_BYTES = PATIENT_BYTES + 4;
const FIRST = KEY_BYTES;
const LAST = KEY_BYTES + 4;

const DAY_MS = 86_400_000;
/** With as many rows, row and the first 32 bits of its key make one number that a double holds exactly. */
export const MOST_SORTED = 2 ** 21;
/** Rows of one patient, as a rule: that few are put in order on the spot. */
const FEW = 16;

/** Of a time in milliseconds since the epoch, the day (UTC), counted from 1970 on. */
export const dayOf = (ms: number): number => Math.floor(ms / DAY_MS);
export const dayStart = (day: number): number => day * DAY_MS;

export function isDigest(text: string): boolean {
  return /^[A-Za-z0-9_-]{22,}$/.test(text);
}

/**
 * The first 128 bits of a keyed digest: among 60 million patients the chance that any two share them is below 10^-22, and what
 * would follow is one region asked without a reason.
 *
 * @throws TypeError for what is no digest
 */
export function patientKey(digest: string): Buffer {
  if (!isDigest(digest)) throw new TypeError('a patient is named by a keyed digest in base64url');
  return Buffer.from(digest, 'base64url').subarray(0, PATIENT_BYTES);
}

export interface Sighting {
  readonly key: Buffer;
  readonly place: number;
  readonly firstDay: number;
  readonly lastDay: number;
}

export function writeSighting(rows: Buffer, at: number, { key, place, firstDay, lastDay }: Sighting): void {
  rows.set(key, at);
  rows.writeUInt32BE(place, at + PLACE);
  rows.writeInt32BE(firstDay, at + FIRST);
  rows.writeInt32BE(lastDay, at + LAST);
}

export function readSighting(rows: Buffer, at: number): Sighting {
  return {
    key: rows.subarray(at, at + PATIENT_BYTES),
    place: rows.readUInt32BE(at + PLACE),
    firstDay: rows.readInt32BE(at + FIRST),
    lastDay: rows.readInt32BE(at + LAST),
  };
}

/** Gives each row the number that its place has elsewhere. */
export function renumber(rows: Buffer, numbers: readonly number[]): void {
  for (let at = 0; at < rows.length; at += ROW_BYTES) {
    const number = numbers[rows.readUInt32BE(at + PLACE)];
    if (number === undefined) throw new TypeError('a place without a number');
    rows.writeUInt32BE(number, at + PLACE);
  }
}

/** @param numbers of the locations' places, in the same order */
export function packed(locations: readonly CareLocation[], numbers: readonly number[]): Buffer {
  const rows = Buffer.alloc(locations.length * ROW_BYTES);
  locations.forEach(({ patient, firstSeen, lastSeen }, nth) =>
    writeSighting(rows, nth * ROW_BYTES, {
      ...{ key: patientKey(patient), place: numbers[nth] ?? 0 },
      ...{ firstDay: dayOf(firstSeen), lastDay: dayOf(lastSeen) },
    }),
  );
  return rows;
}

/** The same rows in the order of patient and place, each pair once, as wide as all of it. @throws TypeError beyond MOST_SORTED */
export function sorted(rows: Buffer): Buffer {
  const count = rows.length / ROW_BYTES;
  if (count > MOST_SORTED) throw new TypeError('too many rows to be sorted at once');
  const order = new Float64Array(count);
  for (let nth = 0; nth < count; nth += 1)
    order[nth] = rows.readUInt32BE(nth * ROW_BYTES) * MOST_SORTED + nth;
  order.sort();
  const made = Buffer.allocUnsafe(rows.length);
  let end = 0;
  for (let from = 0; from < count;) {
    const prefix = Math.floor((order[from] ?? 0) / MOST_SORTED);
    let to = from + 1;
    while (to < count && Math.floor((order[to] ?? 0) / MOST_SORTED) === prefix) to += 1;
    const alike = Array.from(order.subarray(from, to), (one) => (one % MOST_SORTED) * ROW_BYTES);
    if (alike.length > FEW) alike.sort((one, other) => compared(rows, one, other));
    else putInOrder(rows, alike);
    for (const at of alike) end = appended(rows, at, made, end);
    from = to;
  }
  return made.subarray(0, end);
}

function compared(rows: Buffer, one: number, other: number): number {
  return rows.compare(rows, other, other + KEY_BYTES, one, one + KEY_BYTES);
}

function putInOrder(rows: Buffer, alike: number[]): void {
  for (let nth = 1; nth < alike.length; nth += 1) {
    const at = alike[nth] ?? 0;
    let place = nth - 1;
    for (; place >= 0 && compared(rows, alike[place] ?? 0, at) > 0; place -= 1)
      alike[place + 1] = alike[place] ?? 0;
    alike[place + 1] = at;
  }
}

/** @returns where what was made ends now */
function appended(rows: Buffer, at: number, made: Buffer, end: number): number {
  const before = end - ROW_BYTES;
  if (before < 0 || made.compare(rows, at, at + KEY_BYTES, before, before + KEY_BYTES) !== 0) {
    rows.copy(made, end, at, at + ROW_BYTES);
    return end + ROW_BYTES;
  }
  const first = Math.min(made.readInt32BE(before + FIRST), rows.readInt32BE(at + FIRST));
  const last = Math.max(made.readInt32BE(before + LAST), rows.readInt32BE(at + LAST));
  made.writeInt32BE(first, before + FIRST);
  made.writeInt32BE(last, before + LAST);
  return end;
}
