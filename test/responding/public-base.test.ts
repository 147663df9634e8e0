import assert from 'node:assert/strict';

import { recordBase } from '../../src/demo/places.ts';
import { createRecordServer } from '../../src/demo/record-server.ts';
import { moveBase } from '../../src/fhir/references.ts';
import { followPages, shownIn } from '../requesting/following-pages.ts';
import { IN_LONDON, IN_SUFFOLK, PATIENT, smallData } from '../requesting/small-data.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { matchesOf, TestViewer, warningsOf } from '../support/viewer.ts';

const RECORD = 'london-care-record';
const PUBLIC = 'https://records.london.example/fhir';

describe('a region whose record stands behind a proxy, and writes the proxy’s address', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  before(async () => {
    const data = smallData();
    const resources = data.records[RECORD].map((one) => moveBase(one, recordBase(RECORD), PUBLIC));
    federation = await startFederation({
      data,
      records: { [RECORD]: createRecordServer({ base: PUBLIC, resources }) },
      edit: (region, config) => {
        if (region !== 'london') return;
        Object.assign((config['records'] as RawConfig[])[0] ?? {}, {
          public_base: `${PUBLIC}/`,
          page_size: 4,
        });
      },
    });
    viewer = new TestViewer(federation, 'herts-west-essex');
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  it('answers whole, page after page', async () => {
    const replies = await followPages(viewer, PATIENT, `/fhir/Observation?patient=${PATIENT}`);
    assert.deepEqual(
      replies.flatMap(({ body }) => warningsOf(body)),
      [],
    );
    assert.equal(new Set(shownIn(replies)).size, IN_LONDON + IN_SUFFOLK);
  });

  it('opens the document that its letter names by the proxy’s address, and tells that address to nobody', async () => {
    const { body, text } = await viewer.ask(PATIENT, `/fhir/DocumentReference?patient=${PATIENT}`);
    assert.ok(!text.includes(PUBLIC));
    const content = matchesOf(body)[0]?.resource['content'] as { attachment: { url: string } }[];
    const url = content[1]?.attachment.url ?? '';
    assert.equal(url, `${viewer.base}/regions/london/${RECORD}/fhir/Binary/b1`);
    const document = await viewer.ask(PATIENT, url);
    assert.deepEqual([document.status, document.body['data']], [200, 'bGV0dGVy']);
  });
});
