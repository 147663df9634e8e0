import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { forgetOld, type Forgetting } from '../../src/whereabouts/forget-old.ts';
import { countIndex } from '../../src/whereabouts/walk-index.ts';

const DAY = 86_400_000;
const NOW = Date.parse('2026-11-23T12:00:00Z');

describe('the retention of care locations', () => {
  it('deletes what was last seen longer ago, through the whole index, and writes down how much', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'wayleave-'));
    const store = await openSqliteStore(join(directory, 'store.db'));
    const counted: [number, string][] = [];
    const audit: Forgetting['audit'] = {
      forgotten: async (_exchange: string, count: number, before: string) =>
        void counted.push([count, before]),
    };
    const today = Math.floor(NOW / DAY);
    // Of each patient one location of every hundred days: more rows than one step looks at.
    const rows = Array.from({ length: 12_000 }, (_, n) => ({
      patient: createHash('sha256')
        .update(`p${n % 1_000}`)
        .digest('base64url'),
      organisation: `R${n % 12}`,
      source: `s${Math.floor(n / 1_000)}`,
      firstSeen: 0,
      lastSeen: (today - 100 * Math.floor(n / 1_000)) * DAY,
    }));
    for (let from = 0; from < rows.length; from += 1_000) {
      await store.careLocations.record(rows.slice(from, from + 1_000));
    }
    const parts = { store: store.careLocations, audit, retentionDays: 400, now: () => NOW };
    // Seen 0, 100, 200, 300 and 400 days ago stays.
    assert.equal(await forgetOld(parts, undefined, 0), 7_000);
    assert.equal((await countIndex(store.careLocations)).locations, 5_000);
    assert.equal(await forgetOld(parts, undefined, 0), 0);
    assert.deepEqual(counted, [[7_000, '2025-10-19']]);
    await store.close();
    rmSync(directory, { recursive: true });
  });
});
