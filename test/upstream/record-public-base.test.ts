import assert from 'node:assert/strict';

import { startDeadline } from '../../src/deadline.ts';
import { RecordLink } from '../../src/upstream/record-link.ts';
import { configuredRecord } from './configured-record.ts';
import { ScriptedServer, sendJson, SILENT } from './scripted-server.ts';

const [PUBLIC, BELOW] = ['https://records.example/r4', 'https://records.example/r4/london'];

describe('a regional record that calls itself by its public base', () => {
  let server: ScriptedServer;
  before(async () => {
    server = await ScriptedServer.start(() => undefined);
  });
  after(() => server.stop());

  async function given(body: object, public_base: string[]): Promise<unknown> {
    server.script = (_seen, response) => sendJson(response, 200, body);
    const record = configuredRecord(`${server.origin}/fhir`, { public_base });
    const link = new RecordLink(record, SILENT, Date.now);
    using deadline = startDeadline(3000);
    try {
      return await link.get('Condition?patient=1', deadline);
    } finally {
      link.close();
    }
  }
  const searchset = (base: string): object => ({
    resourceType: 'Bundle',
    type: 'searchset',
    link: [
      { relation: 'self', url: `${base}/Condition?patient=1` },
      { relation: 'next', url: `${base}?_getpages=abc&_getpagesoffset=20` },
    ],
    entry: [
      {
        fullUrl: `${base}/Condition/c1`,
        resource: { resourceType: 'Condition', id: 'c1', subject: { reference: `${base}/Patient/p1` } },
      },
      { fullUrl: 'https://elsewhere.example/r4/Condition/c2' },
      { fullUrl: `${PUBLIC}x/Condition/c3` },
    ],
  });

  it('is read as if it called itself by the base that it is asked at', async () => {
    const own = searchset(`${server.origin}/fhir`);
    assert.deepEqual(await given(searchset(PUBLIC), [PUBLIC]), own);
    assert.deepEqual(await given(searchset(BELOW), [PUBLIC, BELOW]), own);
    assert.deepEqual(await given(own, [PUBLIC, BELOW]), own);
  });

  it('is told from any other server: what is not configured stays as it is', async () => {
    assert.deepEqual(await given(searchset(PUBLIC), []), searchset(PUBLIC));
  });
});
