import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { AccessTrail } from '../../src/audit/access-trail.ts';
import { AuditLog } from '../../src/audit/log.ts';
import { Keyring } from '../../src/audit/sealing.ts';
import { AuditTrail } from '../../src/audit/trail.ts';
import { HouseError } from '../../src/errors.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';

const unavailable = (error: unknown): boolean =>
  error instanceof HouseError && error.code === 'audit-unavailable';

describe('a log with nothing but the reserve left', () => {
  it('ends what was begun, begins nothing, and begins again when there is room', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'wayleave-reserve-'));
    const store = await openSqliteStore(join(directory, 'store.db'));
    let room = true;
    const log = new AuditLog({
      ...{ store: store.log, origin: 'a.example/log/1', keyring: new Keyring([randomBytes(32)]) },
      ...{ digest: (value) => value, now: Date.now, hasRoom: () => room },
    });
    const trail = new AuditTrail(log, store.log, Date.now);
    const query = (jti: string) => ({
      token: 'a.b.c',
      digest: jti,
      issuer: 'https://b.example',
      keepUntil: Infinity,
    });
    assert.equal(await trail.queryReceived({ exchange: 'one' }, 'b', query('one')), true);
    room = false;
    await assert.rejects(trail.queryReceived({ exchange: 'two' }, 'b', query('two')), unavailable);
    await assert.rejects(trail.viewerRefused({ exchange: 'three' }, 'role-refused'), unavailable);
    await assert.rejects(
      trail.messageRefused({ exchange: 'two' }, 'b', { outcome: 'refused', reason: 'replayed' }),
      unavailable,
    );
    const accesses = new AccessTrail(log);
    const question = { ...query('four'), continued: false };
    await assert.rejects(accesses.questionReceived({ exchange: 'four' }, 'b', question), unavailable);
    const refusal = { outcome: 'refused', reason: 'replayed' };
    await assert.rejects(accesses.questionRefused({ exchange: 'four' }, 'b', refusal, false), unavailable);
    const sent = { ...query('five'), jti: 'five', agreement: '1' };
    await assert.rejects(accesses.questionSent({ exchange: 'five' }, 'b', sent), unavailable);
    await trail.queryAnswered({ exchange: 'one' }, 'b', { outcome: 'answered' });
    room = true;
    // What was refused for want of room was not spent.
    assert.equal(await trail.queryReceived({ exchange: 'two' }, 'b', query('two')), true);
    const events = (await log.page(0, 100)).map(({ leaf }) => `${leaf.event} ${leaf.exchange}`);
    assert.deepEqual(events, ['query-received one', 'query-answered one', 'query-received two']);
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });
});
