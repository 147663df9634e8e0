import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { DAY_MS } from '../../src/whereabouts/notices/notice-parts.ts';
import { Deciding, digestOf, LONDON, PATIENTS } from './deciding.ts';

const [SILENT = '', NOWHERE = '', OTHERS = '', OURS = '', REVOKED = ''] = PATIENTS;

describe('what came and could not be decided in time', () => {
  it('is counted apart from what was dropped and what is known', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'wayleave-given-up-'));
    const store = await openSqliteStore(join(directory, 'store.db'));
    const deciding = new Deciding(store);
    deciding.homes.set(SILENT, { kind: 'not-reached' });
    deciding.homes.set(NOWHERE, { kind: 'no-practice', current: NOWHERE });
    deciding.homes.set(OTHERS, { kind: 'registered', practice: LONDON, current: OTHERS });
    deciding.here.add(digestOf(OURS));
    await deciding.tell('essex', [SILENT, NOWHERE, OTHERS, OURS]);
    await deciding.tell('hills', [REVOKED]);
    await deciding.inbox.round();
    assert.deepEqual(deciding.inbox.counts, { known: 1, dropped: 2, givenUp: 0 });
    deciding.now += 8 * DAY_MS;
    await deciding.inbox.round();
    assert.deepEqual(deciding.inbox.counts, { known: 1, dropped: 2, givenUp: 2 });
    assert.deepEqual(await deciding.undecided(), {});
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });
});
