import assert from 'node:assert/strict';

import { startFederation, type TestFederation } from '../support/federation.ts';
import { readMetrics } from '../support/prometheus-text.ts';
import { rollCallOf, TestViewer } from '../support/viewer.ts';

const PATIENT = '9990000018';
const HWE = 'herts-west-essex';

describe('GET /metrics of a broker', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  before(async () => {
    federation = await startFederation({ regions: [HWE, 'london'] });
    viewer = new TestViewer(federation, HWE);
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  const scraped = async () => {
    const response = await fetch(`http://127.0.0.1:${federation.broker(HWE).ports.admin}/metrics`);
    const text = await response.text();
    return { response, text, series: readMetrics(text) };
  };

  it('is the text format 0.0.4', async () => {
    const { response } = await scraped();
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  });

  it('has everything that ends, as the status has it', async () => {
    const { series } = await scraped();
    const { certificates } = await federation.broker(HWE).status();
    const ends = series.filter(({ name }) => name === 'wayleave_valid_until_seconds');
    assert.ok(ends.length > 8, String(ends.length));
    const told = ends.map(({ labels, value }) => [
      ...['whose', 'kind', 'region', 'name'].map((label) => labels[label]),
      value,
    ]);
    const shown = certificates.map(({ whose, kind, region, name, validUntil }) => [
      ...[whose, kind, region, name],
      Date.parse(validUntil) / 1000,
    ]);
    assert.deepEqual(told.map(String).sort(), shown.map(String).sort());
    assert.ok(ends.some(({ labels }) => labels['whose'] === 'theirs' && labels['region'] === 'london'));
  });

  it('follows a decision, and forgets how the neighbour stood before', async () => {
    const states = async () =>
      (await scraped()).series
        .filter(({ name, labels }) => name === 'wayleave_neighbour_state' && labels['region'] === 'london')
        .flatMap(({ labels, value }) => (value === 1 ? [labels['state']] : []));
    assert.deepEqual(await states(), ['trusted']);
    const { trust } = federation.broker(HWE);
    await trust.pause('london', Date.now() + 60_000, { by: 'operator-1', why: 'planned work' });
    assert.deepEqual(await states(), ['paused']);
    await trust.resume('london', { by: 'operator-1', why: 'done' });
    assert.deepEqual(await states(), ['trusted']);
  });

  it('names no patient, no admin and no key', async () => {
    const { body } = await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
    assert.equal(rollCallOf(body)['london']?.[0], 'answered');
    // But for the values, whose digits are anything.
    const named = (await scraped()).text.replace(/ \S+$/gm, '');
    assert.doesNotMatch(named, /999\d{7}|operator-1|planned work|eyJ|-----BEGIN|"x":/);
  });

  it('is at the listener of this machine alone', async () => {
    for (const path of ['/metrics', '/fhir/metrics']) {
      const { status } = await viewer.ask(PATIENT, path);
      assert.ok(status === 404 || status === 400, `${path}: ${status}`);
    }
  });
});
