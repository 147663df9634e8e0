import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';

import { startDeadline } from '../../src/deadline.ts';
import { DeliveryError } from '../../src/errors.ts';
import { RecordLink } from '../../src/upstream/record-link.ts';
import { configuredRecord } from './configured-record.ts';
import { ScriptedServer, sendJson, SILENT, type Script } from './scripted-server.ts';

const gives: Script = (_seen, response) => sendJson(response, 200, { resourceType: 'Condition', id: 'c1' });
const hangsUp = (_seen: unknown, response: ServerResponse): void => void response.destroy();

describe('the way to a record', () => {
  let server: ScriptedServer;
  let link: RecordLink;
  beforeEach(async () => {
    server = await ScriptedServer.start(gives);
    link = new RecordLink(configuredRecord(server.origin), SILENT, Date.now);
  });
  afterEach(() => {
    link.close();
    server.stop();
  });
  async function get(): Promise<string> {
    using deadline = startDeadline(5_000);
    try {
      return (await link.get('Condition/c1', deadline))?.id ?? 'nothing';
    } catch (error) {
      assert.ok(error instanceof DeliveryError);
      return error.code;
    }
  }

  it('asks once more where a connection that was kept turns out to be closed, and blames nobody', async () => {
    assert.equal(await get(), 'c1');
    server.script = (seen, response, request) => {
      server.script = gives;
      hangsUp(seen, response);
      request.resume();
    };
    assert.equal(await get(), 'c1');
    assert.deepEqual([server.seen.length, link.destination.status().window.failed], [3, 0]);
    server.script = hangsUp;
    assert.equal(await get(), 'lost-connection');
    assert.deepEqual([server.seen.length, link.destination.status().window.failed], [5, 1]);
    // On a new connection there is no such doubt.
    assert.equal(await get(), 'lost-connection');
    assert.equal(server.seen.length, 6);
  });

  it('leaves it alone for as long as it asks', async () => {
    server.script = (_seen, response) => void response.writeHead(429, { 'Retry-After': '20' }).end();
    assert.deepEqual([await get(), await get()], ['peer-throttled', 'left-alone']);
    assert.equal(server.seen.length, 1);
  });
});
