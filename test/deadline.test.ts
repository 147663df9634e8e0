import assert from 'node:assert/strict';

import { beforeEnd, startDeadline } from '../src/deadline.ts';

describe('a deadline', () => {
  for (const budget of [0, -1]) {
    it(`of ${budget} ms is over at once`, () => {
      using deadline = startDeadline(budget);
      assert.deepEqual([deadline.reason, deadline.signal.aborted], ['timeout', true]);
      assert.equal(deadline.remainingMs(), 0);
    });

    it(`of which a part has ${budget} ms: the part is over at once, the whole goes on`, () => {
      using deadline = startDeadline(60_000);
      using part = deadline.within(budget);
      assert.deepEqual([part.reason, part.signal.aborted], ['timeout', true]);
      assert.deepEqual([deadline.reason, deadline.signal.aborted], [undefined, false]);
    });
  }

  it('that is over begins no part, and says why', () => {
    using spent = startDeadline(0);
    using cancelled = startDeadline(60_000);
    cancelled.cancel();
    assert.equal(spent.within(1_000).reason, 'timeout');
    assert.equal(cancelled.within(1_000).reason, 'cancelled');
    assert.equal(cancelled.within(0).reason, 'cancelled');
  });

  it('that is cancelled ends its parts with it', () => {
    using deadline = startDeadline(60_000);
    using part = deadline.within(30_000);
    assert.equal(part.reason, undefined);
    deadline.cancel();
    assert.deepEqual([part.reason, part.signal.aborted], ['cancelled', true]);
  });

  it('is not waited beyond', async () => {
    using deadline = startDeadline(0);
    const waiting = beforeEnd(new Promise(() => undefined), deadline);
    await assert.rejects(waiting, { code: 'timeout' });
  });
});
