import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';

import { TrustKeeper } from '../../src/broker/trust-keeper.ts';
import type { TrustDesk } from '../../src/broker/trust-desk.ts';
import { auditLogIn, openStore } from '../../src/broker.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import { RequestError } from '../../src/errors.ts';
import { thumbprintOf } from '../../src/trust/peer-certificate.ts';
import { readAudit } from '../support/audit.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { until } from '../support/until.ts';
import { errorCode, rollCallOf, TestViewer } from '../support/viewer.ts';

const PATIENT = '9990000018';
const WHY = 'the telephone said so';
const SAID = { by: 'officer-1', why: WHY };
const WHOLE = { kind: 'neighbour' } as const;

/** A record that keeps every call waiting until it is let go. */
class Waiting {
  asked = 0;
  readonly listener: RequestListener = (request) => {
    // What it can do is asked at the start.
    if (request.url?.includes('metadata') === true) return;
    this.asked += 1;
  };
}

describe('trust that changes while the brokers run', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  let london: TestNeighbour;
  let desk: TrustDesk;
  before(async () => {
    federation = await startFederation({ regions: ['herts-west-essex', 'london'] });
    viewer = new TestViewer(federation, 'herts-west-essex');
    london = new TestNeighbour(federation, 'london');
    desk = federation.broker('herts-west-essex').trust;
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  const ofLondon = async (): Promise<string[] | undefined> => {
    const { body } = await viewer.ask(PATIENT, `/fhir/AllergyIntolerance?patient=${PATIENT}`);
    return rollCallOf(body)['london'];
  };
  const londonAsks = async () =>
    london.send('herts-west-essex', await london.query('herts-west-essex', PATIENT));

  it('asks and answers a neighbour that is trusted', async () => {
    assert.deepEqual(await ofLondon(), ['answered', 'care-location']);
    assert.equal((await londonAsks()).status, 200);
  });

  it('neither asks nor answers one that is revoked, and closes every connection with it at once', async () => {
    const idle = await london.connect('herts-west-essex');
    const closed = new Promise<void>((done) => void idle.once('close', () => done()));
    const view = await desk.revoke('london', WHOLE, { reason: 'privilege-withdrawn' }, SAID);
    assert.equal(view.state, 'revoked');
    await closed;
    assert.deepEqual(await ofLondon(), ['not-reached', 'care-location', 'not-trusted']);
    const refused = await londonAsks();
    assert.deepEqual([refused.status, errorCode(refused.body)], [403, 'neighbour-revoked']);
  });

  it('does so after a restart as well', async () => {
    await federation.stopBroker('herts-west-essex');
    await federation.startBroker('herts-west-essex');
    viewer.close();
    viewer = new TestViewer(federation, 'herts-west-essex');
    desk = federation.broker('herts-west-essex').trust;
    assert.deepEqual(await ofLondon(), ['not-reached', 'care-location', 'not-trusted']);
    assert.equal(desk.list().neighbours.find(({ region }) => region === 'london')?.state, 'revoked');
  });

  it('asks and answers one again that is reinstated, which is a decision of its own', async () => {
    await assert.rejects(
      desk.revoke('london', WHOLE, { reason: 'unspecified' }, SAID),
      hasCode('already-decided'),
    );
    await desk.reinstate('london', WHOLE, { ...SAID, by: 'officer-2' });
    assert.deepEqual(await ofLondon(), ['answered', 'care-location']);
    assert.equal((await londonAsks()).status, 200);
    assert.deepEqual(
      desk.show('london').history.map(({ kind, by }) => [kind, by]),
      [
        ['reinstated', 'officer-2'],
        ['revoked', 'officer-1'],
      ],
    );
  });

  it('does not ask one that is paused, says so, and still answers it', async () => {
    await desk.pause('london', Date.now() + 60_000, SAID);
    assert.deepEqual(await ofLondon(), ['not-reached', 'care-location', 'paused']);
    assert.equal((await londonAsks()).status, 200);
    await desk.resume('london', SAID);
    assert.deepEqual(await ofLondon(), ['answered', 'care-location']);
    await assert.rejects(desk.resume('london', SAID), hasCode('already-decided'));
    for (const wrong of [Date.now() - 1, Date.now() + 400 * 86_400_000]) {
      assert.throws(() => desk.pause('london', wrong, SAID), hasCode('bad-parameter'));
    }
  });

  it('believes nothing of a message key that is revoked', async () => {
    const kid = String(london.publicJwk()['kid']);
    await desk.revoke(
      'london',
      { kind: 'message-key', kid },
      { reason: 'key-compromise', compromisedSince: 1 },
      SAID,
    );
    assert.deepEqual(await ofLondon(), ['not-reached', 'care-location', 'not-believed']);
    const refused = await londonAsks();
    assert.deepEqual([refused.status, errorCode(refused.body)], [401, 'unknown-kid']);
    await desk.reinstate('london', { kind: 'message-key', kid }, SAID);
    assert.deepEqual(await ofLondon(), ['answered', 'care-location']);
  });

  it('accepts a certificate no more that is revoked, on a connection that is open too', async () => {
    const socket = await london.connect('herts-west-essex');
    const closed = new Promise<void>((done) => void socket.once('close', () => done()));
    const thumbprint = thumbprintOf(new X509Certificate(london.tls('herts-west-essex').cert ?? ''));
    await desk.revoke('london', { kind: 'certificate', thumbprint }, { reason: 'superseded' }, SAID);
    await closed;
    const refused = await londonAsks();
    assert.deepEqual([refused.status, errorCode(refused.body)], [403, 'certificate-revoked']);
    // The certificate of its server is another one.
    assert.deepEqual(await ofLondon(), ['answered', 'care-location']);
    await desk.reinstate('london', { kind: 'certificate', thumbprint }, SAID);
  });

  it('refuses what cannot be decided', async () => {
    await assert.rejects(
      desk.revoke('nowhere', WHOLE, { reason: 'unspecified' }, SAID),
      hasCode('unknown-neighbour'),
    );
    await assert.rejects(desk.reinstate('london', WHOLE, SAID), hasCode('already-decided'));
    await assert.rejects(desk.approve('london', 'x', SAID), hasCode('nothing-pending'));
    assert.throws(() => desk.show('nowhere'), hasCode('unknown-neighbour'));
  });

  it('writes each decision to the log, before and after, with who and why sealed', async () => {
    const config = federation.config('herts-west-essex');
    const told = (await readAudit(config)).filter(({ event }) => event === 'trust-decided');
    assert.equal(told.length, 8);
    const [first] = told;
    assert.deepEqual([first?.region, first?.outcome], ['london', 'revoked']);
    const detail = first?.detail as {
      decision: number;
      before: { revoked?: string };
      after: { revoked?: string };
    };
    assert.deepEqual(
      [detail.decision, detail.before.revoked, detail.after.revoked],
      [0, undefined, 'privilege-withdrawn'],
    );
    await using store = await opened(config);
    const log = await auditLogIn(store.store, config, loadSecrets(config.secretsDirectory));
    const [entry] = await store.store.log.search({ from: 0, to: Infinity, event: 'trust-decided', limit: 1 });
    const open = entry && log.read(entry).opened;
    assert.deepEqual([open?.['reason']?.value, open?.['admin']?.value], [WHY, 'officer-1']);
    const bytes = readFileSync(join(federation.directory, 'herts-west-essex.db'), 'latin1');
    assert.ok(!bytes.includes(WHY));
  });

  it('counts at another replica of the same store within its next look', async () => {
    const config = federation.config('herts-west-essex');
    const { store } = await opened(config);
    const key = loadSecrets(config.secretsDirectory).trustKey;
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const other = await TrustKeeper.open({
      entity: config.entity,
      files: config.neighbours,
      store,
      key,
      log,
      now: Date.now,
    });
    let changes = 0;
    other.start(() => (changes += 1));
    await desk.revoke('london', WHOLE, { reason: 'unspecified' }, SAID);
    await until(() => changes > 0);
    assert.equal(other.neighbours.inForce('london', Date.now()), undefined);
    await other.stop();
    await store.close();
    await desk.reinstate('london', WHOLE, SAID);
  });
});

describe('a neighbour that is revoked while it is answered', () => {
  it('gets not one byte more, and the record is asked in vain', async () => {
    const waiting = new Waiting();
    const federation = await startFederation({
      regions: ['herts-west-essex', 'london'],
      records: { 'hwe-shared-care-record': waiting.listener },
    });
    try {
      const london = new TestNeighbour(federation, 'london');
      const query = await london.query('herts-west-essex', '9990000026', {
        search: [{ id: 'Condition', query: 'Condition' }],
      });
      const asked = london.send('herts-west-essex', query);
      const cut = assert.rejects(asked);
      await until(() => waiting.asked > 0);
      await federation
        .broker('herts-west-essex')
        .trust.revoke('london', WHOLE, { reason: 'key-compromise' }, SAID);
      await cut;
    } finally {
      await federation.stop();
    }
  });

  it('and does not answer one whose message key is revoked meanwhile, though the neighbour is not', async () => {
    const held = Promise.withResolvers<void>();
    let asked = 0;
    const federation = await startFederation({
      regions: ['herts-west-essex', 'london'],
      records: {
        'hwe-shared-care-record': (request, response) => {
          if (request.url?.includes('metadata') === true) return;
          asked += 1;
          void held.promise.then(() =>
            response
              .setHeader('Content-Type', 'application/fhir+json')
              .end(JSON.stringify({ resourceType: 'Bundle', type: 'searchset', entry: [] })),
          );
        },
      },
    });
    try {
      const neighbour = new TestNeighbour(federation, 'london');
      const query = await neighbour.query('herts-west-essex', '9990000026', {
        search: [{ id: 'Condition', query: 'Condition' }],
      });
      const answer = neighbour.send('herts-west-essex', query);
      await until(() => asked > 0);
      const { kid } = neighbour.publicJwk() as { kid: string };
      const { trust } = federation.broker('herts-west-essex');
      await trust.revoke('london', { kind: 'message-key', kid }, { reason: 'key-compromise' }, SAID);
      held.resolve();
      const { status, body } = await answer;
      assert.deepEqual([status, errorCode(body)], [401, 'unknown-kid']);
    } finally {
      await federation.stop();
    }
  });

  it('and one that is revoked while it is asked is not reached, its answer is not used', async () => {
    const waiting = new Waiting();
    const federation = await startFederation({
      regions: ['herts-west-essex', 'london'],
      records: { 'london-care-record': waiting.listener },
    });
    const viewer = new TestViewer(federation, 'herts-west-essex');
    try {
      const asked = viewer.ask(PATIENT, `/fhir/AllergyIntolerance?patient=${PATIENT}`);
      await until(() => waiting.asked > 0);
      const started = performance.now();
      await federation
        .broker('herts-west-essex')
        .trust.revoke('london', WHOLE, { reason: 'key-compromise' }, SAID);
      const { status, body } = await asked;
      assert.equal(status, 504);
      assert.ok(performance.now() - started < 2_000, 'nobody waited for the deadline');
      assert.equal(body.resourceType, 'OperationOutcome');
    } finally {
      viewer.close();
      await federation.stop();
    }
  });
});

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof RequestError && error.code === code;
}

async function opened(config: Parameters<typeof openStore>[0]) {
  const store = await openStore(config);
  return { store, [Symbol.asyncDispose]: () => store.close() };
}
