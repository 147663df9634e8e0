import assert from 'node:assert/strict';

import type { EndedSpan } from '../../src/span.ts';
import { noSampling } from '../../src/tracing/sampling.ts';
import { SpanExport, type SpanFate } from '../../src/tracing/span-export.ts';
import { Tracer } from '../../src/tracing/tracer.ts';
import { until } from '../support/until.ts';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe('handing spans to a receiver', () => {
  let fates: Record<SpanFate, number>;
  let batches: number[];
  let answer: () => Promise<number>;
  const exporting = (queueSpans = 10_000): SpanExport => {
    fates = { exported: 0, 'queue-full': 0, 'not-sent': 0, rejected: 0 };
    batches = [];
    return new SpanExport({
      ...{ queueSpans, everyMs: 1, log: silent },
      send: (spans) => {
        batches.push(spans.length);
        return answer();
      },
      onSpans: (what, count) => (fates[what] += count),
    });
  };
  const spans = (count: number): EndedSpan[] => {
    const ended: EndedSpan[] = [];
    const tracer = new Tracer(noSampling, (span) => ended.push(span));
    while (ended.length < count) tracer.begin('plan', { who: 'viewer', traceparent: undefined }).end();
    return ended;
  };
  const add = (to: SpanExport, count: number): void => spans(count).forEach((span) => to.add(span));

  it('sends what waits in batches, and says what was rejected', async () => {
    answer = () => Promise.resolve(batches.length === 1 ? 2 : 0);
    const to = exporting();
    add(to, 600);
    await until(() => fates.exported + fates.rejected === 600);
    assert.deepEqual([batches, fates], [[512, 88], { ...fates, exported: 598, rejected: 2 }]);
    await to.stop();
  });

  it('never keeps more than its queue, however long the receiver takes', async () => {
    const held = Promise.withResolvers<number>();
    answer = () => held.promise;
    const to = exporting(5);
    add(to, 1);
    await until(() => batches.length === 1);
    add(to, 12);
    assert.deepEqual(fates, { exported: 0, 'queue-full': 7, 'not-sent': 0, rejected: 0 });
    held.resolve(0);
    await until(() => fates.exported === 6);
    await to.stop();
  });

  it('drops what does not arrive, and goes on when the receiver is back', async () => {
    answer = () => Promise.reject(new Error('away'));
    const to = exporting();
    add(to, 3);
    await until(() => fates['not-sent'] === 3);
    answer = () => Promise.resolve(0);
    add(to, 2);
    await until(() => fates.exported === 2);
    await to.stop();
  });

  it('sends what is left when it is stopped, and gives up at once where the receiver is away', async () => {
    answer = () => Promise.resolve(0);
    const to = exporting();
    add(to, 700);
    await to.stop();
    assert.equal(fates.exported, 700);
    answer = () => Promise.reject(new Error('away'));
    const away = exporting();
    add(away, 700);
    await away.stop();
    assert.deepEqual([fates['not-sent'], batches.length], [700, 1]);
  });
});

describe('a span', () => {
  it('is told of once, with the parts that were over before it, whether or not it is recorded', () => {
    const ended: EndedSpan[] = [];
    const tracer = new Tracer(noSampling, (span) => ended.push(span));
    const request = tracer.begin('viewer-request', { who: 'viewer', traceparent: 'nonsense' });
    const asked = request.begin('ask-region', { region: 'london' });
    const late = request.begin('locate');
    asked.end({ outcome: 'none' });
    asked.end({ outcome: 'answered' });
    request.end({ status: 200 });
    late.end();
    assert.deepEqual(
      ended.map(({ name }) => name),
      ['ask-region', 'viewer-request', 'locate'],
    );
    const [first, root, last] = ended;
    assert.deepEqual(first?.facts, { region: 'london', outcome: 'none' });
    assert.deepEqual(root?.parts, [first]);
    assert.deepEqual(
      [first?.parentId, last?.parentId, root?.parentId],
      [root?.spanId, root?.spanId, undefined],
    );
    assert.equal(new Set(ended.map(({ traceId }) => traceId)).size, 1);
    assert.match(request.traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  });
});
