import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import type { BreakerConfig } from '../../src/config/schema.ts';
import { startDeadline, type Deadline } from '../../src/deadline.ts';
import { DeliveryError, EvidenceError, PolicyRefusal, RequestError } from '../../src/errors.ts';
import { Destination, fairly, type Probe } from '../../src/upstream/destination.ts';
import { NEVER_OPEN, SILENT } from './scripted-server.ts';

const failsWith = (error: Error) => () => Promise.reject(error);
const answers = (): Promise<string> => Promise.resolve('answered');
const TIMEOUT = new DeliveryError('timeout');

describe('one destination', () => {
  const opened: Destination[] = [];
  afterEach(() => {
    for (const one of opened.splice(0)) one.close();
  });
  let clock = 0;
  function destination(change: Partial<BreakerConfig> = {}, probe: Probe = answers): Destination {
    const settings = { ...NEVER_OPEN, volume_threshold: 4, ...change };
    const made = new Destination('neighbour', 'london', settings, probe, SILENT, () => clock);
    opened.push(made);
    return made;
  }
  async function codeOf(to: Destination, action: () => Promise<unknown>): Promise<string> {
    try {
      await to.call(action);
      return 'answered';
    } catch (error) {
      return String((error as { code?: unknown }).code);
    }
  }
  async function times(count: number, to: Destination, action: () => Promise<unknown>): Promise<string[]> {
    const codes: string[] = [];
    for (let at = 0; at < count; at += 1) codes.push(await codeOf(to, action));
    return codes;
  }
  async function until(to: Destination, circuit: string): Promise<void> {
    for (let tries = 0; tries < 150 && to.status().circuit !== circuit; tries += 1) await sleep(20);
    assert.equal(to.status().circuit, circuit);
  }

  it('gives what the call gives, and what it rejects with', async () => {
    const to = destination();
    assert.equal(await to.call(answers), 'answered');
    await assert.rejects(to.call(failsWith(TIMEOUT)), (error: unknown) => error === TIMEOUT);
    const { window, underWay } = to.status();
    assert.deepEqual([window, underWay], [{ calls: 2, failed: 1, slow: 0, refused: 0 }, 0]);
  });

  it('opens when there were enough calls and more than half failed, not before', async () => {
    const to = destination();
    assert.deepEqual(await times(3, to, failsWith(TIMEOUT)), ['timeout', 'timeout', 'timeout']);
    assert.equal(to.status().circuit, 'closed');
    assert.deepEqual(await times(2, to, failsWith(TIMEOUT)), ['timeout', 'circuit-open']);
    const { circuit, since, window } = to.status();
    assert.equal(circuit, 'open');
    assert.ok(since !== undefined && !Number.isNaN(Date.parse(since)));
    assert.deepEqual([window.failed, window.refused], [4, 1]);
  });

  it('stays closed while as many answer as fail', async () => {
    const to = destination();
    for (let at = 0; at < 10; at += 1) await times(1, to, at % 2 === 0 ? answers : failsWith(TIMEOUT));
    assert.equal(to.status().circuit, 'closed');
  });

  const FAILURES: Record<string, Error> = {
    timeout: TIMEOUT,
    'refused-connection': new DeliveryError('refused-connection'),
    'lost-connection': new DeliveryError('lost-connection'),
    'tls-failed': new DeliveryError('tls-failed'),
    'peer-failed': new DeliveryError('peer-failed'),
    'peer-throttled': new DeliveryError('peer-throttled'),
    'bad-content': new DeliveryError('bad-content'),
    'answer-too-large': new DeliveryError('answer-too-large'),
    'not believed': new EvidenceError('bad-signature'),
    'a mistake of ours': new TypeError('x is not a function'),
  };
  for (const [what, error] of Object.entries(FAILURES)) {
    it(`is opened by: ${what}`, async () => {
      const to = destination();
      await times(4, to, failsWith(error));
      assert.equal(to.status().circuit, 'open');
    });
  }

  const NO_FAILURES: Record<string, Error> = {
    'peer-refused': new DeliveryError('peer-refused'),
    'a caller who hung up': new DeliveryError('cancelled'),
    'a policy refusal': new PolicyRefusal('no-agreement'),
    'a request that was wrong': new RequestError('bad-request'),
  };
  for (const [what, error] of Object.entries(NO_FAILURES)) {
    it(`is not opened by: ${what}`, async () => {
      const to = destination({ error_percentage: 1 });
      await times(12, to, failsWith(error));
      assert.deepEqual([to.status().circuit, to.status().window.failed], ['closed', 0]);
    });
  }

  const takes = (ms: number, action: () => Promise<unknown>) => (): Promise<unknown> => {
    clock += ms;
    return action();
  };

  it('is opened by answers that are slow, which are given all the same', async () => {
    const to = destination({ slow_ms: 100 });
    assert.deepEqual(await times(4, to, takes(100, answers)), Array<string>(4).fill('answered'));
    assert.deepEqual(to.status().window, { calls: 4, failed: 0, slow: 0, refused: 0 });
    const slow = await times(6, to, takes(101, answers));
    assert.deepEqual(slow, [...Array<string>(5).fill('answered'), 'circuit-open']);
    assert.deepEqual(
      [to.status().circuit, to.status().window],
      ['open', { calls: 10, failed: 5, slow: 5, refused: 1 }],
    );
  });

  it('is opened by refusals that are slow, which are told as what they are', async () => {
    const to = destination({ slow_ms: 100 });
    const refusal = new DeliveryError('peer-refused');
    assert.deepEqual(await times(5, to, takes(101, failsWith(refusal))), [
      ...Array<string>(4).fill('peer-refused'),
      'circuit-open',
    ]);
    assert.equal(to.status().window.slow, 4);
  });

  it('takes a failure that is slow for a failure, and a caller who hung up for nothing, however late', async () => {
    const to = destination({ slow_ms: 100, volume_threshold: 100 });
    await times(2, to, takes(200, failsWith(TIMEOUT)));
    await times(3, to, takes(200, failsWith(new DeliveryError('cancelled'))));
    assert.deepEqual(to.status().window, { calls: 5, failed: 2, slow: 0, refused: 0 });
  });

  it('forgets what was slow when the window has passed', async () => {
    const to = destination({ slow_ms: 100, window_ms: 1_000, volume_threshold: 100 });
    await times(2, to, takes(150, answers));
    clock += 500;
    await times(1, to, takes(150, answers));
    assert.equal(to.status().window.slow, 3);
    clock += 600;
    assert.equal(to.status().window.slow, 1);
    clock += 10_000;
    assert.equal(to.status().window.slow, 0);
  });

  it('is left alone for as long as it asks, at most a minute, and nothing waits for that', async () => {
    const to = destination({}, () => Promise.reject(new Error('it was probed')));
    to.leaveAlone(5_000);
    assert.deepEqual(await times(2, to, answers), ['left-alone', 'left-alone']);
    const { circuit, window, leftAloneUntil = '' } = to.status();
    assert.deepEqual([circuit, window], ['closed', { calls: 0, failed: 0, slow: 0, refused: 2 }]);
    assert.ok(Date.parse(leftAloneUntil) > Date.now());
    clock += 5_000;
    assert.equal(await codeOf(to, answers), 'answered');
    assert.equal(to.status().leftAloneUntil, undefined);
    clock += 2_000;
    to.leaveAlone(86_400_000);
    to.leaveAlone(1);
    clock += 59_999;
    assert.equal(await codeOf(to, answers), 'left-alone');
    clock += 1;
    assert.equal(await codeOf(to, answers), 'answered');
  });

  it('is not left alone where it does not say for how long, or where it answers others meanwhile', async () => {
    const to = destination();
    to.leaveAlone(undefined);
    to.leaveAlone(0);
    assert.equal(await codeOf(to, answers), 'answered');
    clock += 1_999;
    to.leaveAlone(5_000);
    assert.equal(await codeOf(to, failsWith(TIMEOUT)), 'timeout');
    clock += 1;
    to.leaveAlone(5_000);
    assert.equal(await codeOf(to, answers), 'left-alone');
  });

  it('is not probed either while it is left alone', async () => {
    let probes = 0;
    const to = destination({ reset_ms: 20 }, async () => void (probes += 1));
    await times(4, to, failsWith(TIMEOUT));
    to.leaveAlone(5_000);
    let changes = 0;
    let since = to.status().since;
    for (let tries = 0; tries < 150 && changes < 2; tries += 1, await sleep(10)) {
      if (to.status().since !== since) changes += 1;
      since = to.status().since;
    }
    assert.deepEqual([changes, probes], [2, 0]);
    clock += 5_000;
    await until(to, 'closed');
    assert.equal(probes, 1);
  });

  it('lets only our own probe through when it has been open for a while, and closes when that is answered', async () => {
    let probes = 0;
    const held = Promise.withResolvers<void>();
    const probe = async (): Promise<void> => {
      probes += 1;
      await held.promise;
    };
    const to = destination({ reset_ms: 80, probe_ms: 2000 }, probe);
    await times(4, to, failsWith(TIMEOUT));
    await until(to, 'half-open');
    let called = 0;
    const clinician = async (): Promise<void> => void (called += 1);
    assert.deepEqual(await times(5, to, clinician), Array<string>(5).fill('circuit-open'));
    held.resolve();
    await until(to, 'closed');
    assert.deepEqual([probes, called], [1, 0]);
    assert.equal(await codeOf(to, clinician), 'answered');
  });

  it('is open again when the probe fails, however it fails, and is probed again', async () => {
    const fails = [
      TIMEOUT,
      new DeliveryError('cancelled'),
      new DeliveryError('peer-failed'),
      new EvidenceError('unsigned'),
    ];
    let probes = 0;
    const probe = async (): Promise<void> => {
      probes += 1;
      const failure = fails[probes - 1];
      if (failure !== undefined) throw failure;
    };
    const to = destination({ reset_ms: 60 }, probe);
    await times(4, to, failsWith(TIMEOUT));
    await until(to, 'closed');
    assert.equal(probes, fails.length + 1);
  });

  it('gives a probe its own time, and no longer', async () => {
    let spent: Deadline['reason'];
    const probe = (deadline: Deadline): Promise<void> =>
      new Promise((_resolve, reject) => {
        deadline.signal.addEventListener('abort', () => {
          spent = deadline.reason;
          reject(TIMEOUT);
        });
      });
    const to = destination({ reset_ms: 60, probe_ms: 60 }, probe);
    await times(4, to, failsWith(TIMEOUT));
    for (let tries = 0; tries < 100 && spent === undefined; tries += 1) await sleep(20);
    assert.equal(spent, 'timeout');
    assert.notEqual(to.status().circuit, 'closed');
  });

  it('takes as many calls at once as it has room for, refuses one more at once, and opens no circuit for that', async () => {
    const to = destination({ capacity: 2, volume_threshold: 1, error_percentage: 1 });
    const held = Promise.withResolvers<string>();
    const under = [to.call(() => held.promise), to.call(() => held.promise)];
    assert.deepEqual(await times(6, to, answers), Array<string>(6).fill('bulkhead-full'));
    assert.deepEqual([to.status().circuit, to.status().underWay], ['closed', 2]);
    held.resolve('answered');
    assert.deepEqual(await Promise.all(under), ['answered', 'answered']);
    assert.equal(await codeOf(to, answers), 'answered');
  });

  it('feels nothing of what happens to another', async () => {
    const [one, other] = [destination(), destination()];
    await times(6, one, failsWith(TIMEOUT));
    assert.deepEqual([one.status().circuit, other.status().circuit], ['open', 'closed']);
    assert.deepEqual(other.status().window, { calls: 0, failed: 0, slow: 0, refused: 0 });
    assert.equal(await codeOf(other, answers), 'answered');
  });
});

describe('a call that was given less than half of its time', () => {
  const late = () => Promise.reject(new DeliveryError('timeout'));
  const codeWith = (budgetMs: number, call: () => Promise<unknown>): Promise<string> => {
    using deadline = startDeadline(budgetMs);
    return fairly(1000, deadline, call).then(
      () => 'answered',
      (error: unknown) => (error as DeliveryError).code,
    );
  };

  it('is no fault of the destination when it is late; a whole one is', async () => {
    assert.equal(await codeWith(300, late), 'cancelled');
    assert.equal(await codeWith(900, late), 'timeout');
  });

  it('is its fault when it fails in any other way, and no fault at all when it answers', async () => {
    assert.equal(await codeWith(300, failsWith(new DeliveryError('peer-failed'))), 'peer-failed');
    assert.equal(await codeWith(300, answers), 'answered');
  });
});
