import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';

import { smallData, PATIENT } from '../requesting/small-data.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.ts';
import { readMetrics, type Series } from '../support/prometheus-text.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { until } from '../support/until.ts';
import { rollCallOf, TestViewer } from '../support/viewer.ts';

const HWE = 'herts-west-essex';
const ROOT = resolve(import.meta.dirname, '../..');
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SENT = 'b7ad6b7169203331';
const EXCHANGE = '7a1e5d0c-0000-4000-8000-00000000cafe';
const OBSERVATION = `/fhir/Observation?patient=${PATIENT}&code=8867-4`;
/** What must never leave for who watches: numbers, names, users, tokens, addresses with parameters, search values. */
const SECRET = /9990000018|Person|Test Street|dr\.test|eyJ|[?&][a-z_-]+=|8867-4|fhir\.nhs\.uk|RQW/;

interface Line {
  readonly message: string;
  readonly exchange: string;
  readonly trace: string;
  readonly outcome: string;
  readonly ms: number;
  readonly regions?: Readonly<Record<string, string>>;
  readonly records?: Readonly<Record<string, string>>;
}

describe('watching brokers of two regions, where a third is down', () => {
  let receiver: OtlpReceiver;
  let federation: TestFederation;
  let viewer: TestViewer;
  before(async () => {
    receiver = await OtlpReceiver.start();
    federation = await startFederation({
      ...{ regions: [HWE, 'london'], data: smallData() },
      edit: (_region, raw) => (raw['tracing'] = { otlp: receiver.url, ratio: 1, every_ms: 50 }),
    });
    viewer = new TestViewer(federation, HWE);
    const headers = { 'X-Request-Id': EXCHANGE, traceparent: `00-${TRACE}-${SENT}-00` };
    const { body } = await viewer.ask(PATIENT, OBSERVATION, { headers });
    const told = rollCallOf(body);
    assert.deepEqual([told['london']?.[0], told['essex-suffolk']?.[0]], ['answered', 'not-reached']);
    await until(() => receiver.spans.some(({ name }) => name === 'viewer-request'), 'the trace');
    await until(() => receiver.spans.some(({ name }) => name === 'neighbour-request'), 'the other part');
  });
  after(async () => {
    viewer.close();
    await federation.stop();
    await receiver[Symbol.asyncDispose]();
  });

  const scraped = async (region: 'herts-west-essex' | 'london' = HWE): Promise<Series[]> => {
    const response = await fetch(`http://127.0.0.1:${federation.broker(region).ports.admin}/metrics`);
    return readMetrics(await response.text());
  };
  const told = (series: readonly Series[], name: string): Record<string, number> =>
    Object.fromEntries(
      series
        .filter((one) => one.name === `wayleave_${name}`)
        .map(({ labels, value }) => [Object.values(labels).join(' '), value]),
    );
  const called = (name: string, region?: string): ReceivedSpan => {
    const found = receiver.spans.find(
      (one) =>
        one.traceId === TRACE &&
        one.name === name &&
        (region === undefined || one.facts['wayleave.region'] === region),
    );
    return found ?? assert.fail(`no span ${name} ${region}`);
  };

  describe('a trace', () => {
    it('is one over both ends, and the one that the viewer is in', () => {
      const request = called('viewer-request');
      assert.deepEqual([request.region, request.parentSpanId], [HWE, SENT]);
      const asked = called('ask-region', 'london');
      assert.equal(asked.parentSpanId, request.spanId);
      const heard = called('neighbour-request');
      assert.deepEqual([heard.region, heard.parentSpanId], ['london', asked.spanId]);
      for (const name of ['verify', 'policy', 'record', 'answer'])
        assert.deepEqual([called(name).region, called(name).parentSpanId], ['london', heard.spanId], name);
      assert.equal(called('plan').parentSpanId, request.spanId);
    });

    it('says what came of each region and record, and which exchange it was at each end', () => {
      const request = called('viewer-request').facts;
      assert.equal(request['wayleave.exchange'], EXCHANGE);
      assert.deepEqual([request['wayleave.outcome'], request['wayleave.status']], ['incomplete', '200']);
      const london = called('ask-region', 'london').facts;
      assert.deepEqual([london['wayleave.outcome'], london['wayleave.types']], ['answered', ['Observation']]);
      assert.ok((london['wayleave.asked'] as string[]).includes('care-location'));
      const essex = called('ask-region', 'essex-suffolk').facts;
      assert.deepEqual([essex['wayleave.outcome'], essex['wayleave.reason']], ['not-reached', 'fault']);
      assert.equal(typeof essex['wayleave.fault'], 'string');
      const heard = called('neighbour-request').facts;
      assert.equal(heard['wayleave.exchange'], london['wayleave.query']);
      assert.equal(called('record').facts['wayleave.outcome'], 'answered');
    });

    it('has the home region’s part, where another asks whom else to ask', async () => {
      const london = new TestViewer(federation, 'london');
      const count = receiver.spans.length;
      await london.ask(PATIENT, OBSERVATION);
      london.close();
      const since = (name: string, region: string): ReceivedSpan | undefined =>
        receiver.spans.slice(count).find((one) => one.name === name && one.region === region);
      const isHeard = (): boolean =>
        receiver.spans.slice(count).some(({ facts }) => facts['wayleave.message'] === 'locate');
      await until(() => isHeard() && since('viewer-request', 'london') !== undefined, 'the trace');
      const locate = since('locate', 'london');
      assert.deepEqual(
        [locate?.facts['wayleave.region'], locate?.facts['wayleave.outcome']],
        [HWE, 'answered'],
      );
      const heard = receiver.spans.find(({ parentSpanId }) => parentSpanId === locate?.spanId);
      assert.deepEqual([heard?.region, heard?.traceId], [HWE, locate?.traceId]);
    });

    it('has parts that lie within what they are parts of', () => {
      const { startedNs, endedNs } = called('neighbour-request');
      const record = called('record');
      assert.ok(startedNs <= record.startedNs && record.startedNs <= record.endedNs);
      assert.ok(record.endedNs <= endedNs);
    });
  });

  describe('a line of the log', () => {
    const lines = (message: string): Line[] =>
      federation.logged.map((line) => JSON.parse(line) as Line).filter((line) => line.message === message);

    it('is there for each exchange at both ends, with its trace, outcomes and milliseconds', () => {
      const line = lines('viewer request').find(({ exchange }) => exchange === EXCHANGE);
      assert.deepEqual([line?.trace, line?.outcome], [TRACE, 'incomplete']);
      assert.match(line?.regions?.['london'] ?? '', /^answered \d+ms$/);
      assert.match(line?.regions?.['essex-suffolk'] ?? '', /^not-reached fault \d+ms$/);
      const { trace, exchange, records, outcome } =
        lines('neighbour request')[0] ?? assert.fail('none at the other end');
      assert.deepEqual([trace, outcome], [TRACE, 'answered']);
      assert.equal(exchange, called('ask-region', 'london').facts['wayleave.query']);
      assert.match(Object.values(records ?? {})[0] ?? '', /^answered \d+ms$/);
    });
  });

  describe('the metrics of what happened', () => {
    it('have at the requester what each region answered, and how long that took', async () => {
      const series = await scraped();
      const answers = told(series, 'region_answers_total');
      assert.equal(answers['london query answered '], 1);
      assert.equal(answers['essex-suffolk query not-reached fault'], 1);
      const counts = told(series, 'region_answer_duration_seconds_count');
      assert.deepEqual([counts['london query true'], counts['essex-suffolk query false']], [1, 1]);
      const buckets = series.filter(({ name }) => name === 'wayleave_region_answer_duration_seconds_bucket');
      assert.ok(buckets.some(({ labels }) => labels['le'] === '5'));
      assert.equal(told(series, 'viewer_requests_total')[`${viewer.id} incomplete`], 1);
      assert.equal(told(series, 'http_requests_total')['viewer /fhir/:type 200'], 1);
    });

    it('have at the responder what it answered, from which record, and how long appends took', async () => {
      const series = await scraped('london');
      assert.equal(told(series, 'neighbour_requests_total')[`${HWE} query answered`], 1);
      const reads = Object.entries(told(series, 'record_reads_total'));
      assert.ok(reads.some(([labels, value]) => labels.endsWith(' answered ') && value === 1));
      assert.ok((told(series, 'log_append_duration_seconds_count')[''] ?? 0) >= 2);
      assert.equal(told(series, 'log_appends_waiting')[''], 0);
      assert.equal(told(series, 'log_append_failures_total')[''], 0);
    });

    it('have the refusals by code, with the region where it is proved', async () => {
      const neighbour = new TestNeighbour(federation, HWE);
      const before = told(await scraped('london'), 'neighbour_refusals_total');
      assert.deepEqual(before, {});
      await neighbour.send('london', 'no token');
      const after = told(await scraped('london'), 'neighbour_refusals_total');
      assert.deepEqual(after, { [`${HWE} malformed`]: 1 });
    });

    it('have the process: memory, descriptors, the lag of the event loop', async () => {
      const series = await scraped();
      const value = (name: string): number => series.find((one) => one.name === name)?.value ?? -1;
      assert.ok(value('process_resident_memory_bytes') > 10e6);
      assert.ok(value('process_open_fds') > 3 && value('process_max_fds') >= value('process_open_fds'));
      assert.ok(value('wayleave_event_loop_delay_seconds') >= 0);
      assert.ok(value('wayleave_event_loop_delay_seconds') < 60);
      assert.ok(value('process_cpu_seconds_total') > 0);
    });

    it('have no series for what somebody made up', async () => {
      const neighbour = new TestNeighbour(federation, HWE);
      const garbage = async (word: string): Promise<void> => {
        const headers = { 'X-Request-Id': word, traceparent: `00-${word}-01` };
        const paths = [
          ...[`/${word}`, `/fhir/${word}`, `/fhir/Patient/${word}`, `/fhir/Patient/${word}/$everything`],
          ...[`/regions/${word}/${word}/fhir/${word}/${word}`, `/regions/london/${word}/fhir/X${word}/1`],
          ...[
            `/fhir/CodeSystem/${word}`,
            `/fhir/AuditEvent/${word}`,
            `/feeds/${word}`,
            `/fhir?_page=${word}`,
          ],
        ];
        await Promise.all(paths.map((path) => viewer.ask(PATIENT, path, { headers })));
        await viewer.send(`/fhir/Condition?patient=${word}`, {
          headers: { Authorization: `Bearer ${word}` },
        });
        await neighbour.send('london', word, { headers });
        await neighbour.send('london', word, { path: `/federation/v1/${word}`, method: word });
      };
      const keys = async (): Promise<string[]> =>
        [...(await scraped()), ...(await scraped('london'))]
          .map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`)
          // What brokers do among themselves meanwhile, and our own scrapes.
          .filter((key) => !/"listener":"(admin|statement)"|trace_spans/.test(key))
          .sort();
      await garbage('GARBAGE');
      const first = await keys();
      for (const word of ['JOHNSMITH', 'SN9990000018', 'X0', 'x'.repeat(60)]) await garbage(word);
      assert.deepEqual(await keys(), first);
      assert.ok(!first.some((key) => key.includes('GARBAGE')), first.join('\n'));
    });
  });

  describe('whoever watches', () => {
    it('gets nothing that names a patient, a person or what was asked', async () => {
      // After the garbage above, too.
      const count = receiver.spans.length;
      await viewer.ask(PATIENT, OBSERVATION);
      await until(() => receiver.spans.slice(count).some(({ name }) => name === 'viewer-request'));
      const seen = receiver.raw.join('\n');
      assert.ok(seen.length > 10_000);
      assert.doesNotMatch(seen, SECRET);
      const lines = federation.logged.join('\n');
      assert.doesNotMatch(lines, SECRET);
      const labels = [...(await scraped()), ...(await scraped('london'))].map((one) => one.labels);
      assert.doesNotMatch(JSON.stringify(labels), SECRET);
    });

    it('is waited for by no answer, and what does not arrive is counted', async () => {
      receiver.status = 503;
      const { body } = await viewer.ask(PATIENT, OBSERVATION);
      assert.equal(rollCallOf(body)['london']?.[0], 'answered');
      await until(async () => (told(await scraped(), 'trace_spans_total')['not-sent'] ?? 0) > 0, 'the count');
      const { exported = 0 } = told(await scraped(), 'trace_spans_total');
      assert.ok(exported > 0);
      receiver.status = 200;
    });
  });

  describe('the documents', () => {
    const operations = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
    const rules = parse(readFileSync(join(ROOT, 'docs/alerts.yaml'), 'utf8')) as {
      groups: { name: string; rules: { alert: string; expr: string; labels: { severity: string } }[] }[];
    };
    const alerts = rules.groups.flatMap((group) => group.rules);
    const scrapedNames = async (): Promise<string[]> => {
      const response = await fetch(`http://127.0.0.1:${federation.broker(HWE).ports.admin}/metrics`);
      return [...(await response.text()).matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name).sort();
    };

    it('tell of every metric that a broker has, and of no other', async () => {
      const named = [...operations.matchAll(/^\| `((?:wayleave|process|nodejs)_\w+)` /gm)].map(
        ([, name = '']) => name,
      );
      assert.deepEqual(named.sort(), await scrapedNames());
    });

    it('have alert rules over metrics that are there', async () => {
      const names = new Set(await scrapedNames());
      assert.ok(alerts.length > 15);
      for (const { alert, expr } of alerts) {
        const used = [...expr.matchAll(/\b(?:wayleave|process|nodejs)_\w+/g)].map(([name]) => name);
        assert.ok(used.length > 0, alert);
        for (const name of used)
          assert.ok(
            names.has(name) || names.has(name.replace(/_(?:bucket|sum|count)$/, '')),
            `${alert}: ${name}`,
          );
      }
    });

    it('have a run-book for each alert: what it means, what to look at, what to do, when it is over', () => {
      const twice = new Set<string>();
      for (const { alert, labels } of alerts) {
        assert.ok(!twice.has(alert), alert);
        twice.add(alert);
        assert.ok(['info', 'warning', 'critical'].includes(labels.severity), alert);
        const [, section = ''] = operations.split(new RegExp(`^### .*\\b${alert}\\b.*$`, 'm'));
        const [text = ''] = section.split(/^##/m);
        for (const part of ['For clinicians', 'Look', 'Do', 'Over'])
          assert.match(text, new RegExp(`^- \\*\\*${part}\\*\\*:`, 'm'), `${alert}: ${part}`);
      }
    });
  });
});
