import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { readSighting, ROW_BYTES, sorted, writeSighting, type Sighting } from '../../src/store/sightings.ts';

const text = ({ key, place, firstDay, lastDay }: Sighting): string =>
  `${key.toString('hex')} ${place} ${firstDay} ${lastDay}`;

function packed(sightings: readonly Sighting[]): Buffer {
  const rows = Buffer.alloc(sightings.length * ROW_BYTES);
  sightings.forEach((one, nth) => writeSighting(rows, nth * ROW_BYTES, one));
  return rows;
}

function unpacked(rows: Buffer): Sighting[] {
  return Array.from({ length: rows.length / ROW_BYTES }, (_, nth) => readSighting(rows, nth * ROW_BYTES));
}

/** The same by the plainest way. */
function expected(sightings: readonly Sighting[]): string[] {
  const groups = Map.groupBy(sightings, ({ key, place }) => `${key.toString('hex')} ${place}`);
  return [...groups.values()]
    .map((group) => ({
      ...{ key: group[0]?.key ?? Buffer.alloc(0), place: group[0]?.place ?? 0 },
      firstDay: Math.min(...group.map(({ firstDay }) => firstDay)),
      lastDay: Math.max(...group.map(({ lastDay }) => lastDay)),
    }))
    .toSorted((one, other) => Buffer.compare(one.key, other.key) || one.place - other.place)
    .map(text);
}

describe('packed sightings', () => {
  const chance = (of: number): number => Math.floor(Math.random() * of);
  const some = (count: number, keys: readonly Buffer[]): Sighting[] =>
    Array.from({ length: count }, () => {
      const firstDay = chance(40_000) - 20_000;
      const key = keys[chance(keys.length)] ?? Buffer.alloc(16);
      return { key, place: chance(5) * 900, firstDay, lastDay: firstDay + chance(3_000) };
    });

  const cases: Record<string, Sighting[]> = {
    'none at all': [],
    'one row': some(1, [randomBytes(16)]),
    'many patients with some rows each': some(
      3_000,
      Array.from({ length: 1_000 }, () => randomBytes(16)),
    ),
    'many rows of few patients': some(
      3_000,
      Array.from({ length: 3 }, () => randomBytes(16)),
    ),
    'patients whose digests begin alike': some(
      2_000,
      Array.from({ length: 300 }, () => Buffer.concat([Buffer.from('00ff00ff00', 'hex'), randomBytes(11)])),
    ),
  };
  for (const [name, sightings] of Object.entries(cases)) {
    it(`are sorted, each pair once, as wide as all of it: ${name}`, () => {
      assert.deepEqual(unpacked(sorted(packed(sightings))).map(text), expected(sightings));
    });
  }
});
