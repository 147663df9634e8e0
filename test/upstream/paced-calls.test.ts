import assert from 'node:assert/strict';

import { DeliveryError } from '../../src/errors.ts';
import type { Lane } from '../../src/routing/registration.ts';
import { PacedCalls } from '../../src/upstream/paced-calls.ts';
import { until } from '../support/until.ts';

/** What counts as a second here. */
const SECOND = 150;

describe('calls that are paced', () => {
  const opened: PacedCalls[] = [];
  afterEach(() => opened.splice(0).forEach((one) => one.close()));
  const paced = (perSecond: number): PacedCalls => {
    const made = new PacedCalls(perSecond, SECOND);
    opened.push(made);
    return made;
  };
  const waiting = (lane: Lane, forMs: number) => {
    const end = performance.now() + forMs;
    return { lane, until: () => end };
  };

  /** Takes turns and is answered at once; when each began, by name and in order. */
  async function begun(pace: PacedCalls, asked: readonly [name: string, lane: Lane, forMs: number][]) {
    const order: { name: string; at: number }[] = [];
    await Promise.allSettled(
      asked.map(async ([name, lane, forMs]) => {
        const answered = await pace.turn(waiting(lane, forMs));
        order.push({ name, at: performance.now() });
        answered();
      }),
    );
    return order;
  }

  it('are never more in any second than allowed, and take their turns in the order they came', async () => {
    const names = Array.from({ length: 11 }, (_, nth) => String(nth));
    const order = await begun(
      paced(3),
      names.map((name) => [name, 'clinician', 10_000]),
    );
    assert.deepEqual(
      order.map(({ name }) => name),
      names,
    );
    for (const [nth, { at }] of order.entries()) {
      const third = order[nth + 3];
      assert.ok(third === undefined || third.at - at >= SECOND, `${nth} to ${nth + 3}`);
    }
  });

  it('are counted from the answer: what is long on its way is not followed too soon', async () => {
    const pace = paced(1);
    const answered = await pace.turn(waiting('clinician', 10_000));
    let second = 0;
    const next = pace.turn(waiting('clinician', 10_000)).then(() => (second = performance.now()));
    await begun(paced(1), [
      ['a', 'clinician', 9_000],
      ['b', 'clinician', 9_000],
    ]);
    assert.equal(second, 0);
    const free = performance.now();
    answered();
    await next;
    assert.ok(second - free >= SECOND);
  });

  it('are refused at once where no turn can come in time, and not begun later', async () => {
    const pace = paced(1);
    const answered = await pace.turn(waiting('clinician', 10_000));
    const started = performance.now();
    await assert.rejects(pace.turn(waiting('clinician', SECOND / 2)), DeliveryError);
    assert.ok(performance.now() - started < SECOND / 2);
    answered();
  });

  it('are not made when nobody waits for them any more', async () => {
    const pace = paced(1);
    const answered = await pace.turn(waiting('clinician', 10_000));
    let end = performance.now() + 10_000;
    const left = pace.turn({ lane: 'clinician', until: () => end });
    const later = pace.turn(waiting('clinician', 10_000));
    end = 0;
    answered();
    await assert.rejects(left, DeliveryError);
    await later;
  });

  it('of clinicians come first; those in the background are one a second, and are made all the same', async () => {
    const order = await begun(paced(2), [
      ['b1', 'background', 10_000],
      ['b2', 'background', 10_000],
      ['b3', 'background', 10_000],
      ['c1', 'clinician', 10_000],
      ['c2', 'clinician', 10_000],
      ['c3', 'clinician', 10_000],
    ]);
    const at = new Map(order.map((one) => [one.name, one.at]));
    const gap = (one: string, other: string): number => (at.get(other) ?? 0) - (at.get(one) ?? 0);
    assert.ok(gap('b1', 'b2') >= SECOND && gap('b2', 'b3') >= SECOND);
    assert.ok(gap('c3', 'b2') >= 0);
    assert.equal(at.size, 6);
  });

  it('of neighbours are half of them at most, before those in the background, and hold no clinician up', async () => {
    const pace = paced(4);
    const neighbours = begun(
      pace,
      ['n1', 'n2', 'n3', 'n4', 'n5'].map((name) => [name, 'neighbour', 10_000]),
    );
    const others = begun(pace, [
      ['b1', 'background', 10_000],
      ['c1', 'clinician', SECOND / 2],
    ]);
    const order = [...(await others), ...(await neighbours)];
    const at = new Map(order.map((one) => [one.name, one.at]));
    const gap = (one: string, other: string): number => (at.get(other) ?? 0) - (at.get(one) ?? 0);
    assert.equal(at.size, 7);
    for (const [one, third] of [
      ['n1', 'n3'],
      ['n2', 'n4'],
      ['n3', 'n5'],
    ] as const) {
      assert.ok(gap(one, third) >= SECOND, `${one} to ${third}`);
    }
    assert.ok(gap('c1', 'n3') >= 0 && gap('b1', 'n3') >= 0);
  });

  it('of a neighbour are refused at once where its share has no turn in time', async () => {
    const pace = paced(4);
    for (const _ of [1, 2]) void (await pace.turn(waiting('neighbour', 10_000)));
    await assert.rejects(pace.turn(waiting('neighbour', SECOND / 2)), DeliveryError);
    await pace.turn(waiting('clinician', SECOND / 2));
  });

  it('of neighbours are made even where one call a second is all that is allowed', async () => {
    const order = await begun(paced(1), [
      ['b1', 'background', 10_000],
      ['n1', 'neighbour', 10_000],
      ['n2', 'neighbour', 10_000],
      ['n3', 'neighbour', 10_000],
    ]);
    assert.deepEqual(
      order.map(({ name }) => name),
      ['b1', 'n1', 'n2', 'n3'],
    );
  });

  it('wait while the service wants to be left alone, and are refused where that is too long', async () => {
    const pace = paced(5);
    pace.hold(SECOND);
    const held = performance.now();
    await assert.rejects(pace.turn(waiting('clinician', SECOND / 2)), DeliveryError);
    await pace.turn(waiting('clinician', 10_000));
    assert.ok(performance.now() - held >= SECOND);
  });

  it('are let go of when all of it ends', async () => {
    const pace = paced(1);
    await pace.turn(waiting('clinician', 10_000));
    const never = pace.turn(waiting('clinician', 10_000));
    let hasEnded = false;
    void never.catch(() => (hasEnded = true));
    pace.close();
    await until(() => hasEnded);
  });
});
