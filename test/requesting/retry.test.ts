import assert from 'node:assert/strict';
import type { Socket } from 'node:net';

import type { QueryClaims } from '../../src/evidence/claims.ts';
import { gatherReport } from '../../src/audit/questions/patient-report.ts';
import { patientDigestOf } from '../../src/broker.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import { failures, withLog } from '../audit/evidence-of.ts';
import type { AuditRow } from '../support/audit.ts';
import { rollCallOf, TestViewer } from '../support/viewer.ts';
import { AskedOfLiars } from './asked-of-liars.ts';
import { auditEnd, auditRows } from './audit-rows.ts';
import type { Behaviour, LyingLondon } from './lying-london.ts';
import { PATIENT } from './small-data.ts';

const OURS = 'herts-west-essex';
const ANSWERED = ['answered', 'care-location'];

/** What London hears of one question: its claims, the connection, and whether its entry was on the disk. */
interface Told {
  readonly claims: QueryClaims;
  readonly socket: Socket;
  readonly kept: boolean;
}

describe('a query of which nothing of an answer came', () => {
  let asked: AskedOfLiars;
  let london: LyingLondon;
  let heard: Told[];
  before(async () => {
    asked = await AskedOfLiars.start();
    ({ london } = asked);
  });
  after(() => asked.stop());
  beforeEach(() => (heard = []));

  const hangsUp: Behaviour = (_heard, response) => void response.destroy();
  /** Each in its turn, the last for all that come after. */
  function inTurn(...behaviours: readonly Behaviour[]): Behaviour {
    return async (one, response) => {
      const { claims, request } = one;
      const rows = await auditRows(asked.federation, OURS);
      const kept = rows.some(({ event, jti }) => event === 'query-sent' && jti === claims.jti);
      heard.push({ claims, socket: request.socket, kept });
      return await behaviours[Math.min(heard.length, behaviours.length) - 1]?.(one, response);
    };
  }
  const genuine: Behaviour = (one) => london.genuine(one);
  async function askedAndKept(): Promise<{ told: string[] | undefined; rows: AuditRow[] }> {
    const from = await auditEnd(asked.federation, OURS);
    const { body } = await asked.ask();
    const rows = await auditRows(asked.federation, OURS, from);
    return { told: rollCallOf(body)['london'], rows: rows.filter(({ region }) => region === 'london') };
  }

  it('is asked once more as a new query, on another connection, when that is on the disk', async () => {
    london.behaviour = inTurn(hangsUp, genuine);
    const { told, rows } = await askedAndKept();
    assert.deepEqual(told, ANSWERED);
    const [first, second, ...more] = heard;
    assert.ok(first !== undefined && second !== undefined && more.length === 0);
    assert.deepEqual([first.kept, second.kept], [true, true]);
    assert.notEqual(first.socket, second.socket);
    const { iat: _iat, exp: _exp, jti, ...same } = first.claims;
    const { iat: _at, exp: _end, jti: again, retry_of: repeated, ...sameAgain } = second.claims;
    assert.deepEqual([sameAgain, repeated], [same, jti]);
    assert.notEqual(again, jti);

    const facts = rows
      .filter(({ event }) => event !== 'inclusion-proved')
      .map(({ event, jti, retry_of, retried_as, fault }) => [event, jti, retry_of, retried_as, fault]);
    assert.deepEqual(facts, [
      ['query-sent', jti, undefined, undefined, undefined],
      ['not-reached', jti, undefined, again, 'lost-connection'],
      ['query-sent', again, jti, undefined, undefined],
      ['response-believed', again, undefined, undefined, undefined],
    ]);
    const received = await auditRows(asked.federation, 'london');
    const there = received.filter(({ event }) => event === 'query-received').at(-1);
    assert.deepEqual([there?.jti, there?.retry_of], [again, jti]);
  });

  it('is told as one look that was answered, and both attempts verify', async () => {
    london.behaviour = inTurn(hangsUp, genuine);
    await askedAndKept();
    const id = heard[1]?.claims.jti ?? '';
    const digest = patientDigestOf(loadSecrets(asked.federation.config(OURS).secretsDirectory));
    const { file, report } = await withLog(asked.federation, OURS, async (open) => {
      const { store, log } = open;
      const question = { nhsNumber: PATIENT, also: [], from: 0, to: Number.MAX_SAFE_INTEGER };
      const sources = { store: store.log, archive: store.archive, log, digest, region: OURS };
      return { file: (await open.export(id)).file, report: await gatherReport(question, sources) };
    });
    assert.deepEqual(await failures(file), []);
    const look = report.accesses.at(-1);
    assert.deepEqual(
      look?.regions.find(({ region }) => region === 'london'),
      { region: 'london', outcome: 'answered', reason: undefined, count: 1 },
    );
    assert.deepEqual(look?.sent.filter((jti) => heard.some(({ claims }) => claims.jti === jti)).length, 2);
    // Without the entry of the first attempt the second is no retry of anything here.
    const lost = file.entries.filter(({ leaf }) => !leaf.includes('retried_as'));
    assert.ok((await failures({ ...file, entries: lost })).includes('retry'));
  });

  it('is not asked a third time', async () => {
    london.behaviour = inTurn(hangsUp);
    const { told, rows } = await askedAndKept();
    assert.deepEqual(told, ['not-reached', 'care-location', 'fault']);
    assert.equal(heard.length, 2);
    const lost = rows.filter(({ event }) => event === 'not-reached');
    assert.deepEqual(
      lost.map(({ jti, retried_as }) => [jti, retried_as]),
      [
        [heard[0]?.claims.jti, heard[1]?.claims.jti],
        [heard[1]?.claims.jti, undefined],
      ],
    );
  });

  it('costs the neighbour’s circuit nothing where the second try is answered, and one failure where it is not', async () => {
    london.behaviour = genuine;
    await asked.ask();
    const { failed } = (await asked.circuit()).window;
    london.behaviour = inTurn(hangsUp, genuine);
    assert.deepEqual((await askedAndKept()).told, ANSWERED);
    assert.equal((await asked.circuit()).window.failed, failed);
    // The first time on a connection that was kept, the second on a new one.
    london.behaviour = inTurn(hangsUp);
    heard = [];
    await askedAndKept();
    assert.equal((await asked.circuit()).window.failed, failed + 1);
    // Both times on a new one.
    await askedAndKept();
    assert.equal((await asked.circuit()).window.failed, failed + 2);
  });

  const ONCE: Record<string, Behaviour> = {
    'half a line came': (_heard, response) => void response.socket?.end('HTTP/1.1 2'),
    'an error came': () => ({ status: 500, body: '' }),
    'the answer is not believed': (one) =>
      london.believable(one, { claims: { query_digest: 'A'.repeat(43) } }),
  };
  for (const [what, behaviour] of Object.entries(ONCE)) {
    it(`is not asked again where ${what}`, async () => {
      london.behaviour = inTurn(behaviour);
      assert.equal((await askedAndKept()).told?.[0], 'not-reached');
      assert.equal(heard.length, 1);
    });
  }

  it('is read once more as well', async () => {
    london.behaviour = genuine;
    const { body } = await asked.ask();
    const found = (body as { entry?: { fullUrl?: string }[] }).entry ?? [];
    const url = found.find(({ fullUrl }) => fullUrl?.includes('/london-care-record/'))?.fullUrl ?? '';
    london.behaviour = inTurn(hangsUp, genuine);
    const { status } = await new TestViewer(asked.federation, OURS).ask(PATIENT, new URL(url).pathname);
    assert.deepEqual([status, heard.length, heard[1]?.claims.retry_of], [200, 2, heard[0]?.claims.jti]);
  });
});
