import assert from 'node:assert/strict';
import fc from 'fast-check';

import type { Registration } from '../../src/routing/registration.ts';
import type { ToldRestrictions } from '../../src/routing/told-restrictions.ts';
import { digestOf, remembering, RestrictionsInMemory } from '../support/told-restrictions.ts';

const [OLD, NEW] = ['9990000018', '9990000026'] as const;
const restricted = (current: string = OLD): Registration => ({ kind: 'restricted', current });
const registered = (current: string = OLD): Registration => ({
  ...{ kind: 'registered', practice: 'F81027', current },
});

describe('a restriction that demographics told', () => {
  let clock: number;
  let store: RestrictionsInMemory;
  let memory: ToldRestrictions;
  beforeEach(() => {
    clock = 1_000;
    store = new RestrictionsInMemory();
    memory = remembering(store, () => clock);
  });
  /** Asked now, and answered a while later. */
  const hear = (registration: Registration, nhsNumber: string = OLD): Promise<void> => {
    const askedAt = clock;
    clock += 100;
    return memory.heard(nhsNumber, registration, askedAt);
  };

  it('is in the store when it is used, as a digest and a time alone, for any replica', async () => {
    await hear(restricted());
    assert.deepEqual([...store.rows], [[digestOf(OLD), 1_100]]);
    assert.equal(await memory.has(OLD), true);
    assert.equal(await remembering(store).has(OLD), true);
    assert.equal(await memory.has(NEW), false);
  });

  const LATER: [what: string, registration: Registration, stays: boolean][] = [
    ['a registration', registered(), false],
    ['one that has ended', { kind: 'ended', practice: 'F81027', current: OLD }, false],
    ['no practice', { kind: 'no-practice', current: OLD }, false],
    ['a death', { kind: 'no-practice', current: OLD, deceased: true }, false],
    ['a restriction', restricted(), true],
    ['that the number is not known', { kind: 'unknown' }, true],
    ['that the number is invalid', { kind: 'invalidated' }, true],
  ];
  for (const [what, registration, stays] of LATER) {
    it(`${stays ? 'stays' : 'is gone'} when they tell ${what} later`, async () => {
      await hear(restricted());
      clock += 1;
      await hear(registration);
      assert.equal(await memory.has(OLD), stays);
    });
  }

  it('holds under both numbers where one was replaced, and goes under both', async () => {
    await hear(restricted(NEW), OLD);
    assert.deepEqual([await memory.has(OLD), await memory.has(NEW)], [true, true]);
    clock += 1;
    await hear(registered(NEW), NEW);
    assert.deepEqual([await memory.has(OLD), await memory.has(NEW)], [true, false]);
    await hear(restricted(NEW), NEW);
    clock += 1;
    await hear(registered(NEW), OLD);
    assert.deepEqual([await memory.has(OLD), await memory.has(NEW)], [false, false]);
  });

  it('writes nothing for the answers that lift nothing', async () => {
    await hear(registered());
    await hear({ kind: 'unknown' });
    assert.equal(store.writes, 0);
  });

  it('counts where it cannot be written, and is written when that works again', async () => {
    store.writesFail = true;
    await hear(restricted());
    assert.equal(await memory.has(OLD), true);
    assert.equal(store.rows.size, 0);
    store.writesFail = false;
    await hear(registered(NEW), NEW);
    assert.equal(await remembering(store).has(OLD), true);
  });

  it('stays where it cannot be lifted, until that works again', async () => {
    await hear(restricted());
    clock += 1;
    store.writesFail = true;
    await hear(registered());
    assert.equal(await memory.has(OLD), true);
    store.writesFail = false;
    await hear(registered());
    assert.equal(await memory.has(OLD), false);
  });

  it('is not known where the store cannot be read: that is said, never that there is none', async () => {
    store.readsFail = true;
    await assert.rejects(memory.has(OLD), { code: 'store-unavailable' });
  });

  it('is lifted by an answer to a later question alone, whoever asked and however late the answer comes', async () => {
    const answer = fc.record({
      askedAt: fc.integer({ min: 0, max: 30 }),
      tookMs: fc.integer({ min: 0, max: 20 }),
      isRestricted: fc.boolean(),
      replica: fc.integer({ min: 0, max: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { maxLength: 12 }), async (answers) => {
        const shared = new RestrictionsInMemory();
        const replicas = [0, 1, 2].map(() => remembering(shared, () => clock));
        const came = answers
          .map((one) => ({ ...one, at: one.askedAt + one.tookMs }))
          .toSorted((one, other) => one.at - other.at);
        for (const { askedAt, at, isRestricted, replica } of came) {
          clock = at;
          await replicas[replica]?.heard(OLD, isRestricted ? restricted() : registered(), askedAt);
        }
        const holds = came.some(
          (one) => one.isRestricted && !came.some((later) => !later.isRestricted && later.askedAt > one.at),
        );
        for (const replica of replicas) assert.equal(await replica.has(OLD), holds);
      }),
      { numRuns: 500 },
    );
  });
});
