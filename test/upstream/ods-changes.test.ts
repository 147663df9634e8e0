import assert from 'node:assert/strict';

import { OdsChanges } from '../../src/upstream/ods-changes.ts';
import { odsAffiliation, odsOrganization, searchset } from '../support/ods-resources.ts';
import { NEVER_OPEN, ScriptedServer, sendJson, SILENT, type Script } from './scripted-server.ts';

const empty: Script = (_, response) => sendJson(response, 200, searchset([]));

describe('the directory service, asked for what has changed', () => {
  let server: ScriptedServer;
  let changes: OdsChanges;
  const since = (): Promise<unknown[]> => changes.since('2026-11-01', new AbortController().signal);
  beforeEach(async () => {
    server = await ScriptedServer.start(empty);
    const settings = {
      ...{ base: `${server.origin}/fhir`, interval_hours: 24, page_size: 2, timeout_ms: 2_000 },
      breaker: NEVER_OPEN,
    };
    changes = new OdsChanges(settings, 'the key', SILENT, { betweenPages: 0, first: 1 });
  });
  afterEach(() => {
    changes.close();
    server.stop();
  });

  it('gives every page of both types, in order, with its key', async () => {
    const pages: Record<string, object> = {
      '/fhir/Organization?_lastUpdated=ge2026-11-01&_count=2': searchset(
        [odsOrganization('F81027'), odsOrganization('E82006')],
        `${server.origin}/fhir/Organization?page=2`,
      ),
      '/fhir/Organization?page=2': searchset([odsOrganization('RQW')]),
      '/fhir/OrganizationAffiliation?_lastUpdated=ge2026-11-01&_count=2': searchset([
        odsAffiliation('F81027', '06N'),
      ]),
    };
    server.script = ({ url }, response) => sendJson(response, 200, pages[url] ?? {});
    const ids = (await since()).map((one) => (one as { id: string }).id);
    assert.deepEqual(ids, ['F81027', 'E82006', 'RQW', 'F81027-06N']);
    assert.deepEqual(
      server.seen.map(({ url }) => url),
      Object.keys(pages),
    );
    for (const { headers } of server.seen) assert.equal(headers['apikey'], 'the key');
  });

  it('follows no link that leads elsewhere, and sends nothing there', async () => {
    const other = await ScriptedServer.start(empty);
    try {
      for (const next of [
        `${other.origin}/fhir/Organization?page=2`,
        `${server.origin}/other/Organization`,
        `//${new URL(other.origin).host}/fhir/x`,
        `${server.origin}/fhir/../other`,
        17,
      ]) {
        server.script = (_, response) => sendJson(response, 200, searchset([], next as string));
        await assert.rejects(since(), { code: 'peer-refused' });
      }
      assert.equal(other.seen.length, 0);
    } finally {
      other.stop();
    }
  });

  it('tries a page again that is throttled or fails, and then goes on', async () => {
    const statuses = [429, 503, 500];
    server.script = (seen, response, request) => {
      const status = statuses.shift();
      if (status === undefined) empty(seen, response, request);
      else sendJson(response, status, {});
    };
    assert.deepEqual(await since(), []);
    assert.equal(server.seen.length, 5);
  });

  it('gives up after several tries, and at once where it is refused', async () => {
    server.script = (_, response) => sendJson(response, 503, {});
    await assert.rejects(since(), { code: 'peer-failed' });
    assert.equal(server.seen.length, 5);
    server.script = (_, response) => sendJson(response, 401, {});
    await assert.rejects(since(), { code: 'peer-refused' });
    assert.equal(server.seen.length, 6);
  });

  it('takes nothing that is no Bundle, and pages that go round have an end', async () => {
    for (const body of [{}, [], 'text', { resourceType: 'Patient' }]) {
      server.script = (_, response) => sendJson(response, 200, body);
      await assert.rejects(since(), { code: 'peer-failed' });
    }
    server.script = ({ url }, response) => sendJson(response, 200, searchset([], `${server.origin}${url}`));
    await assert.rejects(since(), { code: 'peer-failed' });
  });
});
