import assert from 'node:assert/strict';

import { DeliveryError } from '../../src/errors.ts';
import { logOrigin } from '../../src/tlog/origin.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { startReplica } from '../support/replica.ts';
import { signAnew, statementWith } from '../support/statement.ts';
import { until } from '../support/until.ts';
import { errorCode, rollCallOf, TestViewer } from '../support/viewer.ts';

const PATIENT = '9990000018';
const HWE = 'herts-west-essex';
const SAID = { by: 'officer-1', why: 'the telephone said so' };
const WHOLE = { kind: 'neighbour' } as const;

/** One broker of Hertfordshire, and London as it meets it there. */
class Replica {
  readonly #federation: TestFederation;
  readonly viewer: TestViewer;
  readonly london: TestNeighbour;

  constructor(federation: TestFederation) {
    this.#federation = federation;
    this.viewer = new TestViewer(federation, HWE);
    this.london = new TestNeighbour(federation, 'london');
  }

  get trust() {
    return this.#federation.broker(HWE).trust;
  }

  get listed() {
    return this.trust.list().neighbours.find(({ region }) => region === 'london') ?? assert.fail();
  }

  async ofLondon(): Promise<string[] | undefined> {
    const { body } = await this.viewer.ask(PATIENT, `/fhir/AllergyIntolerance?patient=${PATIENT}`);
    return rollCallOf(body)['london'];
  }

  async toLondon(): Promise<[number, string | undefined]> {
    const { status, body } = await this.london.send(HWE, await this.london.query(HWE, PATIENT));
    return [status, errorCode(body)];
  }
}

describe('what is decided at one of two replicas on PostgreSQL', () => {
  const running = new AsyncDisposableStack();
  let federation: TestFederation;
  let one: Replica;
  let other: Replica;
  /** What is found at London's address by the first replica; the second finds nothing, and knows what the first decided. */
  let given: string | undefined;
  before(async () => {
    const store = await (await sharedPostgres()).newDatabase();
    federation = await startFederation({
      regions: [HWE, 'london'],
      edit: (region, config) => {
        if (region === HWE) config['store'] = store;
      },
      fetchStatement: async () => given ?? unreachable(),
    });
    running.defer(() => federation.stop());
    const log = logOrigin(federation.config(HWE).entity, '2');
    await signAnew(federation, HWE, ({ logs }) => ({ logs: [...logs, log] }));
    const replica = running.use(
      await startReplica(federation, HWE, '2', {
        log: { info: () => undefined, warn: () => undefined, error: () => undefined },
        fetchStatement: async () => unreachable(),
      }),
    );
    one = new Replica(federation);
    other = new Replica(replica);
    running.defer(() => [one, other].forEach(({ viewer }) => viewer.close()));
  });
  after(() => running.disposeAsync());

  it('a revocation, takes the neighbour’s connections, queries and answers from the other too', async () => {
    assert.deepEqual(await other.ofLondon(), ['answered', 'care-location']);
    assert.deepEqual(await other.toLondon(), [200, undefined]);
    const idle = await other.london.connect(HWE);
    const closed = new Promise<void>((done) => void idle.once('close', () => done()));
    await one.trust.revoke('london', WHOLE, { reason: 'key-compromise' }, SAID);
    await closed;
    assert.deepEqual(await other.toLondon(), [403, 'neighbour-revoked']);
    assert.deepEqual(await other.ofLondon(), ['not-reached', 'care-location', 'not-trusted']);
    assert.deepEqual([one.listed.state, other.listed.state], ['revoked', 'revoked']);
  });

  it('a reinstatement, at the one that did not revoke, counts at both', async () => {
    await other.trust.reinstate('london', WHOLE, SAID);
    assert.deepEqual(await other.toLondon(), [200, undefined]);
    await until(() => one.listed.state === 'trusted');
    for (const replica of [one, other]) {
      assert.deepEqual(await replica.toLondon(), [200, undefined]);
      assert.deepEqual(await replica.ofLondon(), ['answered', 'care-location']);
    }
  });

  it('an approval, counts at the other, which shows before that it waits', async () => {
    const { token, sequence } = await statementWith(federation, 'london', () => ({ contact: 'another' }));
    given = token;
    assert.equal(await one.trust.refresh('london'), 'pending');
    await until(() => other.listed.pending !== undefined);
    assert.notEqual(other.listed.statement?.sequence, sequence);
    await one.trust.approve('london', other.listed.pending?.statement.digest ?? '', SAID);
    await until(() => other.listed.pending === undefined);
    const { statement } = other.listed;
    assert.deepEqual([statement?.sequence, statement?.contact], [sequence, 'another']);
    assert.deepEqual(await other.ofLondon(), ['answered', 'care-location']);
  });

  it('and at both in the same moment: both count at both, in one order', async () => {
    const sent = one.trust.pause('london', Date.now() + 600_000, SAID);
    const revoked = other.trust.revoke(
      'london',
      { kind: 'message-key', kid: 'of-old' },
      { reason: 'superseded' },
      { ...SAID, by: 'officer-2' },
    );
    await Promise.all([sent, revoked]);
    const histories = () =>
      [one, other].map(({ trust }) => trust.show('london').history.map(({ kind, by }) => [kind, by]));
    await until(() => histories().every((history) => history.length === 6));
    const [first, second] = histories();
    assert.deepEqual(first, second);
    for (const { listed } of [one, other]) {
      assert.deepEqual([listed.state, listed.revokedKeys.map(({ kid }) => kid)], ['paused', ['of-old']]);
    }
  });
});

function unreachable(): never {
  throw new DeliveryError('refused-connection');
}
