import assert from 'node:assert/strict';

import type { Leaf } from '../../src/audit/entry.ts';
import { errorCode } from '../support/viewer.ts';
import { AskedOfLiars } from './asked-of-liars.ts';
import { EventStream } from './event-stream.ts';
import { PATIENT } from './small-data.ts';
import { ScriptedStore } from './scripted-store.ts';

const CONDITION = `/fhir/Condition?patient=${PATIENT}`;
const releases = (rows: readonly Omit<Leaf, 'seq'>[]): boolean =>
  rows.some(({ event }) => event === 'released-to-viewer');

describe('the audit comes first, or nothing leaves', () => {
  let asked: AskedOfLiars;
  let store: ScriptedStore;
  before(async () => {
    store = new ScriptedStore(['RJ611', 'RDE03']);
    asked = await AskedOfLiars.start(
      {},
      { store: (region) => (region === 'herts-west-essex' ? store : undefined) },
    );
  });
  after(() => asked.stop());
  beforeEach(() => {
    store.writes = () => true;
    store.readsFail = false;
    store.rows.length = 0;
  });

  it('has the plan and every query on the disk before the first one leaves', async () => {
    let seen: string[] = [];
    asked.london.behaviour = (heard) => {
      seen = store.rows.map(({ event, region = '' }) => `${event} ${region}`.trim());
      return asked.london.genuine(heard);
    };
    assert.equal((await asked.ask()).status, 200);
    assert.deepEqual(seen.slice(0, 3), ['route-planned', 'query-sent london', 'query-sent essex-suffolk']);
  });

  it('has what each region said, and the release, in one row each under the request’s id', async () => {
    asked.london.behaviour = (heard) => asked.london.genuine(heard);
    const id = '7a1e5d0c-0000-4000-8000-00000000beef';
    await asked.viewer.ask(PATIENT, CONDITION, { headers: { 'X-Request-Id': id } });
    assert.deepEqual(
      store.rows.map(({ event, region = '', outcome = '', count = '' }) => [event, region, outcome, count]),
      [
        ['route-planned', '', '', ''],
        ['query-sent', 'london', '', ''],
        ['query-sent', 'essex-suffolk', '', ''],
        ['response-believed', 'london', 'answered', 1],
        ['response-believed', 'essex-suffolk', 'answered', 1],
        ['released-to-viewer', '', '', 2],
      ],
    );
    assert.deepEqual([...new Set(store.rows.map(({ exchange }) => exchange))], [id]);
    assert.doesNotMatch(JSON.stringify(store.rows), /9990000018|Epilepsy|Fracture|eyJ/);
  });

  it('sends nothing when the plan cannot be written', async () => {
    const heard = asked.london.heard.length;
    store.writes = () => false;
    const { status, body } = await asked.ask();
    assert.deepEqual([status, errorCode(body)], [503, 'audit-unavailable']);
    assert.equal(asked.london.heard.length, heard);
  });

  it('shows nothing when what was released cannot be written', async () => {
    asked.london.behaviour = (heard) => asked.london.genuine(heard);
    store.writes = (rows) => !releases(rows);
    for (const path of [
      CONDITION,
      `/fhir/Patient/${PATIENT}`,
      '/regions/london/london-care-record/fhir/Condition/c1',
    ]) {
      const { status, body, text } = await asked.viewer.ask(PATIENT, path);
      assert.deepEqual([status, errorCode(body)], [503, 'audit-unavailable']);
      assert.doesNotMatch(text, /Epilepsy|Fracture/);
    }
  });

  it('ends a stream with an error, and shows nothing of what could not be written nor of what comes later', async () => {
    const go = Promise.withResolvers<void>();
    asked.london.behaviour = async (heard) => {
      await go.promise;
      return asked.london.genuine(heard);
    };
    store.writes = (rows) => !releases(rows);
    const stream = await EventStream.open(asked.viewer, PATIENT, CONDITION);
    const first = await stream.next();
    assert.equal(first?.event, 'end');
    assert.equal(errorCode(first?.data ?? { resourceType: '' }), 'audit-unavailable');
    store.writes = () => true;
    go.resolve();
    assert.deepEqual(await stream.rest(), []);
    assert.equal((await asked.ask()).status, 200);
  });

  it('asks nobody when it cannot be read where the patient was treated', async () => {
    const heard = asked.london.heard.length;
    store.readsFail = true;
    const { status, body } = await asked.ask();
    assert.deepEqual([status, errorCode(body)], [503, 'store-unavailable']);
    assert.equal(asked.london.heard.length, heard);
  });
});
