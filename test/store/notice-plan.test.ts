import assert from 'node:assert/strict';

import { SQLITE } from '../../src/store/dialect.ts';
import { firstOf, taking, toldOf } from '../../src/store/notice-inbox.ts';
import { kyselyOver } from '../../src/store/sqlite/connection.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { PlannedQueries } from './planned-queries.ts';

const SCANS = /SCAN notice_inbox|TEMP B-TREE FOR ORDER/;

describe('what neighbours told, on SQLite', () => {
  const plans = new PlannedQueries();

  it('is taken sender by sender without a look at all of it', () => {
    const db = kyselyOver(plans.database);
    const next = plans.of(firstOf(db, 'a').compile()).join('; ');
    const taken = plans.of(taking('a', 10, 20, 5, SQLITE).compile(db)).join('; ');
    assert.doesNotMatch(`${next}; ${taken}`, SCANS);
    assert.match(next, /notice_inbox_by_sender/);
    assert.match(taken, /notice_inbox_by_sender \(sender=\? AND next<\?\)/);
  });

  const ofOne = () => plans.of(toldOf(kyselyOver(plans.database), ['p']).compile()).join('; ');

  it('is found of one patient without a look at all of it', () => {
    assert.doesNotMatch(ofOne(), SCANS);
    assert.match(ofOne(), /notice_inbox_by_patient \(patient=\?\)/);
  });

  it('also in a store that was made before anybody looked for one patient', async () => {
    plans.database
      .exec(`DELETE FROM kysely_migration WHERE name >= '015'; DROP TABLE told_restriction; DROP TABLE told_count;
      DROP INDEX notice_inbox_by_sender; DROP INDEX known_region_by_teller; DROP INDEX notice_inbox_by_patient`);
    assert.match(ofOne(), /SCAN notice_inbox/);
    await (await openSqliteStore(plans.file)).close();
    // What another connection changed is seen when something is read.
    plans.database.exec('SELECT count(*) FROM notice_inbox');
    assert.match(ofOne(), /notice_inbox_by_patient \(patient=\?\)/);
  });
});
