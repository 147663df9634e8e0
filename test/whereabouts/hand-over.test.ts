import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { PatientNumberSeal } from '../../src/evidence/patient-number-seal.ts';
import { patientNotices } from '../../src/config/patient-notices.ts';
import { testNhsNumbers } from '../../src/demo/test-nhs-number.ts';
import type { Log } from '../../src/log.ts';
import { Directory } from '../../src/routing/directory.ts';
import type { Registration } from '../../src/routing/registration.ts';
import type { RegisterEntry, RegisterStore, Store } from '../../src/store/contracts.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { Neighbours } from '../../src/trust/neighbours.ts';
import { DecideInbox } from '../../src/whereabouts/notices/decide-inbox.ts';
import { FindHome } from '../../src/whereabouts/notices/find-home.ts';
import { GivenUp } from '../../src/whereabouts/notices/given-up.ts';
import { HandOver } from '../../src/whereabouts/notices/hand-over.ts';
import { DAY_MS, type NoticeParts } from '../../src/whereabouts/notices/notice-parts.ts';
import { ResolveHomes } from '../../src/whereabouts/notices/resolve-homes.ts';
import { SendNotices } from '../../src/whereabouts/notices/send-notices.ts';
import { ToldCounts } from '../../src/whereabouts/notices/told-counts.ts';

const NUMBERS = testNhsNumbers('9990020000', 700);
const [ONE = '', TWO = ''] = NUMBERS;
const LONDON = { kind: 'registered', practice: 'E84005' } as const;
const SILENT: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe('the queue of home regions to be told', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wayleave-whereabouts-'));
  const numbers = new PatientNumberSeal(Buffer.alloc(32, 7));
  const digest = (nhsNumber: string): string => `digest-${nhsNumber}`;
  let store: Store;
  let now = 0;
  let made = 0;
  let entries: RegisterEntry[] = [];
  /** What demographics say; and who was looked up. */
  let told = new Map<string, Registration>();
  let lookedUp: string[] = [];
  let givenUp: GivenUp;

  beforeEach(async () => {
    now = 1_000_000;
    entries = [];
    told = new Map();
    lookedUp = [];
    store = await openSqliteStore(join(directory, `store-${(made += 1)}.db`));
    givenUp = new GivenUp({ store, now: () => now });
  });
  afterEach(() => store.close());
  after(() => rmSync(directory, { recursive: true, force: true }));

  const register: Pick<RegisterStore, 'of' | 'leavers'> = {
    of: async (patients) => entries.filter(({ patient }) => patients.includes(patient)),
    leavers: async (after, limit) =>
      entries
        .filter(({ until }) => until !== undefined)
        .sort((one, other) => placeOf(one) - placeOf(other) || (one.patient < other.patient ? -1 : 1))
        .filter((one) => after === undefined || placeOf(one) > after.until || one.patient > after.patient)
        .slice(0, limit),
  };
  const placeOf = ({ until = 0 }: RegisterEntry): number => until;

  function entry(nhsNumber: string, until?: number): RegisterEntry {
    const patient = digest(nhsNumber);
    return { patient, sealedNumber: numbers.seal(nhsNumber, patient), practice: 'F81027', from: 0, until };
  }

  function partsOf(change: Partial<NoticeParts> = {}): NoticeParts {
    return {
      region: 'herts-west-essex',
      directory: new Directory({
        regions: [
          { id: 'herts-west-essex', name: 'Herts', sub_icbs: [{ code: '07H' }] },
          { id: 'london', name: 'London', sub_icbs: [{ code: '93C' }] },
        ],
        practices: { F81027: '07H', E84005: '93C' },
        organisations: [],
      }),
      ...{ neighbours: new Neighbours([]), links: new Map(), agreementWith: () => undefined },
      ...{ sender: undefined as never, trail: undefined as never, store, register },
      lookUp: async (nhsNumber) => {
        lookedUp.push(nhsNumber);
        return told.get(nhsNumber) ?? { kind: 'unknown' };
      },
      ...{ patientDigest: digest, numbers, settings: patientNotices.parse({}) },
      ...{ stopping: new AbortController().signal, log: SILENT, now: () => now, ...change },
    };
  }

  const resolve = (parts: NoticeParts): Promise<boolean> =>
    new ResolveHomes(parts, new FindHome(parts, 0), givenUp, () => undefined).round();
  const waiting = async (): Promise<string[]> =>
    (await store.noticeQueue.counts()).map(({ state, home, count }) => `${state} ${home} ${count}`);

  it('takes every leaver of the register once, in parts, and goes on where it was', async () => {
    entries = NUMBERS.map((number, nth) => entry(number, 10 + Math.floor(nth / 3)));
    const parts = partsOf();
    const hand = new HandOver(parts, () => undefined);
    assert.equal(await hand.round(), true);
    assert.equal(await hand.round(), false);
    assert.deepEqual(await waiting(), [`seen  ${NUMBERS.length}`]);
    assert.equal(await new HandOver(parts, () => undefined).round(), false);
    assert.deepEqual(await waiting(), [`seen  ${NUMBERS.length}`]);
  });

  it('hands over who comes back and leaves again, although the last time is not long ago', async () => {
    entries = [entry(ONE, 10)];
    told.set(ONE, { ...LONDON, practice: 'F81027', current: ONE });
    const parts = partsOf();
    const hand = new HandOver(parts, () => undefined);
    await hand.round();
    await resolve(parts);
    assert.deepEqual(await waiting(), [], 'demographics say that the home is here');
    entries = [entry(ONE, 20)];
    told.set(ONE, { ...LONDON, current: ONE });
    await hand.round();
    await resolve(parts);
    assert.deepEqual(await waiting(), ['ready london 1']);
  });

  it('waits for a leaver who is registered nowhere yet, and in the end gives up', async () => {
    entries = [entry(ONE, 10), entry(TWO, 10)];
    told.set(ONE, { kind: 'no-practice', current: ONE }).set(TWO, { kind: 'restricted', current: TWO });
    const parts = partsOf();
    await new HandOver(parts, () => undefined).round();
    await resolve(parts);
    assert.deepEqual(await waiting(), ['seen  1']);
    now += 8 * DAY_MS;
    await resolve(parts);
    assert.equal(lookedUp.filter((number) => number === ONE).length, 2);
    now += 91 * DAY_MS;
    await resolve(parts);
    assert.deepEqual(await waiting(), []);
    assert.equal(lookedUp.length, 3);
    // The other is told of to nobody, which is no giving up.
    assert.deepEqual(givenUp.counts, [{ count: 1 }]);
  });

  it('keeps whom demographics cannot say now, and asks about nobody else meanwhile', async () => {
    told.set(ONE, { kind: 'not-reached' });
    const rows = [ONE, TWO].map((number) => ({
      ...{
        patient: digest(number),
        kind: 'held' as const,
        sealedNumber: numbers.seal(number, digest(number)),
      },
    }));
    await store.noticeQueue.enqueue(rows, now);
    const parts = partsOf();
    assert.equal(await resolve(parts), false);
    assert.ok(lookedUp.length <= 2);
    assert.deepEqual((await waiting())[0]?.startsWith('seen'), true);
    told.set(ONE, { ...LONDON, current: ONE });
    now += DAY_MS;
    await resolve(parts);
    assert.deepEqual(await waiting(), ['ready london 1']);
  });

  it('looks a home up again that it found more than a day ago, and gives up what can never be delivered', async () => {
    told.set(ONE, { ...LONDON, current: ONE });
    const patient = digest(ONE);
    const row = { patient, kind: 'held', sealedNumber: numbers.seal(ONE, patient) } as const;
    await store.noticeQueue.enqueue([row], now);
    const held = partsOf();
    await resolve(held);
    await new SendNotices(held, givenUp).round();
    assert.deepEqual(await waiting(), ['ready london 1'], 'there is no agreement');
    const status = () => ({ circuit: 'closed' });
    const isInForce = { inForce: () => undefined, notAsked: () => undefined };
    const open = partsOf({
      links: new Map([['london', { destination: { status } }]]) as never,
      agreementWith: () => ({ version: '1' }) as never,
      neighbours: isInForce as never,
    });
    now += 2 * DAY_MS;
    await new SendNotices(open, givenUp).round();
    assert.deepEqual(await waiting(), ['seen  1']);
    told.set(ONE, { kind: 'restricted', current: ONE });
    await resolve(open);
    assert.deepEqual(await waiting(), [], 'restricted since');
    now += 91 * DAY_MS;
    told.set(ONE, { ...LONDON, current: ONE });
    await store.noticeQueue.enqueue([row], now);
    await resolve(held);
    now += 31 * DAY_MS;
    assert.deepEqual(givenUp.counts, []);
    await new SendNotices(held, givenUp).round();
    assert.deepEqual([await waiting(), givenUp.counts], [[], [{ region: 'london', count: 1 }]]);
    await store.noticeQueue.enqueue([row], now);
    assert.deepEqual(await waiting(), ['seen  1'], 'who is seen again is put in again');
  });

  const known = (patient: string, region = 'essex', at = now) =>
    ({ patient, region, how: 'notice', from: region, firstTold: at, lastTold: at }) as const;
  const inForce = { inForce: (region: string) => (region === 'essex' ? {} : undefined) } as never;
  const decide = (change: Partial<NoticeParts> = {}): Promise<boolean> => {
    const parts = partsOf({ neighbours: inForce, ...change });
    return new DecideInbox(parts, new FindHome(parts, 0), new ToldCounts(parts)).round();
  };
  const tell = (nhsNumbers: readonly string[], sender = 'essex') =>
    store.noticeInbox.keep(
      nhsNumbers.map((number) => ({
        ...{ sender, region: sender, how: 'notice', firstTold: now, lastTold: now },
        ...{ patient: digest(number), sealedNumber: numbers.seal(number, digest(number)) },
      })),
      1_000,
    );
  const undecided = async (): Promise<number> =>
    (await store.noticeInbox.counts()).reduce((sum, one) => sum + one.waiting, 0);
  const knownOf = async (nhsNumber: string): Promise<string[]> =>
    (await store.knownRegions.of([digest(nhsNumber)])).map(({ region }) => region);

  it('what is known under a number that was replaced, and what hides it, holds under the present one', async () => {
    const hand = new HandOver(partsOf(), () => undefined);
    const ours = { kind: 'registered', practice: 'F81027', current: TWO } as const;
    await store.knownRegions.record([known(digest(ONE))]);
    await store.objections.record([{ patient: digest(ONE), kind: 'objection', from: 1 }]);
    await hand.onRegistration(ONE, ours);
    assert.deepEqual(await knownOf(TWO), ['essex']);
    const [objection] = await store.objections.inForce([digest(TWO)], now);
    assert.deepEqual([objection?.kind, objection?.from], ['objection', 1]);
  });

  it('a handover under a number that was replaced takes along what was known under it', async () => {
    entries = [entry(ONE, 10)];
    await store.knownRegions.record([known(digest(ONE))]);
    told.set(ONE, { ...LONDON, current: TWO }).set(TWO, { ...LONDON, current: TWO });
    const parts = partsOf();
    await new HandOver(parts, () => undefined).round();
    await resolve(parts);
    await resolve(parts);
    assert.deepEqual(await waiting(), ['ready london 1']);
    assert.deepEqual(await knownOf(TWO), ['essex']);
  });

  it('who has a practice that the directory does not know yet is looked up again; what was told of them waits', async () => {
    const row = { patient: digest(TWO), kind: 'held', sealedNumber: numbers.seal(TWO, digest(TWO)) } as const;
    await store.noticeQueue.enqueue([row], now);
    await tell([ONE]);
    told.set(ONE, { ...LONDON, practice: 'A99999', current: ONE });
    told.set(TWO, { ...LONDON, practice: 'A99999', current: TWO });
    await resolve(partsOf());
    await decide();
    assert.deepEqual([await waiting(), await undecided()], [['seen  1'], 1]);
    now += 8 * DAY_MS;
    told.set(ONE, { ...LONDON, practice: 'F81027', current: ONE }).set(TWO, { ...LONDON, current: TWO });
    await resolve(partsOf());
    await decide();
    assert.deepEqual([await waiting(), await undecided()], [['ready london 1'], 0]);
    assert.deepEqual(await knownOf(ONE), ['essex']);
  });

  it('what was told long ago of who is in our register by now is kept, and of nobody else', async () => {
    await tell([ONE, TWO]);
    entries = [entry(ONE)];
    told.set(TWO, { kind: 'not-reached' });
    now += 400 * DAY_MS;
    await decide();
    assert.deepEqual([await knownOf(ONE), await knownOf(TWO), await undecided()], [['essex'], [], 0]);
    assert.deepEqual(lookedUp, [TWO]);
  });

  it('what a neighbour told that is trusted no more counts for nothing', async () => {
    await tell([ONE], 'essex');
    await tell([ONE], 'hills');
    told.set(ONE, { kind: 'registered', practice: 'F81027', current: ONE });
    await decide();
    assert.deepEqual([await knownOf(ONE), await undecided()], [['essex'], 0]);
  });

  it('one of whom demographics never can say holds up nobody else', async () => {
    const [, , three = ''] = NUMBERS;
    const rows = [ONE, TWO, three].map((number) => ({
      ...{ patient: digest(number), kind: 'held' as const },
      sealedNumber: numbers.seal(number, digest(number)),
    }));
    for (const silent of [ONE, TWO, three]) {
      told.clear();
      for (const number of [ONE, TWO, three]) told.set(number, { ...LONDON, current: number });
      told.set(silent, { kind: 'not-reached' });
      lookedUp = [];
      await store.noticeQueue.enqueue(rows, now, 'at-once');
      await tell([ONE, TWO, three]);
      await resolve(partsOf());
      await decide();
      assert.equal(lookedUp.length, 6, 'each once in each round');
      await store.noticeQueue.move(rows, { state: 'settled' }, now, now);
      await store.noticeInbox.decided(await store.noticeInbox.take(now + DAY_MS, now, 100));
    }
    for (const number of [ONE, TWO, three]) told.set(number, { kind: 'not-reached' });
    lookedUp = [];
    await tell([ONE, TWO, three]);
    await decide();
    assert.equal(lookedUp.length, 2);
  });

  it('asks demographics for one after another, and for nobody when it is to stop', async () => {
    told.set(ONE, { ...LONDON, current: ONE });
    const stopping = new AbortController();
    const homes = new FindHome(partsOf({ stopping: stopping.signal }), 3_600_000);
    assert.equal((await homes.byDemographics(ONE)).kind, 'region');
    const next = homes.byDemographics(TWO);
    stopping.abort();
    await assert.rejects(next, { name: 'AbortError' });
    await assert.rejects(homes.byDemographics(TWO), { name: 'AbortError' });
    assert.deepEqual(lookedUp, [ONE]);
  });
});
