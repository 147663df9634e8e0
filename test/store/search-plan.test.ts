import assert from 'node:assert/strict';

import type { EntrySearch } from '../../src/store/contracts.ts';
import { SQLITE } from '../../src/store/dialect.ts';
import { searchQuery } from '../../src/store/log-reads.ts';
import { kyselyOver } from '../../src/store/sqlite/connection.ts';
import { LOG } from './entries.ts';
import { PlannedQueries } from './planned-queries.ts';

const BEFORE = { at: 5_000, log: LOG, sequence: 7 };

/** What is searched for, the index that is to serve it, and the column of it that is looked up. */
const PLANS: readonly [Partial<EntrySearch>, string, string][] = [
  [{}, 'log_entry_by_time', 'at>'],
  [{ log: LOG }, 'log_entry_by_time', 'at>'],
  [{ breakGlass: true }, 'log_entry_by_break_glass', 'at>'],
  [{ event: 'query-sent' }, 'log_entry_by_event', 'event=? AND at>'],
  [{ region: 'london' }, 'log_entry_by_region', 'region=? AND at>'],
  [{ patients: ['p'] }, 'log_entry_by_patient', 'patient=? AND at>'],
  [{ patients: ['p', 'q'] }, 'log_entry_by_patient', 'patient=? AND at>'],
  [{ user: 'u' }, 'log_entry_by_user', 'user=? AND at>'],
  [{ organisation: 'RJ6' }, 'log_entry_by_organisation', 'organisation=? AND at>'],
  [{ outcome: 'answered' }, 'log_entry_by_outcome', 'outcome=? AND at>'],
  [{ exchange: 'e' }, 'log_entry_by_exchange', 'exchange=?'],
  [{ jti: 'j' }, 'log_entry_by_jti', 'jti=?'],
  [{ patients: ['p'], user: 'u', region: 'london' }, 'log_entry_by_patient', 'patient=? AND at>'],
  [{ user: 'u', outcome: 'answered', event: 'query-sent' }, 'log_entry_by_user', 'user=? AND at>'],
  [{ region: 'london', breakGlass: true }, 'log_entry_by_region', 'region=? AND at>'],
  [{ jti: 'j', patients: ['p'], log: LOG }, 'log_entry_by_jti', 'jti=?'],
];

describe('a search on SQLite', () => {
  const plans = new PlannedQueries();

  function planOf(search: Partial<EntrySearch>): string[] {
    const whole = { from: 0, to: 9_000, limit: 50, ...search };
    return plans.of(searchQuery(kyselyOver(plans.database), SQLITE, whole).compile());
  }

  for (const [search, index, lookedUp] of PLANS) {
    for (const before of [undefined, BEFORE]) {
      it(`by ${Object.keys(search).join(', ') || 'time'}${before ? ', from a page on,' : ''} uses ${index}`, () => {
        const plan = planOf({ ...search, before });
        const entries = plan.find((step) => /log_entry\b/.test(step) && !step.includes('log_sealed')) ?? '';
        assert.ok(entries.startsWith(`SEARCH log_entry USING INDEX ${index} (${lookedUp}`), plan.join('; '));
        const sealed = plan.find((step) => step.includes('log_sealed')) ?? '';
        assert.match(sealed, /^SEARCH log_sealed USING .*\(log=\? AND sequence=\?\)/);
      });
    }
  }

  it('sorts nothing where one value is looked up in an index by time', () => {
    for (const [search, , lookedUp] of PLANS) {
      if (!lookedUp.includes('at>') || search.patients?.length === 2) continue;
      for (const before of [undefined, BEFORE]) {
        const plan = planOf({ ...search, before });
        assert.ok(!plan.some((step) => step.includes('TEMP B-TREE')), plan.join('; '));
      }
    }
  });
});
