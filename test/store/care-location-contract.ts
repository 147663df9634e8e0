import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import type { CareLocation, CarePlace, Store } from '../../src/store/contracts.ts';
import { dayOf, patientKey, ROW_BYTES, sorted, writeSighting } from '../../src/store/sightings.ts';

const DAY = 86_400_000;

/** A digest for a name. */
export function digest(name: string): string {
  return createHash('sha256').update(name).digest('base64url');
}

function location(patient: string, organisation: string, first: number, last = first, source = 'feed') {
  return { patient: digest(patient), organisation, source, firstSeen: first * DAY, lastSeen: last * DAY };
}

function rowsOf(locations: readonly CareLocation[], numbers: readonly number[]): Buffer {
  const rows = Buffer.alloc(locations.length * ROW_BYTES);
  locations.forEach((one, nth) => {
    const days = { firstDay: dayOf(one.firstSeen), lastDay: dayOf(one.lastSeen) };
    writeSighting(rows, nth * ROW_BYTES, { key: patientKey(one.patient), place: numbers[nth] ?? 0, ...days });
  });
  return rows;
}

/** What a store promises of care locations. @param store the one that is open, `again` opens it once more */
export function careLocationContract(store: () => Store, again: () => Promise<Store>): void {
  const merged = async (locations: readonly CareLocation[]) => {
    const numbers = await store().careLocations.numbersOf(locations);
    let rows = sorted(rowsOf(locations, numbers));
    const sum = { added: 0, widened: 0 };
    while (rows.length > 0) {
      const { taken, added, widened } = await store().careLocations.merge(rows);
      assert.ok(taken > 0);
      rows = rows.subarray(taken * ROW_BYTES);
      sum.added += added;
      sum.widened += widened;
    }
    return sum;
  };
  const organisationsOf = async (...patients: string[]) =>
    (await store().careLocations.of(patients.map(digest))).map(({ organisation }) => organisation);

  describe('keeps care locations', () => {
    it('widens what is known of a care location, per source', async () => {
      await store().careLocations.record([location('p', 'RJ6', 20, 30)]);
      await store().careLocations.record([location('p', 'RJ6', 10, 25)]);
      await store().careLocations.record([location('p', 'RJ6', 90, 91, 'file')]);
      await store().careLocations.record([location('other', 'RJ6', 1)]);
      assert.deepEqual(await store().careLocations.of([digest('p')]), [
        location('p', 'RJ6', 90, 91, 'file'),
        location('p', 'RJ6', 10, 30),
      ]);
    });

    it('keeps them to the day, and over a restart', async () => {
      const times = { firstSeen: 10 * DAY + 5, lastSeen: 11 * DAY - 1 };
      await store().careLocations.record([{ ...location('p', 'RJ601', 0), ...times }]);
      await store().careLocations.record([location('q', 'RJ601', -9_000)]);
      const other = await again();
      try {
        assert.deepEqual(await other.careLocations.of([digest('p')]), [location('p', 'RJ601', 10)]);
        assert.deepEqual(await other.careLocations.of([digest('q')]), [location('q', 'RJ601', -9_000)]);
      } finally {
        await other.close();
      }
    });

    it('finds care locations under either digest, last seen first', async () => {
      await store().careLocations.record([
        ...[location('old', 'RJ6', 5), location('new', 'RQW', 9), location('no', 'RAL', 9)],
        ...[location('old', 'RKB', 9), location('new', 'RJ6', 1)],
      ]);
      assert.deepEqual(await organisationsOf('new', 'old'), ['RKB', 'RQW', 'RJ6', 'RJ6']);
      assert.deepEqual(await organisationsOf('old', 'old'), ['RKB', 'RJ6']);
      assert.deepEqual(await organisationsOf('nobody'), []);
    });

    it('takes many care locations of one place in one call', async () => {
      await store().careLocations.record([5, 3, 9, 7].map((day) => location('p', 'RJ6', day, day + 1)));
      await store().careLocations.record([]);
      assert.deepEqual(await store().careLocations.of([digest('p')]), [location('p', 'RJ6', 3, 10)]);
      assert.deepEqual(await store().careLocations.of([]), []);
    });

    it('and no source, by however many sites it names, pushes out what others tell, or the other places that it knows', async () => {
      const sites = (stem: string, day: number) =>
        Array.from({ length: 300 }, (_, nth) => location('p', `${stem}${nth + 100}`, day, day, 'platform'));
      const others = [
        location('p', 'RJ611', 5),
        location('p', 'RJ612', 4),
        ...['E84005', 'RQW', 'RJ611'].map((code) => location('p', code, 3, 3, 'file')),
      ];
      const own = location('p', 'RKB01', 2, 2, 'platform');
      const older = location('old', 'RGT', 1);
      await store().careLocations.record([...sites('RAL', 90), ...sites('RAX', 91), ...others, own]);
      await store().careLocations.record([
        older,
        ...sites('RAL', 95).map((one) => ({ ...one, patient: older.patient })),
      ]);
      const found = await store().careLocations.of([digest('p')]);
      assert.equal(found.length, 200);
      const shown = (one: CareLocation): string => `${one.organisation} ${one.source}`;
      const read = new Set(found.map(shown));
      for (const one of [...others, own]) assert.ok(read.has(shown(one)), shown(one));
      // Under two numbers each has its own.
      assert.ok((await organisationsOf('p', 'old')).includes('RGT'));
      assert.deepEqual(
        found.map(({ lastSeen }) => lastSeen),
        found.map(({ lastSeen }) => lastSeen).toSorted((one, other) => other - one),
      );
    });

    it('gives at most 200 care locations, of one organisation those last seen', async () => {
      await store().careLocations.record(
        Array.from({ length: 250 }, (_, n) => location('p', `RAL${n}`, 0, n)),
      );
      const found = await store().careLocations.of([digest('p')]);
      assert.equal(found.length, 200);
      assert.equal(found.at(-1)?.lastSeen, 50 * DAY);
    });

    it('records none of a call in which one patient is named by no digest', async () => {
      const wrong = { ...location('p', 'RJ6', 1), patient: '9990000018' };
      await assert.rejects(store().careLocations.record([location('q', 'RJ6', 1), wrong]));
      assert.deepEqual(await organisationsOf('q'), []);
    });

    it('gives a place one number, whoever asks at the same moment', async () => {
      const other = await again();
      try {
        const places = Array.from({ length: 40 }, (_, n): CarePlace => ({
          ...{ organisation: `R${n % 20}`, source: n < 20 ? 'one' : 'two' },
        }));
        const [first, second] = await Promise.all([
          store().careLocations.numbersOf(places),
          other.careLocations.numbersOf([...places.toReversed(), ...places]),
        ]);
        assert.equal(new Set(first).size, 40);
        assert.deepEqual(second, [...first.toReversed(), ...first]);
        assert.deepEqual(await store().careLocations.numbersOf(places.slice(7, 9)), first.slice(7, 9));
      } finally {
        await other.close();
      }
    });

    it('merges sorted rows, and tells what was new and what was widened', async () => {
      const many = Array.from({ length: 3_000 }, (_, n) => location(`p${n % 1_000}`, `R${n % 7}`, n, n + 10));
      assert.deepEqual(await merged(many), { added: 3_000, widened: 0 });
      assert.deepEqual(await merged(many), { added: 0, widened: 0 });
      const more = [
        ...many.slice(0, 5).map((one) => ({ ...one, lastSeen: 5_000 * DAY })),
        ...many.slice(5, 50),
      ];
      assert.deepEqual(await merged([...more, location('new', 'R1', 1)]), { added: 1, widened: 5 });
      const [newest] = await store().careLocations.of([many[0]?.patient ?? '']);
      assert.deepEqual(newest, { ...many[0], lastSeen: 5_000 * DAY });
      assert.equal((await store().careLocations.of([digest('p999')])).length, 3);
    });

    it('forgets what was last seen before a day, step by step, and nothing else', async () => {
      await store().careLocations.record(
        Array.from({ length: 300 }, (_, n) => location(`p${n % 100}`, `R${n % 3}`, n % 10, 10 + (n % 30))),
      );
      const left = async () => {
        let rows = 0;
        for (let after = ''; ;) {
          const { places, next } = await store().careLocations.tally(after, 70);
          rows += places.reduce((sum, place) => sum + place.rows, 0);
          if (next === undefined) return rows;
          after = next;
        }
      };
      assert.equal(await left(), 300);
      let [forgotten, steps] = [0, 0];
      for (let after = ''; ;) {
        const step = await store().careLocations.forget(25 * DAY + 1, after, 40);
        forgotten += step.forgotten;
        steps += 1;
        if (step.next === undefined) break;
        after = step.next;
      }
      assert.deepEqual([forgotten, await left()], [150, 150]);
      assert.ok(steps > 5, String(steps));
      for (const name of ['p3', 'p77']) {
        const found = await store().careLocations.of([digest(name)]);
        assert.ok(found.every(({ lastSeen }) => lastSeen >= 25 * DAY));
      }
    });

    it('counts patients and rows by place', async () => {
      await store().careLocations.record([
        ...[location('p', 'RJ6', 4, 9), location('q', 'RJ6', 2, 3), location('q', 'RJ6', 5, 5, 'file')],
        location('r', 'RQW', 7),
      ]);
      const { patients, places } = await store().careLocations.tally('', 1_000);
      assert.equal(patients, 3);
      const byName = places.toSorted((one, other) =>
        `${one.organisation} ${one.source}` < `${other.organisation} ${other.source}` ? -1 : 1,
      );
      const of = (organisation: string, source: string, rows: number, first: number, last: number) => ({
        ...{ organisation, source, rows, firstSeen: first * DAY, lastSeen: last * DAY },
      });
      assert.deepEqual(byName, [
        ...[of('RJ6', 'feed', 2, 2, 9), of('RJ6', 'file', 1, 5, 5), of('RQW', 'feed', 1, 7, 7)],
      ]);
      assert.deepEqual(await store().careLocations.tally('f'.repeat(32), 10), {
        ...{ patients: 0, places: [], next: undefined },
      });
    });
  });
}
