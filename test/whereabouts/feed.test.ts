import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { openStore, patientDigestOf } from '../../src/broker.ts';
import { storeSecrets } from '../../src/config/secrets.ts';
import type { Bundle, Resource } from '../../src/fhir/resource.ts';
import { readAudit } from '../support/audit.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { errorCode, issuesOf, TestViewer, type Reply } from '../support/viewer.ts';
import { encounter } from './encounters.ts';

const REGION = 'essex-suffolk';
const [ONE, TWO, THREE] = ['9990000506', '9990000514', '9990000522'];

interface Entry {
  readonly response: { readonly status: string; readonly outcome: Resource };
}

describe('Encounters from a platform of the region', () => {
  let federation: TestFederation;
  let platform: TestViewer;
  let stranger: TestViewer;
  before(async () => {
    federation = await startFederation({
      regions: [REGION],
      edit: (_region, config) => {
        const [{ certificate }] = config['viewers'] as [{ certificate: object }];
        config['care_locations'] = {
          platforms: [
            {
              id: 'orion',
              name: 'Orion',
              certificate,
              organisations: ['RAJ', 'RDEE4'],
              requests_per_second: 1000,
            },
          ],
        };
      },
    });
    platform = new TestViewer(federation, REGION, 'mid-south-essex-viewer');
    stranger = new TestViewer(federation, REGION, 'suffolk-viewer');
  });
  after(async () => {
    platform.close();
    stranger.close();
    await federation.stop();
  });

  const post = (path: string, body: unknown, by = platform): Promise<Reply> =>
    by.send(path, {
      ...{ method: 'POST', headers: { 'Content-Type': 'application/fhir+json' } },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const bundle = (type: string, resources: readonly unknown[]) => ({
    ...{ resourceType: 'Bundle', type },
    entry: resources.map((resource) => ({ resource, request: { method: 'POST', url: 'Encounter' } })),
  });
  const known = async (nhsNumber: string): Promise<string[]> => {
    const config = federation.config(REGION);
    const store = await openStore(config);
    try {
      const digest = patientDigestOf(storeSecrets(config.secretsDirectory));
      const found = await store.careLocations.of([digest(nhsNumber)]);
      return found.filter(({ source }) => source === 'orion').map(({ organisation }) => organisation);
    } finally {
      await store.close();
    }
  };
  const received = async () =>
    (await readAudit(federation.config(REGION)))
      .filter(({ event }) => event === 'care-locations-received')
      .map(({ count, detail }) => [count, detail]);

  it('are recorded for good before they are confirmed, one at a time, and in the log', async () => {
    const reply = await post('/feeds/fhir/Encounter', encounter(ONE, 'RAJ01'));
    assert.equal(reply.status, 200, reply.text);
    assert.equal(errorCode(reply.body), 'recorded');
    assert.deepEqual(await known(ONE), ['RAJ01']);
    assert.deepEqual((await received()).at(-1), [1, { source: 'orion', refused: 0 }]);
    assert.equal((await post('/feeds/fhir/Encounter', encounter(ONE, 'RAJ01'))).status, 200);
    assert.deepEqual(await known(ONE), ['RAJ01']);
    assert.deepEqual(
      (await federation.broker(REGION).status()).feeds.platforms.map(({ platform: id, encounters }) => [
        id,
        encounters,
      ]),
      [['orion', 2]],
    );
  });

  it('are answered one by one in a batch, in order', async () => {
    const reply = await post(
      '/feeds/fhir',
      bundle('batch', [
        ...[encounter(TWO, 'RDEE4'), encounter(TWO, 'RAL'), encounter('9990000019', 'RAJ')],
        ...[
          encounter(TWO, 'RAJ', { status: 'cancelled' }),
          { resourceType: 'Patient' },
          encounter(TWO, 'RAJ'),
        ],
      ]),
    );
    assert.equal(reply.status, 200, reply.text);
    const { type, entry = [] } = reply.body as Bundle;
    assert.equal(type, 'batch-response');
    assert.deepEqual(
      (entry as unknown as Entry[]).map(({ response }) => [response.status, errorCode(response.outcome)]),
      [
        ['200', 'recorded'],
        ['403', 'platform-organisation-refused'],
        ['422', 'encounter-refused'],
        ['200', 'not-a-sighting'],
        ['422', 'encounter-refused'],
        ['200', 'recorded'],
      ],
    );
    assert.deepEqual((await known(TWO)).toSorted(), ['RAJ', 'RDEE4']);
    assert.deepEqual((await received()).at(-1), [2, { source: 'orion', refused: 3 }]);
    assert.doesNotMatch(reply.text, /999000/);
  });

  it('are taken together or not at all in a transaction', async () => {
    const refused = await post(
      '/feeds/fhir',
      bundle('transaction', [encounter(THREE, 'RAJ'), encounter(THREE, 'RAL')]),
    );
    assert.equal(refused.status, 422);
    assert.deepEqual(
      issuesOf(refused.body).map((issue) => (issue as unknown as { expression: string[] }).expression),
      [['Bundle.entry[1]']],
    );
    assert.deepEqual(await known(THREE), []);
    const taken = await post('/feeds/fhir', {
      ...bundle('transaction', []),
      entry: [{ resource: encounter(THREE, 'RAJ'), request: { method: 'PUT', url: 'Encounter/e-1' } }],
    });
    assert.equal((taken.body as Bundle).type, 'transaction-response');
    assert.deepEqual(await known(THREE), ['RAJ']);
  });

  const WRONG: [string, number, string, () => Promise<Reply>][] = [
    [
      'a viewer that is no platform',
      403,
      'certificate-unknown',
      () => post('/feeds/fhir/Encounter', encounter(ONE, 'RAJ'), stranger),
    ],
    [
      'an organisation that it does not speak for',
      403,
      'platform-organisation-refused',
      () => post('/feeds/fhir/Encounter', encounter(ONE, 'RDEE5')),
    ],
    [
      'a wrong check digit',
      422,
      'encounter-refused',
      () => post('/feeds/fhir/Encounter', encounter('9990000507', 'RAJ')),
    ],
    [
      'a reference into its own record',
      422,
      'encounter-refused',
      () => post('/feeds/fhir/Encounter', encounter(ONE, 'RAJ', { subject: { reference: 'Patient/1' } })),
    ],
    [
      'the future',
      422,
      'encounter-refused',
      () => post('/feeds/fhir/Encounter', encounter(ONE, 'RAJ', { period: { start: '2999-01-01' } })),
    ],
    ['no JSON', 400, 'bad-json', () => post('/feeds/fhir/Encounter', '{"resourceType":')],
    ['no body', 422, 'encounter-refused', () => post('/feeds/fhir/Encounter', '')],
    ['another Bundle', 400, 'bad-json', () => post('/feeds/fhir', bundle('searchset', []))],
    [
      'too many entries',
      413,
      'too-large',
      () =>
        post(
          '/feeds/fhir',
          bundle(
            'batch',
            Array.from({ length: 501 }, () => ({})),
          ),
        ),
    ],
    ['too large a body', 413, 'too-large', () => post('/feeds/fhir', ' '.repeat(5 * 1024 * 1024))],
    ['another method', 405, 'method-not-allowed', () => platform.send('/feeds/fhir/Encounter')],
    ['another address', 404, 'not-found', () => post('/feeds/fhir/Patient', {})],
  ];
  for (const [name, status, code, send] of WRONG) {
    it(`refuses ${name}: ${status} ${code}`, async () => {
      const reply = await send();
      assert.deepEqual([reply.status, errorCode(reply.body)], [status, code], reply.text);
      assert.doesNotMatch(reply.text, /999000/);
    });
  }

  it('counts durably who was refused before who they are was proved', async () => {
    const store = await openStore(federation.config(REGION));
    const counts = await store.log.counts(0, Date.now() + 60_000);
    await store.close();
    assert.ok(counts.some(({ code }) => code === 'platform-certificate-unknown'));
  });

  it('leave no number and nothing else of theirs in the store or the logs', async () => {
    const { store } = federation.config(REGION);
    const directory = dirname(store.slice('sqlite:'.length));
    for (const name of readdirSync(directory).filter((one) => one.startsWith(basename(store)))) {
      const bytes = readFileSync(join(directory, name));
      for (const text of [ONE, TWO, THREE, 'nobody else is to know'])
        assert.equal(bytes.includes(text), false, name);
    }
    for (const text of [ONE, TWO, THREE])
      assert.equal(
        federation.logged.some((line) => line.includes(text)),
        false,
      );
  });
});

describe('a platform that sends too much', () => {
  it('is told to wait, and nobody else is', async () => {
    const federation = await startFederation({
      regions: [REGION],
      edit: (_region, config) => {
        const [one, other] = config['viewers'] as { certificate: object }[];
        const of = (id: string, viewer: { certificate: object } | undefined, rate: number) => ({
          ...{
            id,
            name: id,
            certificate: viewer?.certificate,
            organisations: ['RAJ'],
            requests_per_second: rate,
          },
        });
        config['care_locations'] = { platforms: [of('one', one, 1), of('other', other, 1000)] };
      },
    });
    const [one, other] = ['mid-south-essex-viewer', 'suffolk-viewer'].map(
      (id) => new TestViewer(federation, REGION, id),
    );
    const send = async (by?: TestViewer) =>
      await by?.send('/feeds/fhir/Encounter', {
        ...{ method: 'POST', headers: { 'Content-Type': 'application/json' } },
        body: JSON.stringify(encounter(ONE, 'RAJ')),
      });
    const replies = await Promise.all(Array.from({ length: 12 }, () => send(one)));
    assert.ok(replies.some((reply) => reply?.status === 429 && reply.headers['retry-after'] !== undefined));
    const others = await Promise.all(Array.from({ length: 12 }, () => send(other)));
    assert.ok(others.every((reply) => reply?.status === 200));
    one?.close();
    other?.close();
    await federation.stop();
  });
});
