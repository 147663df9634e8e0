import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';

import type { LogStatus } from '../../src/audit/audit-room.ts';
import type { Began } from '../../src/audit/succession/succession.ts';
import { signCheckpoint } from '../../src/tlog/checkpoint.ts';
import { emptyRoot } from '../../src/tlog/merkle.ts';
import { keyOf } from '../audit/evidence-of.ts';
import { readAudit } from '../support/audit.ts';
import { soon } from '../support/soon.ts';
import { TestViewer } from '../support/viewer.ts';
import { ABSENT, HERTS, LISTED, PATIENT, Two } from './two.ts';

describe('a store that was put back to an older copy, without a word', () => {
  let two: Two;
  let older: string;
  let written: number;
  beforeEach(async () => {
    two = await Two.start();
    await two.ask();
    await two.cosigned();
    await two.federation.stopBroker('london');
    older = two.copy('older.db');
    await two.federation.startBroker('london');
    await two.ask();
    written = await two.cosigned();
  });
  afterEach(() => two[Symbol.asyncDispose]());

  it('is closed at the start, by the checkpoint that a neighbour holds', async () => {
    await two.federation.stopBroker('london');
    two.putBack(older);
    const before = await two.sizeOf();
    await two.federation.startBroker('london');
    const { ready, closed } = await two.status();
    assert.deepEqual([ready, closed?.why], [false, 'behind']);
    assert.deepEqual([closed?.detail['region'], closed?.detail['size']], [HERTS, written]);
    assert.equal(await two.sizeOf(), before);
    // For good, though nobody can be asked.
    await two.federation.stopBroker('london');
    await two.federation.stopBroker(HERTS);
    await two.federation.startBroker('london');
    assert.equal((await two.status()).closed?.why, 'behind');
    await two.federation.startBroker(HERTS);
    assert.equal((await two.confirm('--yes', '--without', ...ABSENT)).code, 0);
    await two.opened();
    const [began] = await readAudit(two.federation.config('london'));
    assert.deepEqual((began?.detail as Began).lost, { from: before, to: written - 1 });
  });

  it('is closed while it runs, when the neighbour is there again', async () => {
    await two.federation.stopBroker('london');
    await two.federation.stopBroker(HERTS);
    two.putBack(older);
    await two.federation.startBroker('london');
    // Nobody could be asked, so it serves; and it says so.
    assert.equal((await two.status()).ready, true);
    assert.ok(two.federation.logged.some((line) => line.includes('not every neighbour could be asked')));
    await two.federation.startBroker(HERTS);
    const closed = await soon(async () => (await two.status()).closed);
    assert.equal(closed.why, 'behind');
    const viewer = new TestViewer(two.federation, 'london');
    const { status } = await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
    viewer.close();
    assert.equal(status, 503);
  });

  it('is closed also where it has grown past what the neighbour holds: it went another way', async () => {
    await two.federation.stopBroker('london');
    await two.federation.stopBroker(HERTS);
    two.putBack(older);
    // Each start is an entry: the other past becomes the longer one.
    for (let size = 0; size <= written; size = await two.sizeOf()) {
      await two.federation.startBroker('london');
      await two.federation.stopBroker('london');
    }
    await two.federation.startBroker(HERTS);
    await two.federation.startBroker('london');
    assert.equal((await two.status()).closed?.why, 'behind');
    const { forks } = (await two.federation.broker(HERTS).status()).log as LogStatus;
    assert.deepEqual(forks, []);
  });

  it('is never closed by what its own key did not sign, whatever a neighbour says', async () => {
    await two.federation.stopBroker('london');
    const head = { origin: LISTED, size: written + 1_000, root: emptyRoot() };
    const forged = signCheckpoint(head, await keyOf(two.federation, HERTS, 'log'));
    const herts = two.federation.config(HERTS).store.slice('sqlite:'.length);
    const database = new DatabaseSync(herts);
    const kept = database.prepare('SELECT note FROM witnessed WHERE origin = ?').get(LISTED);
    // A good signature under another text, too.
    const changed = String(kept?.['note']).replace(`\n${written}\n`, `\n${written + 1}\n`);
    for (const note of [forged, changed, `${LISTED}\n99999\nnothing`]) {
      database.prepare('UPDATE witnessed SET note = ? WHERE origin = ?').run(note, LISTED);
      await two.federation.startBroker('london');
      assert.equal((await two.status()).ready, true);
      await two.federation.stopBroker('london');
    }
    database.close();
    await two.federation.startBroker('london');
  });
});
