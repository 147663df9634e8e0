import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { HouseError } from '../../src/errors.ts';
import { RESPONSE_HEADER } from '../../src/evidence/response.ts';
import type { LogItem, Store } from '../../src/store/contracts.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { errorCode, matchesOf } from '../support/viewer.ts';
import { Asking, PATIENT, type Change } from './asking.ts';
import { allergyOf, patientOf, ScriptedRecord, searchset } from './scripted-record.ts';

type Part = 'received' | 'audit' | 'count' | 'objections';

describe('the listener between brokers: a store that fails', () => {
  const record = new ScriptedRecord();
  let asking: Asking;
  let directory: string;
  let store: Store;
  let failing: Part | undefined;
  let failure: Error;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'wayleave-store-'));
    store = await openSqliteStore(join(directory, 'london.db'));
    asking = await Asking.start({
      records: { 'london-care-record': record.listener },
      store: (region) => (region === 'london' ? breakable(store) : undefined),
    });
    record.scripts = {
      Patient: searchset(patientOf('p1', PATIENT)),
      AllergyIntolerance: searchset(allergyOf('a1', 'p1')),
    };
  });
  after(async () => {
    await asking.stop();
    await store.close();
    await rm(directory, { recursive: true });
  });
  beforeEach(() => {
    failing = undefined;
    failure = new HouseError('store-unavailable');
    record.requests.length = 0;
  });

  /** A store whose parts can be made to fail; what it keeps can be read all the same. */
  function breakable(sound: Store): Store {
    const unless = <Result>(part: Part, action: () => Promise<Result>): Promise<Result> =>
      failing === part ? Promise.reject(failure) : action();
    return {
      ...sound,
      log: {
        ...sound.log,
        append: (log, items) =>
          unless(isReceived(items) ? 'received' : 'audit', () => sound.log.append(log, items)),
        count: (code, at) => unless('count', () => sound.log.count(code, at)),
      },
      objections: {
        ...sound.objections,
        inForce: (patients, at) => unless('objections', () => sound.objections.inForce(patients, at)),
      },
      close: async () => undefined,
    };
  }

  /** Nothing is released, not even a signature, and nothing is kept. */
  async function says(status: number, code: string, token: string): Promise<void> {
    const [rows, counts] = [await asking.rows(), await asking.counts()];
    const reply = await asking.send(token);
    assert.deepEqual([reply.status, errorCode(reply.body)], [status, code]);
    assert.equal(reply.headers[RESPONSE_HEADER], undefined);
    assert.doesNotMatch(reply.text, /AllergyIntolerance|a1/);
    assert.deepEqual([await asking.rows(), await asking.counts()], [rows, counts]);
  }

  it('what was received: 503, no record is asked, and the query is not spent', async () => {
    const token = await asking.token();
    failure = new HouseError('audit-unavailable');
    failing = 'received';
    await says(503, 'audit-unavailable', token);
    assert.deepEqual(record.requests, []);
    failing = undefined;
    assert.equal((await asking.send(token)).status, 200);
  });

  const writing: readonly [name: string, change: Change][] = [
    ['an answer', {}],
    ['a refusal by policy', { requesting_user_role: 'R9999' }],
    ['a refusal by evidence', { aud: 'https://essex-suffolk.wayleave.example' }],
    ['a refusal of a parameter', { search: [{ id: 'a', query: 'AllergyIntolerance?patient=p2' }] }],
  ];
  for (const [name, change] of writing) {
    it(`audit of ${name}: 503, and nothing leaves`, async () => {
      failure = new HouseError('audit-unavailable');
      failing = 'audit';
      await says(503, 'audit-unavailable', await asking.token(change));
    });
  }

  it('audit of what is withheld: 503, and nothing leaves', async () => {
    await asking.object('9990000026');
    failure = new HouseError('audit-unavailable');
    failing = 'audit';
    const patient = 'https://fhir.nhs.uk/Id/nhs-number|9990000026';
    await says(503, 'audit-unavailable', await asking.token({ patient }));
  });

  it('audit: the query is spent even so, since nobody knows how far it came', async () => {
    const token = await asking.token();
    failure = new HouseError('audit-unavailable');
    failing = 'audit';
    await says(503, 'audit-unavailable', token);
    failing = undefined;
    await asking.refusesSigned(401, 'replayed', token);
  });

  it('counting: 503 in the place of a refusal that could not be counted', async () => {
    failure = new HouseError('audit-unavailable');
    failing = 'count';
    await says(503, 'audit-unavailable', 'no token');
  });

  it('counting: a refused connection is refused as ever', async () => {
    failing = 'count';
    await assert.rejects(asking.send('', { tls: { cert: undefined, key: undefined } }));
    failing = undefined;
    await asking.stillAnswers();
  });

  for (const error of [new HouseError('store-unavailable'), new TypeError('of our own making')]) {
    it(`objections (${error.name}): what cannot be found out is withheld, signed and audited, and no record asked`, async () => {
      failure = error;
      failing = 'objections';
      const { claims, reply, token } = await asking.ask();
      assert.deepEqual([claims.outcome, claims.sources, claims.reason], ['withheld', undefined, undefined]);
      assert.deepEqual(matchesOf(reply.body), []);
      assert.equal((await asking.rowOf(token))?.event, 'query-withheld');
      assert.deepEqual(record.requests, []);
    });
  }

  it('a fault of our own making: 500, and nothing leaves', async () => {
    failure = new TypeError('of our own making');
    failing = 'received';
    await says(500, 'internal', await asking.token());
    failing = 'audit';
    await says(500, 'internal', await asking.token());
  });

  it('and a good query is answered as before', () => asking.stillAnswers());
});

/** What is written when a query comes in, as against what becomes of it. */
function isReceived(items: readonly LogItem[]): boolean {
  return items.some(({ spend }) => spend !== undefined);
}
