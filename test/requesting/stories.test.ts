import assert from 'node:assert/strict';

import { startFederation, type TestFederation } from '../support/federation.ts';
import { matchesOf, rollCallOf, TestViewer, warningsOf } from '../support/viewer.ts';

describe('the seven stories, asked over real TLS', () => {
  let federation: TestFederation;
  before(async () => {
    federation = await startFederation();
  });
  after(() => federation.stop());

  it("1: Croydon's records come back from London, and the roll-call says why each region was or was not asked", async () => {
    const viewer = new TestViewer(federation, 'herts-west-essex');
    const reply = await viewer.ask('9990000018', '/fhir/MedicationRequest?patient=9990000018');
    assert.equal(reply.status, 200);
    assert.deepEqual(rollCallOf(reply.body), {
      'herts-west-essex': ['not-asked', 'own-record'],
      london: ['answered', 'care-location'],
      'essex-suffolk': ['not-asked', 'no-reason'],
      'west-midlands': ['not-asked', 'no-reason'],
    });
    const found = matchesOf(reply.body);
    assert.ok(found.length > 0);
    for (const entry of found) {
      assert.ok(
        entry.fullUrl.startsWith(`${viewer.base}/regions/london/london-care-record/fhir/MedicationRequest/`),
      );
    }
    assert.ok(found.some(({ resource }) => JSON.stringify(resource).includes('evetiracetam')));
    viewer.close();
  });

  it("4: One Health and Care's viewer sees what the Collaborative Care Record holds, and not its own", async () => {
    const viewer = new TestViewer(federation, 'west-midlands', 'one-health-and-care-viewer');
    const reply = await viewer.ask('9990000042', '/fhir/Patient/9990000042/$everything');
    assert.equal(reply.status, 200);
    const bases = new Set(
      matchesOf(reply.body).map(({ fullUrl }) => fullUrl.slice(viewer.base.length).split('/fhir/')[0]),
    );
    assert.deepEqual([...bases].sort(), [
      '/regions/herts-west-essex/hwe-shared-care-record',
      '/regions/west-midlands/collaborative-care-record',
    ]);
    viewer.close();
  });

  it('5: the answer says that nobody covers where the patient was treated', async () => {
    const viewer = new TestViewer(federation, 'essex-suffolk', 'suffolk-viewer');
    const reply = await viewer.ask('9990000050', '/fhir/Condition?patient=9990000050');
    assert.equal(reply.status, 200);
    assert.deepEqual(warningsOf(reply.body), ['incomplete']);
    assert.match(JSON.stringify(reply.body), /RGT01/);
    viewer.close();
  });

  it('6: no region is asked about the restricted patient', async () => {
    const viewer = new TestViewer(federation, 'herts-west-essex');
    const reply = await viewer.ask('9990000069', '/fhir/Patient/9990000069/$everything');
    assert.equal(reply.status, 200);
    assert.deepEqual(matchesOf(reply.body), []);
    assert.deepEqual(
      Object.values(rollCallOf(reply.body)),
      Array.from({ length: 4 }, () => ['not-asked', 'restricted']),
    );
    viewer.close();
  });

  it('7: an objection is withheld, with no count, and no total', async () => {
    const viewer = new TestViewer(federation, 'herts-west-essex');
    const reply = await viewer.ask('9990000077', '/fhir/Condition?patient=9990000077');
    assert.equal(reply.status, 200);
    assert.deepEqual(rollCallOf(reply.body)['london'], ['withheld', 'care-location', 'responder-decision']);
    assert.deepEqual(warningsOf(reply.body), ['suppressed london withheld responder-decision']);
    assert.equal('total' in reply.body, false);
    viewer.close();
  });

  it('leaves no NHS number, name or token in a log', () => {
    const text = federation.logged.join('\n');
    assert.doesNotMatch(text, /99900000\d\d|eyJ[A-Za-z0-9_-]{10}/);
  });
});
