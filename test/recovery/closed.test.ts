import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import http from 'node:http';

import type { LogStatus } from '../../src/audit/audit-room.ts';
import type { Began } from '../../src/audit/succession/succession.ts';
import { auditCommand } from '../../src/cli/audit.ts';
import { objectionsCommand } from '../../src/cli/objections.ts';
import { statusCommand } from '../../src/cli/status.ts';
import { called } from '../cli/in-process.ts';
import { readAudit } from '../support/audit.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { soon } from '../support/soon.ts';
import { errorCode, TestViewer } from '../support/viewer.ts';
import { ABSENT, CONFIRMED, HERTS, LISTED, PATIENT, Two } from './two.ts';

describe('a store that was restored', () => {
  let two: Two;
  let kept: number;
  let written: number;
  let openedAt: number;
  before(async () => {
    two = await Two.start();
    await two.ask();
    kept = await two.cosigned();
    await two.backup(two.at('backup.db'));
    await two.ask();
    written = await two.cosigned();
    assert.ok(written > kept);
    await two.federation.stopBroker('london');
    const { code, err } = await two.restore(two.at('backup.db'));
    assert.equal(code, 0, err);
    await two.federation.startBroker('london');
  });
  after(() => two[Symbol.asyncDispose]());

  it('starts closed, and says so', async () => {
    const { ready, closed } = await two.status();
    assert.deepEqual([ready, closed?.why], [false, 'restored']);
    const { out, code } = await called(statusCommand, two.on());
    assert.equal(code, 3);
    assert.match(out, /CLOSED since .*trust confirm/s);
    const { admin } = two.federation.broker('london').ports;
    const reached = await new Promise<number>((resolve, reject) => {
      http
        .get(`http://127.0.0.1:${admin}/health/ready`, ({ statusCode }) => resolve(statusCode ?? 0))
        .on('error', reject);
    });
    assert.equal(reached, 503);
  });

  it('gives nothing to anybody, and writes nothing', async () => {
    const before = await two.sizeOf();
    assert.equal(before, kept);
    const viewer = new TestViewer(two.federation, 'london');
    for (const path of [
      `/fhir/Condition?patient=${PATIENT}`,
      `/fhir/Patient/${PATIENT}/$everything`,
      '/fhir/AuditEvent?date=ge2026-01-01',
      '/fhir/metadata',
      '/regions/london/london-care-record/fhir/Condition/1',
    ]) {
      const { status, body, headers } = await viewer.ask(PATIENT, path);
      assert.deepEqual([status, errorCode(body)], [503, 'store-closed'], path);
      assert.ok(headers['retry-after']);
    }
    viewer.close();
    const herts = new TestNeighbour(two.federation, HERTS);
    const answer = await herts.send('london', await herts.query('london', PATIENT));
    assert.deepEqual([answer.status, errorCode(answer.body)], [503, 'store-closed']);
    assert.equal(answer.headers['wayleave-response'], undefined);
    for (const path of ['witnessed', 'hello', 'consistency?from=0&to=1']) {
      const { status } = await herts.send('london', undefined, {
        method: 'GET',
        path: `/federation/v1/${path}`,
      });
      assert.equal(status, 503, path);
    }
    assert.equal(await two.sizeOf(), before);
  });

  it('is never taken for a region that holds nothing', async () => {
    assert.equal((await two.ask())?.[0], 'not-reached');
  });

  it('takes objections before it is opened, and says that its log does not have that yet', async () => {
    const file = two.at('objections.csv');
    writeFileSync(file, 'nhs_number,kind\n9990000034,objection\n');
    const { code, out, err } = await called(objectionsCommand, ['import', file, '--json', ...two.on()]);
    assert.deepEqual([code, JSON.parse(out)], [0, { imported: 1 }]);
    assert.match(err, /closed/);
    assert.equal(await two.sizeOf(), kept);
  });

  it('is not opened by one who does not mean it, nor by `audit seal`', async () => {
    const { code, out } = await two.confirm('--without', ...ABSENT);
    assert.equal(code, 2);
    const { neighbours } = JSON.parse(out) as { neighbours: { region: string; saysOfUs: object }[] };
    assert.deepEqual(neighbours.map(({ region }) => region).sort(), [...ABSENT, HERTS].sort());
    const sealed = await called(auditCommand, ['seal', ...CONFIRMED, '--whole', '--yes', ...two.on()]);
    assert.equal(sealed.code, 1);
    assert.equal((await two.status()).closed?.why, 'restored');
  });

  it('is not opened while a neighbour is not reached, unless that one is named', async () => {
    assert.equal((await two.confirm('--yes')).code, 1);
    assert.equal((await two.confirm('--yes', '--without', 'west-midlands')).code, 1);
    assert.equal((await two.confirm('--yes', '--without', ...ABSENT, 'nowhere')).code, 1);
    assert.equal((await two.status()).closed?.why, 'restored');
  });

  it('opens when an admin confirms it, without a restart: the gap is the first thing in the new log', async () => {
    const { code, out, err } = await two.confirm('--yes', '--without', ...ABSENT);
    assert.equal(code, 0, err);
    ({ openedAt } = JSON.parse(out) as { openedAt: number });
    await two.opened();
    assert.equal(((await two.status()).log as LogStatus).origin, `${LISTED}/2`);
    const [began, opened] = await readAudit(two.federation.config('london'));
    assert.deepEqual([began?.event, opened?.event], ['log-began', 'store-opened']);
    const { after, why, size, highest, lost } = began?.detail as Began;
    assert.deepEqual([after, why, size], [LISTED, 'restored', kept]);
    assert.deepEqual([highest?.region, highest?.size], [HERTS, written]);
    assert.deepEqual(lost, { from: kept, to: written - 1 });
    assert.match(highest?.note ?? '', new RegExp(`^${LISTED}\n${written}\n`));
    assert.deepEqual(opened?.values, {
      by: 'B. Admin',
      reason: 'all is as it was',
      restored_by: 'A. Admin',
      restored_reason: 'the disk died',
    });
    assert.deepEqual((opened?.detail as { without: string[] }).without, ABSENT);
  });

  it('answers again, and its logs verify', async () => {
    // The circuit to London is open at Hertfordshire, until its own probe has been answered.
    await soon(async () => (await two.ask())?.[0] === 'answered' || undefined);
    const { code, out } = await called(auditCommand, ['verify', '--sealed', ...two.on()]);
    assert.equal(code, 0, out);
    const { succeeded, forks } = await soon(async () => {
      const status = (await two.federation.broker(HERTS).status()).log as LogStatus;
      return (status.succeeded ?? []).length > 0 ? status : undefined;
    });
    assert.deepEqual([succeeded?.map(({ origin }) => origin), forks], [[`${LISTED}/2`], []]);
    assert.equal((await two.confirm('--yes', '--without', ...ABSENT)).code, 1);
  });

  it('refuses what was signed before it was opened, and takes what was signed after', async () => {
    const herts = new TestNeighbour(two.federation, HERTS);
    const at = async (iat: number) => {
      const query = await herts.query('london', PATIENT, { iat, exp: iat + 60 });
      const { status, body } = await herts.send('london', query);
      return [status, errorCode(body)];
    };
    const second = Math.ceil(openedAt / 1000);
    assert.ok(Date.now() / 1000 - second < 25, 'this test must come soon after the opening');
    assert.deepEqual(await at(second - 1), [401, 'not-fresh']);
    assert.deepEqual(await at(second + 1), [200, undefined]);
  });

  it('goes on when it is started anew, as any other', async () => {
    await two.federation.stopBroker('london');
    await two.federation.startBroker('london');
    assert.equal((await two.status()).ready, true);
    assert.equal(((await two.status()).log as LogStatus).origin, `${LISTED}/2`);
  });
});
