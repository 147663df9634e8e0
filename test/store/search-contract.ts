import assert from 'node:assert/strict';

import type { EntrySearch, FoundEntry, NewEntry, Store } from '../../src/store/contracts.ts';
import { entry, item, LOG, run, sealedAs } from './entries.ts';

const OTHER = 'broker.example/log-2';
const EVER = { from: 0, to: 9_000_000_000_000, limit: 1_000 };

/** Entries in every mixture of what can be searched for. */
const MIXED: NewEntry[] = Array.from({ length: 120 }, (_, n) =>
  entry(`exchange-${n % 40}`, {
    at: 1_000 + Math.floor(n / 3),
    event: n % 2 === 0 ? 'query-sent' : 'query-answered',
    index: {
      region: n % 3 === 0 ? undefined : `region-${n % 3}`,
      jti: n % 4 === 0 ? undefined : `jti-${n}`,
      patient: `patient-${n % 7}`,
      user: `user-${n % 5}`,
      organisation: `ORG${n % 6}`,
      outcome: n % 8 === 0 ? 'refused' : 'answered',
      breakGlass: n % 10 === 0,
    },
    ...(n % 2 === 0 ? { sealed: sealedAs(`${n}`) } : {}),
  }),
);

type Kept = NewEntry & { log: string; sequence: number };

function meets(one: Kept, search: EntrySearch): boolean {
  const { index } = one;
  return (
    one.at >= search.from &&
    one.at < search.to &&
    (search.log === undefined || search.log === one.log) &&
    (search.event === undefined || search.event === one.event) &&
    (search.exchange === undefined || search.exchange === one.exchange) &&
    (search.patients === undefined || search.patients.includes(index.patient ?? '')) &&
    (search.breakGlass === undefined || index.breakGlass === true) &&
    (['region', 'jti', 'user', 'organisation', 'outcome'] as const).every(
      (name) => search[name] === undefined || search[name] === index[name],
    )
  );
}

/** What every store promises of a search: what it finds, in which order, and in pages. */
export function searchContract(current: () => Store): void {
  const search = (wanted: Partial<EntrySearch>) => current().log.search({ ...EVER, ...wanted });
  const placeOf = ({ log, sequence }: { log: string; sequence: number }) => `${log} ${sequence}`;
  const kept: Kept[] = MIXED.map((one, n) =>
    n < 80 ? { ...one, log: LOG, sequence: n } : { ...one, log: OTHER, sequence: n - 80 },
  );

  describe('searches', () => {
    beforeEach(async () => {
      await current().log.append(LOG, [item(...MIXED.slice(0, 80))]);
      await current().log.append(OTHER, [item(...MIXED.slice(80))]);
    });

    const cases: Record<string, Partial<EntrySearch>> = {
      everything: {},
      time: { from: 1_010, to: 1_020 },
      'a time in which nothing was': { from: 5_000, to: 6_000 },
      log: { log: OTHER },
      event: { event: 'query-answered' },
      exchange: { exchange: 'exchange-7' },
      region: { region: 'region-2' },
      jti: { jti: 'jti-93' },
      patient: { patients: ['patient-3'] },
      'either digest of a patient': { patients: ['patient-3', 'patient-5'] },
      'no patient': { patients: [] },
      user: { user: 'user-4' },
      organisation: { organisation: 'ORG5' },
      outcome: { outcome: 'refused' },
      'break-glass': { breakGlass: true },
      'patient and user': { patients: ['patient-3'], user: 'user-3' },
      'region, outcome and time': { region: 'region-1', outcome: 'refused', from: 1_005, to: 1_030 },
      'break-glass and region': { breakGlass: true, region: 'region-1' },
      'patient in one log': { patients: ['patient-1'], log: LOG },
      'organisation and event': { organisation: 'ORG1', event: 'query-answered' },
      'what contradicts itself': { jti: 'jti-93', exchange: 'exchange-1' },
      'what looks like a pattern': { user: 'user-%' },
    };
    for (const [name, wanted] of Object.entries(cases)) {
      it(`by ${name}, newest first`, async () => {
        const expected = kept.filter((one) => meets(one, { ...EVER, ...wanted }));
        const found = await search(wanted);
        assert.deepEqual(found.map(placeOf).sort(), expected.map(placeOf).sort());
        const times = found.map(({ at }) => at);
        assert.deepEqual(
          times,
          times.toSorted((one, other) => other - one),
        );
      });
    }

    it('and gives what it finds whole', async () => {
      const [found] = await search({ jti: 'jti-2' });
      assert.ok(found !== undefined);
      assert.equal(found.at, MIXED[2]?.at);
      assert.deepEqual(found.index, MIXED[2]?.index);
      assert.deepEqual(Buffer.from(found.sealed?.ciphertext ?? []), Buffer.from('ciphertext 2'));
      assert.equal(Buffer.from(found.leaf).toString(), `{"seq":2,${MIXED[2]?.facts}}`);
    });

    for (const limit of [1, 7, 50]) {
      it(`in pages of ${limit} without loss or doubling, though many happened at once`, async () => {
        await current().log.append(LOG, [item(...run(60, 500, { at: 1_010 }))]);
        await current().log.append(OTHER, [item(...run(60, 500, { at: 1_010 }))]);
        const all = (await search({ from: 1_005, to: 1_015 })).map(placeOf);
        const paged: FoundEntry[] = [];
        for (let before: EntrySearch['before']; ;) {
          const page = await search({ from: 1_005, to: 1_015, limit, before });
          paged.push(...page);
          assert.ok(paged.length <= all.length);
          before = page.at(-1);
          if (before === undefined) break;
        }
        assert.equal(all.length, 150);
        assert.deepEqual(paged.map(placeOf), all);
      });
    }

    it('and gives no more than is its limit, whatever is asked', async () => {
      await current().log.append(LOG, [item(...run(1_100, 1_000))]);
      assert.equal((await search({ limit: 0 })).length, 1);
      assert.equal((await search({ limit: -5 })).length, 1);
      assert.equal((await search({ limit: 1_000_000 })).length, 1_000);
      assert.equal((await current().log.entries(LOG, 0, 0)).length, 1);
      assert.equal((await current().log.entries(LOG, 0, 1_000_000)).length, 1_180);
      assert.equal((await current().log.entries(LOG, 1_170, 100)).length, 10);
      assert.equal((await current().log.entries(LOG, 5_000, 100)).length, 0);
    });
  });
}
