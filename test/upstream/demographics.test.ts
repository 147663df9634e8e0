import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import type { ConfiguredDemographics } from '../../src/config/load.ts';
import { startDeadline } from '../../src/deadline.ts';
import { Demographics } from '../../src/upstream/demographics.ts';
import { remembering } from '../support/told-restrictions.ts';
import { until } from '../support/until.ts';
import { NEVER_OPEN, ScriptedServer, sendJson, SILENT, type Script } from './scripted-server.ts';

const [ONE, TWO, THREE] = ['9990000018', '9990000026', '9990000034'];
const registered: Script = ({ url }, response) =>
  sendJson(response, 200, {
    resourceType: 'Patient',
    id: url.split('/').at(-1),
    meta: { security: [{ code: 'U' }] },
    generalPractitioner: [{ identifier: { value: 'F81027' } }],
  });

const NO_CACHE = { entries: 0, fresh_seconds: 0, seconds: 0 };

/** The form of PDS's own errors. */
function pdsError(code: string): object {
  const system = 'https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode';
  const details = { coding: [{ system, version: '1', code, display: 'Resource not found' }] };
  return {
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'information', code: 'not-found', details }],
  };
}

describe('demographics', () => {
  let server: ScriptedServer;
  let opened: Demographics[];
  let clock: number;
  beforeEach(async () => {
    server = await ScriptedServer.start(registered);
    opened = [];
    clock = Date.parse('2026-11-22T12:00:00Z');
  });
  afterEach(() => {
    for (const one of opened) one.close();
    server.stop();
  });

  function demographics(change: Partial<ConfiguredDemographics> = {}): Demographics {
    const settings = {
      base: `${server.origin}/FHIR/R4`,
      credentials: { kind: 'none' } as const,
      timeout_ms: 500,
      rate_per_second: 1000,
      cache: { entries: 2, fresh_seconds: 60, seconds: 300 },
      breaker: NEVER_OPEN,
      ...change,
    };
    const made = new Demographics(settings, remembering(), SILENT, () => clock);
    opened.push(made);
    return made;
  }
  async function kindOf(source: Demographics, nhsNumber = ONE, budgetMs = 2000): Promise<string> {
    using deadline = startDeadline(budgetMs);
    return (await source.registrationOf(nhsNumber ?? '', deadline)).kind;
  }

  it('is asked as PDS wants it: an id for each request, JSON, the organisation where there is one', async () => {
    await kindOf(demographics({ organisation: 'RQW' }));
    const [seen] = server.seen;
    assert.equal(seen?.url, `/FHIR/R4/Patient/${ONE}`);
    assert.match(String(seen?.headers['x-request-id']), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.equal(seen?.headers.accept, 'application/fhir+json');
    assert.equal(seen?.headers['nhsd-end-user-organisation-ods'], 'RQW');
    await kindOf(demographics());
    assert.equal('nhsd-end-user-organisation-ods' in (server.seen[1]?.headers ?? {}), false);
  });

  it('answers any number of simultaneous questions about one patient with one call', async () => {
    const source = demographics({ cache: NO_CACHE });
    server.script = (seen, response, request) =>
      void setTimeout(() => registered(seen, response, request), 50);
    const kinds = await Promise.all(Array.from({ length: 20 }, () => kindOf(source)));
    assert.deepEqual(new Set(kinds), new Set(['registered']));
    assert.equal(server.seen.length, 1);
    await Promise.all([kindOf(source), kindOf(source, TWO)]);
    assert.equal(server.seen.length, 3);
  });

  it('takes an answer for good for a minute, then asks again: the patient may have become restricted', async () => {
    const source = demographics();
    await kindOf(source);
    clock += 59_000;
    await kindOf(source);
    assert.equal(server.seen.length, 1);
    clock += 2_000;
    const restricted = { resourceType: 'Patient', id: ONE, meta: { security: [{ code: 'R' }] } };
    server.script = (_seen, response) => sendJson(response, 200, restricted);
    assert.equal(await kindOf(source), 'restricted');
    assert.equal(server.seen.length, 2);
  });

  it('lets an answer stand in where it is not reached, for as long as it is told, and no longer', async () => {
    const source = demographics();
    await kindOf(source);
    server.script = (_seen, response) => sendJson(response, 503, {});
    clock += 299_000;
    assert.equal(await kindOf(source), 'registered');
    assert.equal(server.seen.length, 2);
    clock += 2_000;
    assert.equal(await kindOf(source), 'not-reached');
    assert.equal(server.seen.length, 3);
  });

  it('keeps no more answers than it is told, the oldest goes first', async () => {
    const source = demographics();
    for (const number of [ONE, TWO, THREE, TWO, THREE]) await kindOf(source, number);
    assert.equal(server.seen.length, 3);
    await kindOf(source, ONE);
    assert.equal(server.seen.length, 4);
  });

  it('keeps "not known" as well, and never that it was not reached', async () => {
    const source = demographics();
    server.script = (_seen, response) => sendJson(response, 404, pdsError('RESOURCE_NOT_FOUND'));
    assert.deepEqual([await kindOf(source), await kindOf(source)], ['unknown', 'unknown']);
    assert.equal(server.seen.length, 1);
    server.script = (_seen, response) => sendJson(response, 503, {});
    assert.equal(await kindOf(source, TWO), 'not-reached');
    server.script = registered;
    assert.equal(await kindOf(source, TWO), 'registered');
  });

  it('knows the number that PDS has made invalid', async () => {
    server.script = (_seen, response) => sendJson(response, 404, pdsError('INVALIDATED_RESOURCE'));
    assert.equal(await kindOf(demographics()), 'invalidated');
  });

  const OTHER_404: Record<string, unknown> = {
    'nothing in it': undefined,
    'a page of HTML': '<html><h1>404 Not Found</h1></html>',
    'JSON of a gateway': { status: 404, error: 'Not Found', path: 'RESOURCE_NOT_FOUND' },
    'an OperationOutcome without issues': { resourceType: 'OperationOutcome', issue: [] },
    'another error of PDS': pdsError('UNSUPPORTED_SERVICE'),
    'the code where no code belongs': {
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code: 'not-found', diagnostics: 'RESOURCE_NOT_FOUND' }],
    },
  };
  for (const [what, body] of Object.entries(OTHER_404)) {
    it(`is not reached when a 404 has ${what}: that is a wrong address, not "not known"`, async () => {
      const source = demographics();
      server.script = (_seen, response) => sendJson(response, 404, body);
      assert.equal(await kindOf(source), 'not-reached');
      assert.equal(source.destination.status().window.failed, 1);
      server.script = registered;
      assert.equal(await kindOf(source), 'registered');
    });
  }

  it('is not reached when its own time is spent, or the asker’s', async () => {
    server.script = () => undefined;
    const source = demographics({ timeout_ms: 200 });
    assert.equal(await kindOf(source, ONE, 5000), 'not-reached');
    const patient = demographics({ timeout_ms: 5000 });
    const started = performance.now();
    assert.equal(await kindOf(patient, ONE, 100), 'not-reached');
    assert.ok(performance.now() - started < 2000);
  });

  it('goes on for the others when the one who began a call hangs up', async () => {
    const source = demographics();
    server.script = (seen, response, request) =>
      void setTimeout(() => registered(seen, response, request), 200);
    using first = startDeadline(2000);
    const [beginning, other] = [source.registrationOf(ONE ?? '', first), kindOf(source)];
    await sleep(50);
    first.cancel();
    assert.equal((await beginning).kind, 'not-reached');
    assert.equal(await other, 'registered');
    assert.equal(server.seen.length, 1);
  });

  it('takes no answer that is larger than a Patient can be', async () => {
    server.script = (_seen, response) => void response.end('x'.repeat(1024 * 1024));
    assert.equal(await kindOf(demographics()), 'not-reached');
  });

  it('is left alone while it fails, and found again by a probe without a patient’s number', async () => {
    const breaker = { ...NEVER_OPEN, volume_threshold: 3, reset_ms: 200 };
    const source = demographics({ breaker, cache: NO_CACHE });
    server.script = (_seen, response) => void response.writeHead(429, { 'Retry-After': '0' }).end();
    for (let at = 0; at < 4; at += 1) assert.equal(await kindOf(source), 'not-reached');
    const calls = server.seen.length;
    assert.equal(await kindOf(source), 'not-reached');
    assert.equal(server.seen.length, calls);
    server.script = registered;
    await until(() => source.destination.status().circuit === 'closed', 'closed circuit');
    const probe = server.seen.at(-1);
    assert.ok(probe && !probe.url.includes('999'));
    assert.equal(await kindOf(source), 'registered');
  });

  it('counts "not known" as an answer: it opens no circuit', async () => {
    const breaker = { ...NEVER_OPEN, volume_threshold: 2, error_percentage: 1 };
    const source = demographics({ breaker, cache: NO_CACHE });
    server.script = (_seen, response) => sendJson(response, 404, pdsError('RESOURCE_NOT_FOUND'));
    for (let at = 0; at < 6; at += 1) assert.equal(await kindOf(source), 'unknown');
    assert.equal(source.destination.status().circuit, 'closed');
  });
});
