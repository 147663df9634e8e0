import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { SYSTEM } from '../../src/fhir/codes.ts';
import { errorCode, issuesOf, matchesOf, rollCallOf, warningsOf } from '../support/viewer.ts';
import { AskedOfLiars } from './asked-of-liars.ts';
import { EventStream, type StreamEvent } from './event-stream.ts';
import type { LyingLondon } from './lying-london.ts';
import { NOWHERE_PATIENT, PATIENT } from './small-data.ts';

const CONDITION = `/fhir/Condition?patient=${PATIENT}`;

/** `region outcome` of a region's event. */
function toldBy({ event, data }: StreamEvent): string {
  const tag = (system: string) => data.meta?.tag?.find((one) => one.system === system)?.code;
  return event === 'region' ? `${tag(SYSTEM.region)} ${tag(SYSTEM.outcome)}` : event;
}

describe('the event stream', () => {
  let asked: AskedOfLiars;
  let london: LyingLondon;
  before(async () => {
    asked = await AskedOfLiars.start();
    ({ london } = asked);
  });
  after(() => asked.stop());
  beforeEach(() => {
    london.behaviour = (heard) => london.genuine(heard);
  });

  const open = (path = CONDITION, headers: Record<string, string> = {}, form?: string) =>
    EventStream.open(asked.viewer, PATIENT, path, headers, form);

  it('brings a region the moment it answers, while another is still awaited, and the end last', async () => {
    const go = Promise.withResolvers<void>();
    london.behaviour = async (heard) => {
      await go.promise;
      return london.genuine(heard);
    };
    const stream = await open();
    assert.equal(stream.response.statusCode, 200);
    assert.match(String(stream.response.headers['content-type']), /^text\/event-stream/);
    assert.equal(stream.response.headers['cache-control'], 'no-store');
    const first = await stream.next();
    assert.ok(first);
    assert.equal(toldBy(first), 'essex-suffolk answered');
    assert.deepEqual(
      matchesOf(first.data).map(({ fullUrl }) => fullUrl.split('/regions/')[1]),
      ['essex-suffolk/suffolk-north-east-essex/fhir/Condition/c1'],
    );
    go.resolve();
    const rest = await stream.rest();
    assert.deepEqual(rest.map(toldBy), ['london answered', 'end']);
    const end = rest.at(-1)?.data;
    assert.equal(end?.resourceType, 'OperationOutcome');
    assert.deepEqual(rollCallOf(end), {
      'herts-west-essex': ['not-asked', 'own-record'],
      london: ['answered', 'care-location'],
      'essex-suffolk': ['answered', 'care-location'],
      'west-midlands': ['not-asked', 'no-reason'],
    });
  });

  it('holds the same entries as the Bundle', async () => {
    const path = `/fhir/Patient/${PATIENT}/$everything`;
    const events = await (await open(path)).rest();
    const streamed = events.slice(0, -1).flatMap(({ data }) => matchesOf(data).map(({ fullUrl }) => fullUrl));
    const bundle = await asked.viewer.ask(PATIENT, path);
    assert.deepEqual(
      streamed.sort(),
      matchesOf(bundle.body)
        .map(({ fullUrl }) => fullUrl)
        .sort(),
    );
    for (const { data } of events.slice(0, -1)) {
      assert.deepEqual([data.resourceType, data.type], ['Bundle', 'searchset']);
    }
  });

  it('is had by POST as well', async () => {
    const events = await (await open('/fhir/Condition/_search', {}, `patient=${PATIENT}`)).rest();
    assert.deepEqual(events.map(toldBy).sort(), ['end', 'essex-suffolk answered', 'london answered']);
  });

  it('tells a region that failed with the reason, in its own event and at the end', async () => {
    london.behaviour = (heard) => london.believable(heard, { claims: { query_digest: 'A'.repeat(43) } });
    const events = await (await open()).rest();
    const failed = events.find((event) => toldBy(event) === 'london not-reached');
    assert.ok(failed);
    assert.deepEqual(matchesOf(failed.data), []);
    for (const { data } of [failed, ...events.slice(-1)]) {
      assert.deepEqual(warningsOf(data), ['incomplete london not-reached not-believed']);
    }
    assert.ok(issuesOf(events.at(-1)?.data ?? failed.data).every(({ severity }) => severity !== 'error'));
  });

  it('has a page link of each region’s own, which goes on as a Bundle', async () => {
    const events = await (await open(`/fhir/Observation?patient=${PATIENT}&_count=5`)).rest();
    const one = events.find((event) => toldBy(event).startsWith('london'));
    const next = one?.data.link?.find(({ relation }) => relation === 'next')?.url ?? '';
    const { status, body } = await asked.viewer.ask(PATIENT, next);
    assert.equal(status, 200);
    assert.deepEqual(
      matchesOf(body).map(({ fullUrl }) => fullUrl.includes('/regions/london/')),
      [true, true, true, true, true],
    );
  });

  it('only ends where nobody is asked', async () => {
    const path = `/fhir/Condition?patient=${NOWHERE_PATIENT}`;
    const stream = await EventStream.open(asked.viewer, NOWHERE_PATIENT, path);
    const [end, ...more] = await stream.rest();
    assert.deepEqual([end?.event, more.length], ['end', 0]);
    assert.equal(Object.keys(rollCallOf(end?.data ?? { resourceType: '' })).length, 4);
  });

  it('by a region’s own Patient URL asks that record alone, and ends with an error for an unknown one', async () => {
    const named = (id: string) =>
      encodeURIComponent(`${asked.viewer.base}/regions/london/london-care-record/fhir/Patient/${id}`);
    const good = await (await open(`/fhir/Condition?patient=${named('p1')}`)).rest();
    assert.deepEqual(good.map(toldBy), ['london answered', 'end']);
    assert.deepEqual(
      matchesOf(good[0]?.data ?? { resourceType: '' }).map(({ resource }) => resource.resourceType),
      ['Condition'],
    );
    const bad = await (await open(`/fhir/Condition?patient=${named('p2')}`)).rest();
    assert.deepEqual(bad.map(toldBy), ['end']);
    assert.equal(errorCode(bad[0]?.data ?? { resourceType: '' }), 'not-found');
  });

  it('is refused before it begins, as any request is', async () => {
    for (const [path, status, code] of [
      ['/fhir/Condition?patient=9990000026', 403, 'patient-mismatch'],
      [`${CONDITION}&colour=blue`, 400, 'unknown-parameter'],
    ] as const) {
      const reply = await asked.viewer.ask(PATIENT, path, { headers: { Accept: 'text/event-stream' } });
      assert.deepEqual([reply.status, errorCode(reply.body)], [status, code]);
    }
  });

  it('stops the work at the neighbours when the viewer hangs up, and so does a Bundle', async () => {
    for (const accept of ['text/event-stream', 'application/fhir+json']) {
      const held = Promise.withResolvers<void>();
      const aborted = Promise.withResolvers<void>();
      london.behaviour = (_heard, response) => {
        response.on('close', aborted.resolve);
        held.resolve();
        return undefined;
      };
      const hangUp = new AbortController();
      const asking = asked.viewer.ask(PATIENT, CONDITION, {
        headers: { Accept: accept },
        signal: hangUp.signal,
      });
      asking.catch(() => undefined);
      await held.promise;
      hangUp.abort();
      await assert.rejects(asking);
      const late = sleep(3000, 'late', { ref: false });
      assert.notEqual(await Promise.race([aborted.promise, late]), 'late');
    }
    assert.deepEqual((await asked.circuit()).circuit, 'closed');
  });
});

describe('the event stream where nothing comes', () => {
  it('ends with an error when no region answers within what the viewer waits', async () => {
    const asked = await AskedOfLiars.start();
    await asked.federation.stopBroker('essex-suffolk');
    asked.london.behaviour = () => undefined;
    const started = performance.now();
    const prefer = { Prefer: 'respond-async, wait=0.4' };
    const events = await (await EventStream.open(asked.viewer, PATIENT, CONDITION, prefer)).rest();
    assert.ok(performance.now() - started < 3000);
    assert.deepEqual(events.map(toldBy).sort(), ['end', 'essex-suffolk not-reached', 'london not-reached']);
    assert.equal(errorCode(events.at(-1)?.data ?? { resourceType: '' }), 'nobody-answered');
    await asked.stop();
  });

  it('ends in time also when demographics never answer', async () => {
    const edit = (_region: string, config: { demographics: object }) =>
      Object.assign(config.demographics, { timeout_ms: 10_000 });
    const asked = await AskedOfLiars.start({}, { demographics: () => undefined, edit: edit as never });
    const started = performance.now();
    const prefer = { Prefer: 'wait=0.4' };
    const events = await (await EventStream.open(asked.viewer, PATIENT, CONDITION, prefer)).rest();
    assert.ok(performance.now() - started < 3000);
    assert.equal(events.at(-1)?.event, 'end');
    await asked.stop();
  });
});
