import assert from 'node:assert/strict';

import { startDeadline } from '../../src/deadline.ts';
import { DeliveryError } from '../../src/errors.ts';
import { Endpoints } from '../../src/upstream/endpoints.ts';
import { until } from '../support/until.ts';

const [ONE, TWO, THREE] = ['https://one.example', 'https://two.example', 'https://three.example'] as const;

describe('the endpoints of one neighbour', () => {
  let down: Set<string>;
  let tried: string[];
  let made: Endpoints | undefined;
  beforeEach(() => {
    down = new Set();
    tried = [];
  });
  afterEach(() => made?.close());
  function endpoints(listed: readonly [string, ...string[]], reset_ms = 60_000): Endpoints {
    made = new Endpoints(
      () => listed,
      async (endpoint) => {
        tried.push(endpoint);
        if (down.has(endpoint)) throw new DeliveryError('refused-connection', endpoint);
      },
      { reset_ms, probe_ms: 1_000 },
    );
    return made;
  }

  it('are used in their own order, without those that failed', () => {
    const all = endpoints([ONE, TWO, THREE]);
    assert.equal(all.inUse, ONE);
    assert.deepEqual([all.failed(ONE), all.inUse, all.avoided], [true, TWO, [ONE]]);
    assert.deepEqual([all.failed(TWO), all.inUse, all.avoided], [true, THREE, [ONE, TWO]]);
    all.worked(ONE);
    assert.deepEqual([all.inUse, all.avoided], [ONE, [TWO]]);
  });

  it('take turns where none works, and then nobody stands by', () => {
    const all = endpoints([ONE, TWO]);
    assert.equal(all.failed(ONE), true);
    const turns = [all.failed(TWO), all.inUse, all.failed(ONE), all.inUse, all.failed(TWO), all.inUse];
    assert.deepEqual(turns, [false, ONE, false, TWO, false, ONE]);
  });

  it('are one and no more where the neighbour lists one, however often it fails', () => {
    const only = endpoints([ONE]);
    assert.deepEqual([only.failed(ONE), only.inUse, only.avoided], [false, ONE, []]);
  });

  it('are forgotten with the statement that listed them', () => {
    const listed: [string, ...string[]] = [ONE, TWO];
    const all = endpoints(listed);
    all.failed(ONE);
    listed.splice(0, 2, THREE);
    assert.deepEqual([all.inUse, all.avoided], [THREE, []]);
  });

  it('are all tried when it is asked whether any answers', async () => {
    const all = endpoints([ONE, TWO, THREE]);
    down = new Set([ONE, THREE]);
    using deadline = startDeadline(1_000);
    await all.probe(deadline);
    assert.deepEqual([tried, all.inUse, all.avoided], [[ONE, TWO, THREE], TWO, [ONE, THREE]]);
    down.add(TWO);
    await assert.rejects(all.probe(deadline), { code: 'refused-connection', detail: ONE });
    down.clear();
    await all.probe(deadline);
    assert.deepEqual([all.inUse, all.avoided], [ONE, []]);
  });

  it('are used again when our own probe has reached them, and are tried until then', async () => {
    const all = endpoints([ONE, TWO], 5);
    down = new Set([ONE]);
    all.failed(ONE);
    await until(() => tried.length >= 2, 'a second probe');
    assert.deepEqual([all.inUse, new Set(tried)], [TWO, new Set([ONE])]);
    down.clear();
    await until(() => all.inUse === ONE, 'its return');
    assert.deepEqual(all.avoided, []);
  });
});
