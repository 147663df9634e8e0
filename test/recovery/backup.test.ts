import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parse, stringify } from 'yaml';

import { BACKUP_FILES, openFilling, openSnapshot, openStore, startBroker } from '../../src/broker.ts';
import { auditCommand } from '../../src/cli/audit.ts';
import { backupCommand } from '../../src/cli/backup.ts';
import { restoreCommand } from '../../src/cli/restore.ts';
import { loadConfig } from '../../src/config/load.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import { StartError } from '../../src/errors.ts';
import type { Backup } from '../../src/recovery/take-backup.ts';
import { copyStore, type Snapshot } from '../../src/store/copying.ts';
import { withLog } from '../audit/evidence-of.ts';
import { called } from '../cli/in-process.ts';
import type { Ran } from '../support/command.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { sharedPostgres } from '../support/postgres.ts';

const DECIDED = ['--reason', 'the disk died', '--by', 'A. Admin'];

/** Everything in a store, in an order that does not depend on the store. */
async function contents(snapshot: Snapshot): Promise<Record<string, string[]>> {
  const all: Record<string, string[]> = {};
  try {
    for (const { name } of snapshot.tables) {
      const rows: string[] = [];
      for await (const page of snapshot.pages(name)) {
        for (const row of page) {
          const values = Object.entries(row).map(([column, value]) => [
            column,
            value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
          ]);
          rows.push(
            JSON.stringify(values.toSorted(([one], [other]) => (String(one) < String(other) ? -1 : 1))),
          );
        }
      }
      all[name] = rows.toSorted();
    }
    return all;
  } finally {
    await snapshot.close();
  }
}

for (const kind of ['SQLite', 'PostgreSQL'] as const) {
  describe(`a backup of a ${kind} store`, () => {
    let federation: TestFederation;
    let made = 0;
    before(async () => {
      const store = kind === 'PostgreSQL' ? await (await sharedPostgres()).newDatabase() : undefined;
      federation = await startFederation({
        regions: ['london'],
        edit: (_region, raw) => void (store === undefined || (raw['store'] = store)),
      });
    });
    after(() => federation.stop());

    const at = (name: string): string => join(federation.directory, `${(made += 1)}-${name}`);
    const config = (): string => join(federation.directory, 'london.yaml');
    const backup = (file: string, ...words: string[]): Promise<Ran> =>
      calledOrSaid(backupCommand, ['--out', file, '--config', config(), ...words]);
    const verify = (file: string): Promise<Ran> =>
      called(auditCommand, ['verify', '--json', '--sealed', '--backup', file, '--config', config()]);
    /** The configuration with another store. */
    const configOn = (store: string, change: (raw: RawConfig) => void = () => undefined): string => {
      const raw = parse(readFileSync(config(), 'utf8')) as RawConfig;
      raw['store'] = store;
      change(raw);
      const file = join(federation.directory, `other-${(made += 1)}.yaml`);
      writeFileSync(file, stringify(raw));
      return file;
    };
    const restore = (file: string, to: string): Promise<Ran> =>
      calledOrSaid(restoreCommand, [file, ...DECIDED, '--config', to]);
    const write = (count: number): Promise<void> =>
      withLog(federation, 'london', async ({ trail, checkpoints }) => {
        for (let n = 0; n < count; n += 1) await trail.objectionsImported(randomUUID(), n);
        await checkpoints.sign();
      });

    it('is one file of its owner alone, which says what it is, and is never written over another', async () => {
      await write(300);
      const file = at('one.db');
      const { code, out, err } = await backup(file, '--json');
      assert.equal(code, 0, err);
      const told = JSON.parse(out) as Backup;
      assert.equal(statSync(file).mode & 0o777, 0o600);
      for (const beside of ['-wal', '-shm', '-journal', '.part'])
        assert.equal(existsSync(`${file}${beside}`), false);
      assert.deepEqual([told.form, told.region], ['wayleave-backup/1', 'london']);
      assert.ok(Math.abs(Date.parse(told.taken_at) - Date.now()) < 60_000);
      assert.equal(told.rows['log_entry'], told.logs[0]?.size);
      assert.ok((told.rows['checkpoint'] ?? 0) > 0 && (told.rows['care_sighting'] ?? 0) > 0);
      assert.deepEqual(JSON.parse(BACKUP_FILES.told(file)), told);
      assert.equal((await verify(file)).code, 0);
      const before = readFileSync(file);
      assert.notEqual((await backup(file)).code, 0);
      assert.deepEqual(readFileSync(file), before);
    });

    it('taken while the log is written shows one moment: its log verifies, checkpoints and all', async () => {
      let stopped = false;
      const writing = withLog(federation, 'london', async ({ trail, checkpoints }) => {
        for (let n = 0; !stopped; n += 1) {
          await Promise.all([1, 2, 3, 4].map(() => trail.objectionsImported(randomUUID(), n)));
          if (n % 3 === 0) await checkpoints.sign();
        }
      });
      try {
        for (let round = 0; round < 4; round += 1) {
          const file = at('busy.db');
          const { code, out, err } = await backup(file, '--json');
          assert.equal(code, 0, err);
          const verified = await verify(file);
          assert.equal(verified.code, 0, verified.out.slice(0, 500));
          const { size } = JSON.parse(verified.out) as { size: number };
          assert.equal((JSON.parse(out) as Backup).logs[0]?.size, size);
        }
      } finally {
        stopped = true;
        await writing;
      }
    });

    it('goes back into a store of either kind, every row, which is closed then', async () => {
      const file = at('both.db');
      await federation.stopBroker('london');
      await backup(file);
      const whole = await contents(await openSnapshot(federation.config('london')));
      for (const store of [`sqlite:${at('restored.db')}`, await (await sharedPostgres()).newDatabase()]) {
        const { code, err } = await restore(file, configOn(store));
        assert.equal(code, 0, err);
        assert.deepEqual(await contents(await openSnapshot({ store })), whole);
        const opened = await openStore({ store });
        const { closed } = await opened.state.read();
        assert.equal(closed?.why, 'restored');
        assert.match(closed.detail, /"taken_at":/);
        assert.doesNotMatch(closed.detail, /Admin|disk/);
        await assert.rejects(opened.log.append('any/log/1', [{ entries: [entryOf()] }]), {
          code: 'audit-unavailable',
        });
        await opened.close();
        // The way back: a backup of the restored store holds the same again.
        const again = at('again.db');
        await calledOrSaid(backupCommand, ['--out', again, '--config', configOn(store)]);
        assert.deepEqual(await contents(BACKUP_FILES.openSnapshot(again)), whole);
      }
      await federation.startBroker('london');
    });

    it('goes into no store that holds something', async () => {
      const file = at('full.db');
      await backup(file);
      const { code, err } = await restore(file, config());
      assert.equal(code, 1);
      assert.match(err, /is there already|is not empty/);
      const left = at('left.db');
      writeFileSync(`${left}-wal`, 'of a database that was taken away');
      assert.equal((await restore(file, configOn(`sqlite:${left}`))).code, 1);
      assert.equal(existsSync(left), false);
    });

    it('is refused when it is damaged, cut short, of another region, or no backup: nothing is made of it', async () => {
      const file = at('good.db');
      await write(50);
      await backup(file);
      const wrong: [string, (copy: string) => void, ((raw: RawConfig) => void)?][] = [
        ['cut.db', (copy) => truncateSync(copy, statSync(copy).size - 8_192)],
        ['short.db', (copy) => truncateSync(copy, 100)],
        ['pages.db', (copy) => scribble(copy)],
        [
          'leaf.db',
          (copy) =>
            run(
              copy,
              "UPDATE log_entry SET leaf = x'00' WHERE sequence = (SELECT max(sequence) FROM log_entry)",
            ),
        ],
        [
          'fewer.db',
          (copy) => run(copy, 'DELETE FROM log_entry WHERE sequence = (SELECT max(sequence) FROM log_entry)'),
        ],
        ['told.db', (copy) => run(copy, `UPDATE backup SET told = replace(told, '"size":', '"size":1')`)],
        ['untold.db', (copy) => run(copy, 'DELETE FROM backup')],
        ['text.db', (copy) => writeFileSync(copy, 'no backup'.repeat(1_000))],
        [
          'region.db',
          () => undefined,
          (raw) => Object.assign(raw, { entity: 'https://other.wayleave.example' }),
        ],
        [
          'version.db',
          (copy) => run(copy, `UPDATE backup SET told = replace(told, '"version":"', '"version":"9')`),
        ],
      ];
      for (const [name, damage, change] of wrong) {
        const copy = at(name);
        copyFileSync(file, copy);
        damage(copy);
        const target = at('never.db');
        const { code, err } = await restore(copy, configOn(`sqlite:${target}`, change));
        assert.equal(code, 1, `${name} ${err}`);
        assert.equal(existsSync(target), false, `${name} ${err}`);
      }
      assert.equal((await restore(at('none.db'), configOn(`sqlite:${at('never.db')}`))).code, 1);
    });

    it('that was cut short on its way back leaves a store that no broker starts on', async () => {
      const file = at('half.db');
      await backup(file);
      for (const store of [
        `sqlite:${at('half-restored.db')}`,
        await (await sharedPostgres()).newDatabase(),
      ]) {
        const filling = await openFilling({ store });
        const snapshot = BACKUP_FILES.openSnapshot(file);
        let pages = 0;
        const cut: Snapshot = {
          ...snapshot,
          async *pages(table) {
            for await (const page of snapshot.pages(table)) {
              if ((pages += 1) > 2) throw new Error('the power failed');
              yield page;
            }
          },
        };
        await assert.rejects(copyStore(cut, filling), /the power failed/);
        await filling.close();
        await snapshot.close();
        const half = loadConfig(configOn(store));
        await assert.rejects(
          startBroker(half, loadSecrets(half.secretsDirectory)),
          (error) => error instanceof StartError && /restore/.test(error.message),
        );
        const { code } = await restore(file, configOn(store));
        assert.equal(code, 1);
      }
    });

    it('takes its half-made file away when it cannot be finished, and never that of another', async () => {
      const failed = at('failed.db');
      const fail = (): Promise<never> => Promise.reject(new Error('the disk is full'));
      await assert.rejects(
        BACKUP_FILES.write(failed, Date.now, fail, () => Promise.resolve('{}')),
        /the disk is full/,
      );
      for (const name of [failed, `${failed}.part`, `${failed}.part-wal`])
        assert.equal(existsSync(name), false);
      const taken = at('taken.db');
      writeFileSync(`${taken}.part`, 'of another');
      assert.equal((await backup(taken)).code, 1);
      assert.deepEqual([existsSync(taken), readFileSync(`${taken}.part`, 'utf8')], [false, 'of another']);
    });
  });
}

const entryOf = () => ({ at: 1, event: 'started', exchange: 'e', facts: '"e":1', index: {} });

/** As `src/main.ts` does: what is a sentence is said. */
async function calledOrSaid(...call: Parameters<typeof called>): Promise<Ran> {
  try {
    return await called(...call);
  } catch (error) {
    if (error instanceof StartError) return { code: 1, out: '', err: error.message };
    throw error;
  }
}

function run(file: string, text: string): void {
  const database = new DatabaseSync(file);
  const { changes } = database.prepare(text).run();
  database.close();
  assert.ok(changes > 0, 'nothing was changed');
}

/** Other bytes in the middle of the file. */
function scribble(file: string): void {
  const bytes = readFileSync(file);
  for (let page = 4; page < 8; page += 1) bytes.fill(0xa5, page * 4_096, page * 4_096 + 512);
  writeFileSync(file, bytes);
}
