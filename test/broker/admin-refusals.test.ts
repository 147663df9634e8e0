import assert from 'node:assert/strict';
import { join } from 'node:path';

import { callAdminApi, clientIn } from '../support/admin.ts';
import { readAudit } from '../support/audit.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { errorCode } from '../support/viewer.ts';
import { smallData } from '../requesting/small-data.ts';

/** Put where a region belongs: what is sent must not come into the log. */
const NUMBER = '9990000018';
const MINUTE = 60_000;

describe('an admin whose role does not reach', () => {
  let federation: TestFederation;
  /** A clock that stands still: calls are in one minute. */
  let at: number | undefined;
  before(async () => {
    federation = await startFederation({
      data: smallData(),
      regions: ['london'],
      now: () => at ?? Date.now(),
    });
  });
  after(() => federation.stop());

  const asks = async (path: string): Promise<void> => {
    const tls = clientIn(join(federation.directory, 'keys/london/admins/operator-1'));
    const port = federation.broker('london').ports.admin_api ?? 0;
    const call = { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } };
    const { status, body } = await callAdminApi(port, path, tls, call);
    assert.deepEqual([status, errorCode(body)], [403, 'admin-role-refused']);
  };
  const told = async () =>
    (await readAudit(federation.config('london'))).filter(({ event }) => event === 'admin-refused');

  it('is in the log when the refusal comes: what was asked for by its name, who it was sealed', async () => {
    await asks(`/admin/v1/trust/${NUMBER}/revoke?patient=${NUMBER}`);
    const [{ outcome, reason, detail, values } = assert.fail('not told')] = await told();
    assert.deepEqual([outcome, reason], ['refused', 'admin-role-refused']);
    assert.deepEqual(detail, {
      ...{ role: 'operator', needed: 'security-officer' },
      route: 'POST /admin/v1/trust/:region/revoke',
    });
    assert.deepEqual(values, { admin: 'operator-1' });
    assert.ok(!JSON.stringify(await readAudit(federation.config('london'))).includes(NUMBER));
    assert.ok(!federation.logged.join().includes(NUMBER));
  });

  it('is there once a minute, however often they ask', async () => {
    at = (Math.floor(Date.now() / MINUTE) + 1) * MINUTE;
    const before = (await told()).length;
    for (let nth = 0; nth < 5; nth += 1) await asks('/admin/v1/trust/london/approve');
    assert.equal((await told()).length, before + 1);
    at += MINUTE;
    await asks('/admin/v1/trust/london/approve');
    assert.equal((await told()).length, before + 2);
  });
});
