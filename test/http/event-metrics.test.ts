import assert from 'node:assert/strict';

import { EventMetrics } from '../../src/http/event-metrics.ts';
import { noSampling } from '../../src/tracing/sampling.ts';
import { Tracer } from '../../src/tracing/tracer.ts';
import { readMetrics } from '../support/prometheus-text.ts';

describe('the metrics of what happened', () => {
  let metrics: EventMetrics;
  let tracer: Tracer;
  beforeEach(() => {
    metrics = new EventMetrics();
    tracer = new Tracer(noSampling, (span) => metrics.ended(span));
  });
  const request = () => tracer.begin('viewer-request', { who: 'viewer', traceparent: undefined });
  const told = async (name: string): Promise<Record<string, number>> =>
    Object.fromEntries(
      readMetrics(await metrics.registry.metrics())
        .filter((one) => one.name === `wayleave_${name}`)
        .map(({ labels, value }) => [Object.values(labels).join(' '), value]),
    );

  it('are in the text format also before anything happened', async () => {
    assert.deepEqual(await told('log_appends_waiting'), { '': 0 });
    assert.deepEqual(await told('region_answers_total'), {});
  });

  it('count from nought what an alert looks for, for each region that may be asked', async () => {
    metrics.mayBeAsked('london');
    const span = request();
    span.begin('ask-region', { region: 'london' }).end({ outcome: 'answered', responded: true });
    metrics.mayBeAsked('london');
    const answers = await told('region_answers_total');
    assert.equal(answers['london query not-reached not-believed'], 0);
    assert.equal(answers['london query answered '], 1);
  });

  it('have the time of a region that was waited for, and of no other', async () => {
    const span = request();
    const ask = (facts: object): void => span.begin('ask-region', { region: 'london' }).end(facts);
    ask({ outcome: 'answered', responded: true });
    ask({ outcome: 'not-reached', reason: 'timeout', fault: 'timeout', responded: false });
    ask({ outcome: 'not-reached', reason: 'paused', responded: false });
    ask({ outcome: 'not-offered', responded: false });
    assert.deepEqual(await told('region_answer_duration_seconds_count'), {
      'london query true': 1,
      'london query false': 1,
    });
  });

  it('count what was sent a second time', async () => {
    const span = request();
    span.begin('ask-region', { region: 'london' }).end({ outcome: 'none', responded: true, retried: true });
    span.begin('locate', { region: 'essex' }).end({ outcome: 'answered', responded: true, retried: false });
    assert.deepEqual(await told('region_retries_total'), { london: 1 });
    assert.deepEqual(await told('region_answers_total'), {
      'london query none ': 1,
      'essex locate answered ': 1,
    });
  });

  it('have a request that ended in nothing as failed, and one of nobody without a viewer', async () => {
    request().end();
    request().end({ viewer: 'gp', outcome: 'incomplete' });
    assert.deepEqual(await told('viewer_requests_total'), { ' failed': 1, 'gp incomplete': 1 });
  });

  it('have the appends that wait, those that are over, and those that failed', async () => {
    for (let nth = 0; nth < 3; nth += 1) metrics.appendWaits();
    metrics.appendOver(4, true);
    metrics.appendOver(4, false);
    assert.deepEqual(await told('log_appends_waiting'), { '': 1 });
    assert.deepEqual(await told('log_append_failures_total'), { '': 1 });
    assert.deepEqual(await told('log_append_duration_seconds_count'), { '': 2 });
  });
});
