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
    const none = { answered: 0, none: 0, withheld: 0, 'not-reached': 0 };
    const tellers = [
      { region: 'essex', how: 'notice', known: 1, dropped: 1, 'given-up': 2, ...none },
      { region: 'hills', how: 'notice', known: 0, dropped: 1, 'given-up': 0, ...none },
    ];
    const shown = async () =>
      (await deciding.counts.tellers()).toSorted((one, other) => (one.region < other.region ? -1 : 1));
    assert.deepEqual(await shown(), tellers);
    // Kept or not, and after the broker's restart, they are the same.
    await deciding.counts.keep();
    assert.deepEqual(await shown(), tellers);
    const later = new Deciding(store);
    later.now = deciding.now;
    assert.deepEqual(await later.counts.tellers(), tellers);
    later.now += 91 * DAY_MS;
    await later.counts.forgetOld();
    assert.deepEqual(await store.tellers.since(0), []);
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });
});
