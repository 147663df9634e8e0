import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import type { LogStatus } from '../../src/audit/audit-room.ts';
import type { Began } from '../../src/audit/succession/succession.ts';
import { auditCommand } from '../../src/cli/audit.ts';
import { backupCommand } from '../../src/cli/backup.ts';
import { objectionsCommand } from '../../src/cli/objections.ts';
import { restoreCommand } from '../../src/cli/restore.ts';
import { statusCommand } from '../../src/cli/status.ts';
import { trustCommand } from '../../src/cli/trust.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { signCheckpoint } from '../../src/tlog/checkpoint.ts';
import { emptyRoot } from '../../src/tlog/merkle.ts';
import { keyOf } from '../audit/evidence-of.ts';
import { called } from '../cli/in-process.ts';
import { readAudit } from '../support/audit.ts';
import type { Ran } from '../support/command.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { soon } from '../support/soon.ts';
import { signAnew } from '../support/statement.ts';
import { errorCode, rollCallOf, TestViewer } from '../support/viewer.ts';

const PATIENT = '9990000018';
const HERTS: RegionId = 'herts-west-essex';
const LISTED = 'london.wayleave.example/log/1';
const CONFIRMED = ['--reason', 'all is as it was', '--by', 'B. Admin'];
/** Neither runs in these tests. */
const ABSENT = ['essex-suffolk', 'west-midlands'];

/** Two regions that witness each other, and what the tests do to London's store. */
class Two implements AsyncDisposable {
  readonly federation: TestFederation;
  readonly viewer: TestViewer;

  private constructor(federation: TestFederation) {
    this.federation = federation;
    this.viewer = new TestViewer(federation, HERTS, 'hwe-viewer');
  }

  static async start(): Promise<Two> {
    return new Two(
      await startFederation({
        regions: [HERTS, 'london'],
        edit: (_region, config) => void (config['checkpoint_ms'] = 150),
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.viewer.close();
    await this.federation.stop();
  }

  get file(): string {
    return this.federation.config('london').store.slice('sqlite:'.length);
  }

  at(name: string): string {
    return join(this.federation.directory, name);
  }

  on(region: RegionId = 'london'): string[] {
    return ['--config', join(this.federation.directory, `${region}.yaml`)];
  }

  confirm(...words: string[]): Promise<Ran> {
    return called(trustCommand, ['confirm', ...CONFIRMED, '--json', ...words, ...this.on()]);
  }

  async ask(): Promise<string[] | undefined> {
    const { body } = await this.viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
    return rollCallOf(body)['london'];
  }

  async status() {
    return this.federation.broker('london').status();
  }

  async sizeOf(): Promise<number> {
    return (await readAudit(this.federation.config('london'))).length;
  }

  /** Until Hertfordshire has cosigned all that London wrote. @returns how much that is */
  async cosigned(): Promise<number> {
    return soon(async () => {
      const size = await this.sizeOf();
      const { witnesses } = (await this.status()).log as LogStatus;
      const seen = witnesses.find(({ region }) => region === HERTS);
      return seen?.size === size && seen.fault === undefined ? size : undefined;
    });
  }

  backup(file: string): Promise<Ran> {
    return called(backupCommand, ['--out', file, '--json', ...this.on()]);
  }

  async restore(file: string): Promise<Ran> {
    for (const beside of ['', '-wal', '-shm']) rmSync(`${this.file}${beside}`, { force: true });
    return called(restoreCommand, [file, '--reason', 'the disk died', '--by', 'A. Admin', ...this.on()]);
  }

  /** London's store as it is now, in one file. */
  copy(name: string): string {
    const database = new DatabaseSync(this.file);
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
    copyFileSync(this.file, this.at(name));
    return this.at(name);
  }

  /** Puts a copy back, without a word to anybody. */
  putBack(copy: string): void {
    for (const beside of ['-wal', '-shm']) rmSync(`${this.file}${beside}`, { force: true });
    copyFileSync(copy, this.file);
  }

  async opened(): Promise<void> {
    await soon(async () => (await this.status()).ready || undefined);
  }
}

describe('a store that was restored', () => {
  let two: Two;
  let kept: number;
  let written: number;
  let openedAt: number;
  before(async () => {
    two = await Two.start();
    await two.ask();
    kept = await two.cosigned();
    await two.backup(two.at('backup.db'));
    await two.ask();
    written = await two.cosigned();
    assert.ok(written > kept);
    await two.federation.stopBroker('london');
    const { code, err } = await two.restore(two.at('backup.db'));
    assert.equal(code, 0, err);
    await two.federation.startBroker('london');
  });
  after(() => two[Symbol.asyncDispose]());

  it('starts closed, and says so', async () => {
    const { ready, closed } = await two.status();
    assert.deepEqual([ready, closed?.why], [false, 'restored']);
    const { out, code } = await called(statusCommand, two.on());
    assert.equal(code, 3);
    assert.match(out, /CLOSED since .*trust confirm/s);
    const { admin } = two.federation.broker('london').ports;
    const reached = await new Promise<number>((resolve, reject) => {
      http
        .get(`http://127.0.0.1:${admin}/health/ready`, ({ statusCode }) => resolve(statusCode ?? 0))
        .on('error', reject);
    });
    assert.equal(reached, 503);
  });

  it('gives nothing to anybody, and writes nothing', async () => {
    const before = await two.sizeOf();
    assert.equal(before, kept);
    const viewer = new TestViewer(two.federation, 'london');
    for (const path of [
      `/fhir/Condition?patient=${PATIENT}`,
      `/fhir/Patient/${PATIENT}/$everything`,
      '/fhir/AuditEvent?date=ge2026-01-01',
      '/fhir/metadata',
      '/regions/london/london-care-record/fhir/Condition/1',
    ]) {
      const { status, body, headers } = await viewer.ask(PATIENT, path);
      assert.deepEqual([status, errorCode(body)], [503, 'store-closed'], path);
      assert.ok(headers['retry-after']);
    }
    viewer.close();
    const herts = new TestNeighbour(two.federation, HERTS);
    const answer = await herts.send('london', await herts.query('london', PATIENT));
    assert.deepEqual([answer.status, errorCode(answer.body)], [503, 'store-closed']);
    assert.equal(answer.headers['wayleave-response'], undefined);
    for (const path of ['witnessed', 'hello', 'consistency?from=0&to=1']) {
      const { status } = await herts.send('london', undefined, {
        method: 'GET',
        path: `/federation/v1/${path}`,
      });
      assert.equal(status, 503, path);
    }
    assert.equal(await two.sizeOf(), before);
  });

  it('is never taken for a region that holds nothing', async () => {
    assert.equal((await two.ask())?.[0], 'not-reached');
  });

  it('takes objections before it is opened, and says that its log does not have that yet', async () => {
    const file = two.at('objections.csv');
    writeFileSync(file, 'nhs_number,kind\n9990000034,objection\n');
    const { code, out, err } = await called(objectionsCommand, ['import', file, '--json', ...two.on()]);
    assert.deepEqual([code, JSON.parse(out)], [0, { imported: 1 }]);
    assert.match(err, /closed/);
    assert.equal(await two.sizeOf(), kept);
  });

  it('is not opened by one who does not mean it, nor by `audit seal`', async () => {
    const { code, out } = await two.confirm('--without', ...ABSENT);
    assert.equal(code, 2);
    const { neighbours } = JSON.parse(out) as { neighbours: { region: string; saysOfUs: object }[] };
    assert.deepEqual(neighbours.map(({ region }) => region).sort(), [...ABSENT, HERTS].sort());
    const sealed = await called(auditCommand, ['seal', ...CONFIRMED, '--whole', '--yes', ...two.on()]);
    assert.equal(sealed.code, 1);
    assert.equal((await two.status()).closed?.why, 'restored');
  });

  it('is not opened while a neighbour is not reached, unless that one is named', async () => {
    assert.equal((await two.confirm('--yes')).code, 1);
    assert.equal((await two.confirm('--yes', '--without', 'west-midlands')).code, 1);
    assert.equal((await two.confirm('--yes', '--without', ...ABSENT, 'nowhere')).code, 1);
    assert.equal((await two.status()).closed?.why, 'restored');
  });

  it('opens when an admin confirms it, without a restart: the gap is the first thing in the new log', async () => {
    const { code, out, err } = await two.confirm('--yes', '--without', ...ABSENT);
    assert.equal(code, 0, err);
    ({ openedAt } = JSON.parse(out) as { openedAt: number });
    await two.opened();
    assert.equal(((await two.status()).log as LogStatus).origin, `${LISTED}/2`);
    const [began, opened] = await readAudit(two.federation.config('london'));
    assert.deepEqual([began?.event, opened?.event], ['log-began', 'store-opened']);
    const { after, why, size, highest, lost } = began?.detail as Began;
    assert.deepEqual([after, why, size], [LISTED, 'restored', kept]);
    assert.deepEqual([highest?.region, highest?.size], [HERTS, written]);
    assert.deepEqual(lost, { from: kept, to: written - 1 });
    assert.match(highest?.note ?? '', new RegExp(`^${LISTED}\n${written}\n`));
    assert.deepEqual(opened?.values, {
      by: 'B. Admin',
      reason: 'all is as it was',
      restored_by: 'A. Admin',
      restored_reason: 'the disk died',
    });
    assert.deepEqual((opened?.detail as { without: string[] }).without, ABSENT);
  });

  it('answers again, and its logs verify', async () => {
    // The circuit to London is open at Hertfordshire, until its own probe has been answered.
    await soon(async () => (await two.ask())?.[0] === 'answered' || undefined);
    const { code, out } = await called(auditCommand, ['verify', '--sealed', ...two.on()]);
    assert.equal(code, 0, out);
    const { succeeded, forks } = await soon(async () => {
      const status = (await two.federation.broker(HERTS).status()).log as LogStatus;
      return (status.succeeded ?? []).length > 0 ? status : undefined;
    });
    assert.deepEqual([succeeded?.map(({ origin }) => origin), forks], [[`${LISTED}/2`], []]);
    assert.equal((await two.confirm('--yes', '--without', ...ABSENT)).code, 1);
  });

  it('refuses what was signed before it was opened, and takes what was signed after', async () => {
    const herts = new TestNeighbour(two.federation, HERTS);
    const at = async (iat: number) => {
      const query = await herts.query('london', PATIENT, { iat, exp: iat + 60 });
      const { status, body } = await herts.send('london', query);
      return [status, errorCode(body)];
    };
    const second = Math.ceil(openedAt / 1000);
    assert.ok(Date.now() / 1000 - second < 25, 'this test must come soon after the opening');
    assert.deepEqual(await at(second - 1), [401, 'not-fresh']);
    assert.deepEqual(await at(second + 1), [200, undefined]);
  });

  it('goes on when it is started anew, as any other', async () => {
    await two.federation.stopBroker('london');
    await two.federation.startBroker('london');
    assert.equal((await two.status()).ready, true);
    assert.equal(((await two.status()).log as LogStatus).origin, `${LISTED}/2`);
  });
});

describe('a store that was moved to PostgreSQL by a backup', () => {
  it('starts closed, and opens for every replica of it', async () => {
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

function copyStatement(two: Two, name: string): { putBack: () => void } {
  const place = two.at('keys/london/public/entity-statement.jwt');
  copyFileSync(place, two.at(name));
  return { putBack: () => copyFileSync(two.at(name), place) };
}
