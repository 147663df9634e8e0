import assert from 'node:assert/strict';

import type { AuditRow, Store } from '../../src/store/contracts.ts';

const row = (exchange: string, more: Partial<AuditRow> = {}): AuditRow => ({
  at: 1_000,
  event: 'query-sent',
  exchange,
  ...more,
});

/**
 * What every store promises, in one suite.
 *
 * @param open gives a new empty store; `again` opens the same one once more, as after a restart
 */
export function storeContract(
  name: string,
  open: () => Promise<{ store: Store; again: () => Promise<Store> }>,
): void {
  describe(`${name} keeps the store's contract`, () => {
    let store: Store;
    let again: () => Promise<Store>;
    beforeEach(async () => ({ store, again } = await open()));
    afterEach(() => store.close());

    it('spends a message once, of any number of concurrent calls', async () => {
      const keep = Date.now() + 60_000;
      const results = await Promise.all(
        Array.from({ length: 50 }, () => store.replay.spend('iss', 'jti-1', keep)),
      );
      assert.equal(results.filter(Boolean).length, 1);
      assert.equal(await store.replay.spend('iss', 'jti-1', keep), false);
    });

    it('keys what is spent on issuer and jti together', async () => {
      const keep = Date.now() + 60_000;
      assert.equal(await store.replay.spend('one', 'jti', keep), true);
      assert.equal(await store.replay.spend('other', 'jti', keep), true);
      assert.equal(await store.replay.spend('one', 'jti-', keep), true);
    });

    it('remembers what is spent over a restart', async () => {
      await store.replay.spend('iss', 'jti', Date.now() + 60_000);
      await store.close();
      store = await again();
      assert.equal(await store.replay.spend('iss', 'jti', Date.now() + 60_000), false);
    });

    it('forgets what need not be kept any longer, and nothing else', async () => {
      await store.replay.spend('iss', 'old', Date.now() - 1);
      await store.replay.spend('iss', 'kept', Date.now() + 60_000);
      await store.replay.spend('iss', 'another', Date.now() + 60_000);
      assert.equal(await store.replay.spend('iss', 'old', Date.now() + 60_000), true);
      assert.equal(await store.replay.spend('iss', 'kept', Date.now() + 60_000), false);
    });

    it('appends rows in order, numbered without a gap, and gives them back whole', async () => {
      const whole = row('b', {
        region: 'london',
        jti: 'j',
        patient: 'p',
        organisation: 'RJ6',
        user: 'u',
        role: 'R8000',
        purpose: 'directcare',
        outcome: 'answered',
        reason: 'label',
        count: 3,
        detail: '{"a":1}',
      });
      await store.audit.append([row('a'), whole]);
      await Promise.all([store.audit.append([row('c')]), store.audit.append([row('d'), row('e')])]);
      const rows = await store.audit.page(0, 100);
      assert.deepEqual(
        rows.map(({ exchange }) => exchange),
        ['a', 'b', 'c', 'd', 'e'],
      );
      assert.deepEqual(
        rows.map(({ sequence }) => sequence),
        [1, 2, 3, 4, 5],
      );
      assert.deepEqual(rows[1], { ...whole, sequence: 2 });
    });

    it('gives the audit in pages', async () => {
      await store.audit.append(Array.from({ length: 25 }, (_, at) => row(String(at))));
      const first = await store.audit.page(0, 10);
      const next = await store.audit.page(first.at(-1)?.sequence ?? 0, 100);
      assert.equal(first.length, 10);
      assert.deepEqual(
        [...first, ...next].map(({ exchange }) => Number(exchange)),
        [...Array(25).keys()],
      );
    });

    it('keeps the audit over a restart', async () => {
      await store.audit.append([row('kept')]);
      await store.close();
      store = await again();
      assert.equal((await store.audit.page(0, 10))[0]?.exchange, 'kept');
    });

    it('counts refusals by code and minute', async () => {
      const minute = 1_700_000_040_000;
      await Promise.all(
        [1, 2, 3].map((second) => store.audit.count('bad-signature', minute + second * 1_000)),
      );
      await store.audit.count('bad-signature', minute + 60_000);
      await store.audit.count('malformed', minute);
      assert.deepEqual(
        (await store.audit.counts(minute, minute + 120_000))
          .map(({ code, count }) => `${code} ${count}`)
          .sort(),
        ['bad-signature 1', 'bad-signature 3', 'malformed 1'],
      );
    });

    it('widens what is known of a care location, per source', async () => {
      const at = { patient: 'p', organisation: 'RJ6', source: 'feed' };
      await store.careLocations.record([{ ...at, firstSeen: 20, lastSeen: 30 }]);
      await store.careLocations.record([{ ...at, firstSeen: 10, lastSeen: 25 }]);
      await store.careLocations.record([{ ...at, patient: 'other', firstSeen: 1, lastSeen: 1 }]);
      assert.deepEqual(await store.careLocations.of(['p']), [{ ...at, firstSeen: 10, lastSeen: 30 }]);
    });

    it('finds care locations under either digest, last seen first', async () => {
      const of = (patient: string, organisation: string, lastSeen: number) => ({
        patient,
        organisation,
        source: 'feed',
        firstSeen: 0,
        lastSeen,
      });
      await store.careLocations.record([of('old', 'RJ6', 5), of('new', 'RQW', 9), of('no', 'RAL', 9)]);
      const found = await store.careLocations.of(['new', 'old']);
      assert.deepEqual(
        found.map(({ organisation }) => organisation),
        ['RQW', 'RJ6'],
      );
    });

    it('gives the objections that are in force at a time', async () => {
      await store.objections.record([
        { patient: 'a', kind: 'objection', from: 10 },
        { patient: 'a', kind: 'restriction', from: 10, until: 20 },
        { patient: 'b', kind: 'objection', from: 10 },
      ]);
      const kinds = async (at: number) =>
        (await store.objections.inForce(['a'], at)).map(({ kind }) => kind).sort();
      assert.deepEqual(await kinds(9), []);
      assert.deepEqual(await kinds(10), ['objection', 'restriction']);
      assert.deepEqual(await kinds(20), ['objection']);
    });

    it('replaces an objection of the same kind', async () => {
      await store.objections.record([{ patient: 'a', kind: 'objection', from: 10 }]);
      await store.objections.record([{ patient: 'a', kind: 'objection', from: 10, until: 11 }]);
      assert.deepEqual(await store.objections.inForce(['a'], 11), []);
    });

    it('is healthy while it can write, and rejects when it cannot', async () => {
      assert.equal(await store.healthy(), true);
      await store.close();
      assert.equal(await store.healthy(), false);
      await assert.rejects(store.audit.append([row('a')]), { code: 'audit-unavailable' });
      await assert.rejects(store.replay.spend('i', 'j', 1), { code: 'store-unavailable' });
      await assert.rejects(store.objections.inForce(['a'], 1), { code: 'store-unavailable' });
      store = await again();
    });
  });
}
