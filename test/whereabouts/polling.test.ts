import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { CareLocationCounts } from '../../src/audit/care-location-trail.ts';
import { NHS_NUMBER_SYSTEM } from '../../src/fhir/nhs-number.ts';
import type { Resource } from '../../src/fhir/resource.ts';
import type { SeenPatient } from '../../src/routing/seen-patients.ts';
import type { Store } from '../../src/store/contracts.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { RecordLink } from '../../src/upstream/record-link.ts';
import { EncounterPolling } from '../../src/whereabouts/polling/encounter-polling.ts';
import { CURSOR, pollRecord, type Polling } from '../../src/whereabouts/polling/poll-record.ts';
import { AtHand } from '../../src/whereabouts/polling/at-hand.ts';
import { until } from '../support/until.ts';
import { configuredRecord } from '../upstream/configured-record.ts';
import { ScriptedServer, sendJson, SILENT } from '../upstream/scripted-server.ts';
import { encounter } from './encounters.ts';

const [ONE, TWO, THREE] = ['9990000506', '9990000514', '9990000522'] as const;
const NOW = Date.parse('2026-11-23T12:00:00Z');
const digest = (nhsNumber: string): string => createHash('sha256').update(nhsNumber).digest('base64url');

const changed = (id: string, resource: Resource, lastUpdated: string): Resource => ({
  ...resource,
  id,
  meta: { lastUpdated, versionId: '1' },
});
const patient = (id: string, value: string): Resource => ({
  ...{ resourceType: 'Patient', id, identifier: [{ system: NHS_NUMBER_SYSTEM, value }] },
});

describe('a record that is polled for Encounters', () => {
  let directory: string;
  let store: Store;
  let server: ScriptedServer;
  let link: RecordLink;
  let told: [number, CareLocationCounts][];
  let pages: Record<string, (base: string) => unknown>;
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wayleave-'));
    store = await openSqliteStore(join(directory, 'store.db'));
    pages = {};
    told = [];
    server = await ScriptedServer.start(({ url }, response) => {
      const path = url.slice('/fhir/'.length);
      const key = path.startsWith('Encounter?_last') ? 'search' : path;
      const page = pages[key];
      if (page === undefined) sendJson(response, 404, { resourceType: 'OperationOutcome' });
      else sendJson(response, 200, page(`${server.origin}/fhir`));
    });
    link = new RecordLink(configuredRecord(`${server.origin}/fhir`), SILENT, () => NOW, 'polled-record');
  });
  afterEach(async () => {
    link.close();
    server.stop();
    await store.close();
    rmSync(directory, { recursive: true });
  });

  const polling = (more: Partial<Polling> = {}): Polling => ({
    ...{
      link,
      cursors: store.streams,
      atHand: new AtHand(),
      store: store.careLocations,
      patientDigest: digest,
    },
    settings: { overlap_ms: 60_000, page_size: 50, since: '2026-11-23' },
    now: () => NOW,
    audit: {
      received: (_exchange: string, count: number, detail: CareLocationCounts) => {
        told.push([count, detail]);
        return Promise.resolve();
      },
    },
    ...more,
  });
  const searchset = (resources: readonly Resource[], next?: string) => ({
    ...{ resourceType: 'Bundle', type: 'searchset', entry: resources.map((resource) => ({ resource })) },
    link: next === undefined ? [] : [{ relation: 'next', url: next }],
  });
  const poll = (more: Partial<Polling> = {}) => pollRecord(polling(more), new AbortController().signal);
  const known = async (nhsNumber: string) =>
    (await store.careLocations.of([digest(nhsNumber)])).map(({ organisation }) => organisation);
  const cursor = async () => new Date(await store.streams.read(CURSOR, link.record.id)).toISOString();
  const searched = (): string[] => server.seen.map(({ url }) => decodeURIComponent(url));

  it('is asked for what was changed since the last time, less the overlap, and nothing is told twice', async () => {
    const first = changed('a', encounter(ONE, 'RJ6'), '2026-11-23T10:00:00Z');
    pages['search'] = () => searchset([first]);
    const atHand = new AtHand();
    assert.deepEqual(await poll({ atHand }), {
      ...{ encounters: 1, refused: 0, until: Date.parse('2026-11-23T10:00:00Z') },
    });
    const query = '_sort=_lastUpdated&_count=50&_include=Encounter:subject';
    assert.equal(searched()[0], `/fhir/Encounter?_lastUpdated=ge2026-11-22T23:59:00.000Z&${query}`);
    pages['search'] = () => searchset([first, changed('b', encounter(TWO, 'RJ7'), '2026-11-23T10:30:00Z')]);
    await poll({ atHand });
    assert.equal(searched()[1], `/fhir/Encounter?_lastUpdated=ge2026-11-23T09:59:00.000Z&${query}`);
    assert.deepEqual([await known(ONE), await known(TWO)], [['RJ6'], ['RJ7']]);
    assert.equal(await cursor(), '2026-11-23T10:30:00.000Z');
    assert.deepEqual(told, [
      [1, { source: link.record.id, refused: 0 }],
      [1, { source: link.record.id, refused: 0 }],
    ]);
  });

  it('is asked for the changes of one day after another where much is new, and none is lost by a failure', async () => {
    const settings = { overlap_ms: 0, page_size: 50, since: '2026-11-20' };
    let [asked, failing] = [0, true];
    pages['search'] = () => {
      asked += 1;
      if (asked === 3 && failing) return { resourceType: 'Patient' };
      return searchset([changed(`e${asked}`, encounter(ONE, `RJ${asked}`), '2026-11-19T00:00:00Z')]);
    };
    await assert.rejects(poll({ settings }), { code: 'bad-content' });
    assert.equal(await cursor(), '2026-11-22T00:00:00.000Z');
    failing = false;
    await poll({ settings });
    assert.deepEqual(
      searched().map((url) =>
        /_lastUpdated=ge(\d{4}-\d\d-\d\d)T[^&]*(?:&_lastUpdated=lt(\d{4}-\d\d-\d\d)T)?/.exec(url)?.slice(1),
      ),
      [
        ...[
          ['2026-11-20', '2026-11-21'],
          ['2026-11-21', '2026-11-22'],
          ['2026-11-22', '2026-11-23'],
        ],
        ...[
          ['2026-11-22', '2026-11-23'],
          ['2026-11-23', undefined],
        ],
      ],
    );
    assert.equal(await cursor(), '2026-11-23T00:00:00.000Z');
  });

  it('finds the number of the Patient: in the page, at hand, or by reading it once', async () => {
    const of = (id: string, reference: string, organisation: string) =>
      changed(id, encounter('', organisation, { subject: { reference } }), '2026-11-23T10:00:00Z');
    pages['search'] = (base) =>
      searchset([
        ...[of('a', 'Patient/p1', 'RJ6'), patient('p1', ONE), of('b', 'Patient/p2', 'RJ6')],
        ...[of('c', `${base}/Patient/p2`, 'RJ7'), of('d', 'Patient/p3', 'RJ6'), of('e', 'Patient/p4', 'RJ6')],
        of('f', 'https://elsewhere.example/fhir/Patient/p2', 'RJ8'),
      ]);
    pages['Patient/p2'] = () => patient('p2', TWO);
    pages['Patient/p3'] = () => patient('p3', '9990000019');
    const { encounters, refused } = await poll();
    assert.deepEqual([encounters, refused], [6, 3]);
    assert.deepEqual([await known(ONE), await known(TWO)], [['RJ6'], ['RJ6', 'RJ7']]);
    assert.equal(searched().filter((url) => url.endsWith('Patient/p2')).length, 1);
  });

  it('reads again who was nobody before, and whose number was corrected', async () => {
    const of = (id: string, reference: string) =>
      changed(id, encounter('', 'RJ6', { subject: { reference } }), '2026-11-23T10:00:00Z');
    const atHand = new AtHand();
    pages['search'] = () => searchset([of('a', 'Patient/p1'), of('b', 'Patient/p2')]);
    pages['Patient/p2'] = () => patient('p2', ONE);
    assert.equal((await poll({ atHand })).refused, 1);
    pages['Patient/p1'] = () => patient('p1', TWO);
    pages['Patient/p2'] = () => patient('p2', THREE);
    pages['search'] = () => searchset([of('a', 'Patient/p1'), of('c', 'Patient/p2')]);
    assert.equal((await poll({ atHand })).refused, 0);
    assert.deepEqual([await known(TWO), await known(THREE)], [['RJ6'], ['RJ6']]);
  });

  it('finds the codes of organisations and places that are given by reference, each read once', async () => {
    const SITE = 'https://fhir.nhs.uk/Id/ods-site-code';
    const of = (id: string, more: object) => changed(id, encounter(ONE, '', more), '2026-11-23T10:00:00Z');
    const at = (reference: string) => ({ reference });
    pages['search'] = () =>
      searchset([
        of('a', { serviceProvider: at('Organization/o1') }),
        of('b', { serviceProvider: at('Organization/o1'), location: [{ location: at('Location/l1') }] }),
        of('c', { serviceProvider: at('Organization/o2') }),
        of('d', { serviceProvider: at('https://elsewhere.example/fhir/Organization/o1') }),
      ]);
    const organisation = 'https://fhir.nhs.uk/Id/ods-organization-code';
    pages['Organization/o1'] = () => ({
      ...{ resourceType: 'Organization', id: 'o1', identifier: [{ system: organisation, value: 'RJ6' }] },
    });
    pages['Location/l1'] = () => ({
      ...{ resourceType: 'Location', id: 'l1', identifier: [{ system: SITE, value: 'RJ611' }] },
    });
    const { encounters, refused } = await poll();
    assert.deepEqual([encounters, refused], [4, 2]);
    assert.deepEqual((await known(ONE)).toSorted(), ['RJ6', 'RJ611']);
    assert.equal(searched().filter((url) => url.endsWith('Organization/o1')).length, 1);
  });

  it('is followed over its pages, and counts as read when the last of them is recorded', async () => {
    const one = (id: string, nhsNumber: string, at: string) => changed(id, encounter(nhsNumber, 'RJ6'), at);
    pages['search'] = (base) => searchset([one('a', ONE, '2026-11-23T11:00:00Z')], `${base}/page/2`);
    pages['page/2'] = (base) => searchset([one('b', TWO, '2026-11-23T09:00:00Z')], `${base}/page/3`);
    await assert.rejects(poll(), { code: 'bad-content' });
    assert.deepEqual([await known(TWO), await store.streams.read(CURSOR, link.record.id)], [['RJ6'], 0]);
    pages['page/3'] = () => searchset([one('c', THREE, '2026-11-23T08:00:00Z')]);
    await poll();
    assert.deepEqual([await known(THREE), await cursor()], [['RJ6'], '2026-11-23T11:00:00.000Z']);
  });

  it('is followed on its own base alone', async () => {
    for (const next of [
      'https://elsewhere.example/fhir?page=2',
      `${link.record.base}.elsewhere.example/x`,
      7 as unknown as string,
    ]) {
      pages['search'] = () => searchset([], next);
      await assert.rejects(poll(), { code: 'bad-content' });
    }
    assert.equal(server.seen.length, 3);
  });

  it('is not marked as read where what it gave cannot be recorded, or handed on', async () => {
    pages['search'] = () => searchset([changed('a', encounter(ONE, 'RJ6'), '2026-11-23T10:00:00Z')]);
    const full = { record: () => Promise.reject(new Error('full')) };
    await assert.rejects(poll({ store: full }), /full/);
    const seen: SeenPatient[] = [];
    await assert.rejects(poll({ onSeen: () => Promise.reject(new Error('later')) }), /later/);
    assert.equal(await store.streams.read(CURSOR, link.record.id), 0);
    await poll({ onSeen: async (some) => void seen.push(...some) });
    assert.deepEqual(seen, [
      {
        nhsNumber: ONE,
        patient: digest(ONE),
        organisation: 'RJ6',
        lastSeen: Date.parse('2026-03-01T10:00:00Z'),
      },
    ]);
  });

  it('counts for the first time from now on, where nothing says from when', async () => {
    pages['search'] = () => searchset([]);
    await poll({ settings: { overlap_ms: 0, page_size: 1 } });
    assert.equal(await cursor(), new Date(NOW).toISOString());
  });

  it('does not run ahead of our clock for a date of the future', async () => {
    pages['search'] = () => searchset([changed('a', encounter(ONE, 'RJ6'), '2999-01-01T00:00:00Z')]);
    await poll();
    assert.equal(await cursor(), new Date(NOW).toISOString());
  });

  it('is asked again after it failed, says why meanwhile, and is left alone while its circuit is open', async () => {
    let isWell = false;
    const one = new EncounterPolling({ ...polling(), everyMs: 1, isWell: () => isWell, log: SILENT });
    one.start();
    await until(() => one.status().fault === 'circuit-open');
    assert.equal(server.seen.length, 0);
    isWell = true;
    await until(() => one.status().fault === 'bad-content');
    pages['search'] = () => searchset([changed('a', encounter(ONE, 'RJ6'), '2026-11-23T10:00:00Z')]);
    await until(() => one.status().fault === undefined);
    await one.stop();
    const { encounters, until: upTo, last } = one.status();
    assert.deepEqual([encounters, upTo, last], [1, '2026-11-23T10:00:00.000Z', new Date(NOW).toISOString()]);
  });
});
