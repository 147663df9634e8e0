import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';

import type { LogStatus } from '../../src/audit/audit-room.ts';
import type { Began } from '../../src/audit/succession/succession.ts';
import { openStore } from '../../src/broker.ts';
import { auditCommand } from '../../src/cli/audit.ts';
import { restoreCommand } from '../../src/cli/restore.ts';
import { statusCommand } from '../../src/cli/status.ts';
import { called } from '../cli/in-process.ts';
import { readAudit } from '../support/audit.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { startReplica } from '../support/replica.ts';
import { soon } from '../support/soon.ts';
import { signAnew } from '../support/statement.ts';
import { ABSENT, CONFIRMED, HERTS, LISTED, Two } from './two.ts';

describe('a store that was moved to PostgreSQL by a backup', () => {
  it('starts closed, and opens', async () => {
    await using two = await Two.start();
    await two.ask();
    await two.cosigned();
    await two.federation.stopBroker('london');
    const entries = await two.sizeOf();
    await two.backup(two.at('backup.db'));
    const yaml = two.at('london.yaml');
    const store = await (await sharedPostgres()).newDatabase();
    writeFileSync(
      yaml,
      readFileSync(yaml, 'utf8').replace(/^store: .*$/m, `store: ${JSON.stringify(store)}`),
    );
    const { code } = await called(restoreCommand, [two.at('backup.db'), ...CONFIRMED, ...two.on()]);
    assert.equal(code, 0);
    await two.federation.startBroker('london');
    assert.equal((await two.status()).closed?.why, 'restored');
    const confirmed = await two.confirm('--yes', '--without', ...ABSENT);
    assert.equal(confirmed.code, 0, confirmed.err);
    await two.opened();
    const [began] = await readAudit(two.federation.config('london'));
    const { size, lost, highest } = began?.detail as Began;
    assert.deepEqual([size, lost, highest?.size], [entries, undefined, entries]);
    await soon(async () => (await two.ask())?.[0] === 'answered' || undefined);
    const { code: verified, out } = await called(auditCommand, ['verify', ...two.on()]);
    assert.equal(verified, 0, out);
  });
});

describe('two replicas on one store', () => {
  it('are closed together and opened together, each with a successor of its own log', async () => {
    const store = await (await sharedPostgres()).newDatabase();
    await using two = await Two.start((region, raw) => {
      if (region === 'london') raw['store'] = store;
    });
    const other = 'london.wayleave.example/log/2';
    await signAnew(two.federation, 'london', ({ logs }) => ({ logs: [...logs, other] }));
    for (const region of [HERTS, 'london'] as const) {
      await two.federation.stopBroker(region);
      await two.federation.startBroker(region);
    }
    await using replica = await startReplica(two.federation, 'london', '2');
    const second = replica.broker('london');
    const states = async () => {
      const all = await Promise.all([two.status(), second.status()]);
      return all.map(({ ready, log }) => [ready, (log as LogStatus).origin]);
    };
    assert.deepEqual(await states(), [
      [true, LISTED],
      [true, other],
    ]);
    const beside = await openStore({ store });
    await beside.state.close({ since: Date.now(), why: 'behind', detail: '{}' });
    await beside.close();
    await soon(async () => (await states()).every(([ready]) => ready === false) || undefined);
    const { code, err } = await two.confirm('--yes', '--without', ...ABSENT);
    assert.equal(code, 0, err);
    await soon(async () => (await states()).every(([ready]) => ready === true) || undefined);
    assert.deepEqual(
      (await states()).map(([, origin]) => origin),
      [`${LISTED}/2`, `${other}/2`],
    );
    await soon(async () => (await two.ask())?.[0] === 'answered' || undefined);
    const { code: verified, out } = await called(auditCommand, ['verify', '--json', ...two.on()]);
    assert.equal(verified, 0, out);
    assert.equal(out.trim().split('\n').length, 4);
  });
});

describe('a configuration that is older than what the neighbours know', () => {
  it('does not open a store: a revocation would be undone', async () => {
    await using two = await Two.start();
    await two.backup(two.at('backup.db'));
    const old = copyStatement(two, 'old.jwt');
    const sequence = await signAnew(two.federation, 'london', () => ({}));
    // Hertfordshire approves the newer one; London comes back with the older.
    await two.federation.stopBroker(HERTS);
    await two.federation.startBroker(HERTS);
    await two.federation.stopBroker('london');
    old.putBack();
    assert.equal((await two.restore(two.at('backup.db'))).code, 0);
    await two.federation.startBroker('london');
    const { code, err } = await two.confirm('--yes', '--without', ...ABSENT);
    assert.equal(code, 1);
    assert.match(err, new RegExp(`${HERTS} has ${sequence}`));
    assert.equal((await two.status()).closed?.why, 'restored');
    // One that is not believed is not heard; an open broker says what it was told.
    assert.equal((await two.confirm('--yes', '--without', HERTS, ...ABSENT)).code, 0);
    await two.opened();
    await soon(async () => {
      const { witnesses } = (await two.status()).log as LogStatus;
      return witnesses.find(({ region }) => region === HERTS)?.statement === sequence || undefined;
    });
    assert.match((await called(statusCommand, two.on())).out, /OLD CONFIGURATION/);
  });
});

function copyStatement(two: Two, name: string): { putBack: () => void } {
  const place = two.at('keys/london/public/entity-statement.jwt');
  copyFileSync(place, two.at(name));
  return { putBack: () => copyFileSync(two.at(name), place) };
}
