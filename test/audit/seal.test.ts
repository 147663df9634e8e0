import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import type { LogStatus } from '../../src/audit/audit-room.ts';
import type { Began } from '../../src/audit/succession/succession.ts';
import { auditLogIn, openStore } from '../../src/broker.ts';
import { auditCommand } from '../../src/cli/audit.ts';
import { evidenceCommand } from '../../src/cli/evidence.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { findAuditEvent } from '../../src/requesting/find-audit-events.ts';
import { verifyEvidence } from '../../src/audit/proof/verify-file.ts';
import { called } from '../cli/in-process.ts';
import { readAudit, type AuditRow } from '../support/audit.ts';
import type { Ran } from '../support/command.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { soon } from '../support/soon.ts';
import { TestViewer } from '../support/viewer.ts';

const PATIENT = '9990000018';
const LISTED = 'london.wayleave.example/log/1';
const SEALING = ['--reason', 'a bit flipped', '--by', 'A. Admin', '--yes'];

describe('a log that is broken', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  before(async () => {
    federation = await startFederation({
      regions: ['herts-west-essex', 'london'],
      edit: (_region, config) => void (config['checkpoint_ms'] = 150),
    });
    viewer = new TestViewer(federation, 'herts-west-essex', 'hwe-viewer');
    await ask('7a1e5d0c-0000-4000-8000-000000000001');
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  const ask = async (id: string): Promise<number> => {
    const headers = { 'X-Request-Id': id };
    return (await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`, { headers })).status;
  };
  const on = (region: RegionId): string[] => ['--config', join(federation.directory, `${region}.yaml`)];
  const audit = (...words: string[]): Promise<Ran> => called(auditCommand, [...words, ...on('london')]);
  const database = <Result>(work: (database: DatabaseSync) => Result): Result => {
    const open = new DatabaseSync(federation.config('london').store.slice('sqlite:'.length));
    try {
      return work(open);
    } finally {
      open.close();
    }
  };
  const statusOf = async (region: RegionId): Promise<LogStatus> =>
    (await federation.broker(region).status()).log as LogStatus;
  let rows: AuditRow[];
  let broken: number;

  it('is not ended while it is whole, nor by one who does not mean it', async () => {
    const { code, err } = await audit('seal', ...SEALING);
    assert.deepEqual([code, /is whole/.test(err)], [1, true]);
    assert.equal((await audit('seal', ...SEALING.slice(0, -1))).code, 2);
    assert.equal((await statusOf('london')).origin, LISTED);
  });

  it('is not written on: the start names the command that goes on', async () => {
    await soon(async () => {
      const { witnesses } = await statusOf('london');
      return witnesses.some(({ region, size }) => region === 'herts-west-essex' && size > 0) || undefined;
    });
    await federation.stopBroker('london');
    rows = await readAudit(federation.config('london'));
    broken = rows.find(({ event }) => event === 'query-answered')?.sequence ?? assert.fail();
    database((open) => {
      const row = open.prepare('SELECT leaf FROM log_entry WHERE sequence = ?').get(broken);
      const leaf = Buffer.from(row?.['leaf'] as Uint8Array);
      // Not JSON any more, which is the worst that a bit can do to an entry.
      leaf[leaf.length - 1] = (leaf.at(-1) ?? 0) ^ 1;
      open.prepare('UPDATE log_entry SET leaf = ? WHERE sequence = ?').run(leaf, broken);
      // As if the power had failed before the next checkpoint: the start looks at what came after the last.
      open.prepare('DELETE FROM checkpoint').run();
    });
    await assert.rejects(federation.startBroker('london'), /wayleave audit seal/);
  });

  it('is ended, and what is broken is the first entry of the log that follows it', async () => {
    const { code, out, err } = await audit('seal', '--json', ...SEALING);
    assert.equal(code, 0, err);
    const { next } = JSON.parse(out) as { next: string };
    assert.equal(next, `${LISTED}/2`);
    const [first] = await readAudit(federation.config('london'));
    assert.equal(first?.event, 'log-began');
    const { after, why, size, fault } = first.detail as Began;
    assert.deepEqual([after, why, size], [LISTED, 'sealed', rows.length]);
    assert.deepEqual(fault, { kind: 'leaf', sequence: broken });
    assert.deepEqual(first.values, { by: 'A. Admin', reason: 'a bit flipped' });
  });

  it('goes on as the other: answers, proofs and evidence of both', async () => {
    await federation.startBroker('london');
    const id = '7a1e5d0c-0000-4000-8000-000000000002';
    assert.equal(await ask(id), 200);
    const proved = await soon(async () => {
      const asker = await readAudit(federation.config('herts-west-essex'));
      return asker.find((row) => row.event === 'inclusion-proved' && row.exchange === id);
    });
    assert.match(
      (proved.detail as { checkpoint: string }).checkpoint,
      /^london\.wayleave\.example\/log\/1\/2\n/,
    );
    const { code, out } = await called(evidenceCommand, ['export', proved.jti ?? '', ...on('london')]);
    assert.equal(code, 0);
    assert.equal((await verifyEvidence(Buffer.from(out))).holds, true);
    const asked = await called(evidenceCommand, ['export', id, ...on('herts-west-essex')]);
    const { steps, holds } = await verifyEvidence(Buffer.from(asked.out));
    assert.ok(holds);
    assert.ok(steps.some(({ check, result }) => check === 'other-log' && result === 'ok'));
  });

  it('is told by the neighbours, who cosign its successor', async () => {
    const { witnesses } = await soon(async () => {
      const status = await statusOf('london');
      return status.witnesses.some(({ region, size }) => region === 'herts-west-essex' && size > 0)
        ? status
        : undefined;
    });
    assert.equal(witnesses.find(({ region }) => region === 'herts-west-essex')?.fault, undefined);
    const { succeeded, forks, unproved } = await statusOf('herts-west-essex');
    assert.deepEqual(
      [succeeded?.map(({ region, origin }) => [region, origin]), forks, unproved],
      [[['london', `${LISTED}/2`]], [], []],
    );
    const met = (await readAudit(federation.config('herts-west-essex'))).filter(
      ({ event }) => event === 'log-succeeded',
    );
    assert.equal(met.length, 1);
    assert.equal(met[0]?.region, 'london');
  });

  it('is verified with its successor: the break that was recorded is no new one', async () => {
    const { code, out } = await audit('verify', '--json');
    const found = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { origin: string; fault?: object; recorded?: boolean });
    assert.deepEqual(
      found.map(({ origin, fault, recorded }) => [origin, fault !== undefined, recorded]),
      [
        [LISTED, true, true],
        [`${LISTED}/2`, false, undefined],
      ],
    );
    assert.equal(code, 0);
    assert.equal((await audit('verify', '--log', `${LISTED}/2`)).code, 0);
    assert.equal((await audit('verify', '--log', 'london.wayleave.example/log/9')).code, 2);
  });

  it('is searched, counted, exported and reported on all the same, and says what cannot be read', async () => {
    const found = await audit('search', '--patient', PATIENT, '--json');
    const { entries } = JSON.parse(found.out) as { entries: { log: string; seq: number; event: string }[] };
    assert.deepEqual(
      entries.filter(({ event }) => event === 'unreadable').map(({ log, seq }) => [log, seq]),
      [[LISTED, broken]],
    );
    assert.deepEqual(new Set(entries.map(({ log }) => log)), new Set([LISTED, `${LISTED}/2`]));
    for (const words of [['stats'], ['unusual'], ['search'], ['search', '--open']]) {
      assert.equal((await audit(...words)).code, 0, words.join());
    }
    const report = await audit('report', '--patient', PATIENT, '--json');
    const { unreadable, accesses } = JSON.parse(report.out) as { unreadable: number; accesses: object[] };
    assert.deepEqual([unreadable, accesses.length], [1, 2]);
    const files = (['london', 'herts-west-essex'] as const).map((region) =>
      join(federation.directory, `${region}.ndjson`),
    );
    const [ours, theirs] = [files[0] ?? '', files[1] ?? ''];
    assert.equal((await audit('export', '--with', 'herts-west-essex', '--out', ours)).code, 0);
    const other = ['export', '--with', 'london', '--out', theirs, ...on('herts-west-essex')];
    assert.equal((await called(auditCommand, other)).code, 0);
    const compared = await called(auditCommand, ['compare', ours, theirs, '--json']);
    const { exchanges } = JSON.parse(compared.out) as { exchanges: number };
    assert.ok(exchanges >= 1 && [0, 3].includes(compared.code ?? -1));
  });

  it('gives AuditEvents of both, each under an id of its own', async () => {
    const config = federation.config('london');
    const store = await openStore(config);
    const log = await auditLogIn(store, config, loadSecrets(config.secretsDirectory));
    const parties = {
      ...{ region: config.region, entity: config.entity },
      ...{ entityOf: () => config.entity, issuerOf: () => undefined },
    };
    const find = (id: string) =>
      findAuditEvent(id, undefined, { store: store.log, archive: store.archive, log, parties }, String);
    const answered = (await readAudit(config)).find(({ event }) => event === 'query-answered')?.sequence ?? 0;
    const [former, now] = [await find(`1.${broken - 1}`), await find(`1.2.${answered}`)];
    const absent = await Promise.all([
      find(`1.3.${answered}`),
      find(`2.${answered}`),
      find(`1.1.${answered}`),
    ]);
    await store.close();
    assert.equal(now?.id, `1.2.${answered}`);
    assert.equal((now.meta as { source?: string } | undefined)?.source, `https://${LISTED}/2#${answered}`);
    assert.ok(former === undefined || former.id === `1.${broken - 1}`);
    assert.deepEqual(absent, [undefined, undefined, undefined]);
  });

  it('is verified no more where another break comes, or its end is changed', async () => {
    await federation.stopBroker('london');
    const undo = database((open) => {
      const leaf = open.prepare('SELECT leaf FROM log_entry WHERE log = ? AND sequence = 0').get(LISTED);
      open.prepare("UPDATE log_entry SET leaf = x'00' WHERE log = ? AND sequence = 0").run(LISTED);
      return leaf?.['leaf'] as Uint8Array;
    });
    assert.equal((await audit('verify')).code, 1);
    database((open) => {
      open.prepare('UPDATE log_entry SET leaf = ? WHERE log = ? AND sequence = 0').run(undo, LISTED);
    });
    assert.equal((await audit('verify')).code, 0);
    await federation.startBroker('london');
  });

  it('can be ended beside a running broker, where that is meant: it goes on by itself, and the tail is proved', async () => {
    const id = '7a1e5d0c-0000-4000-8000-000000000003';
    assert.equal(await ask(id), 200);
    const before = await readAudit(federation.config('london'));
    const last = before.findLast(({ event }) => event === 'query-answered') ?? assert.fail();
    const { code } = await audit('seal', '--whole', ...SEALING);
    assert.equal(code, 0);
    const { out } = await called(evidenceCommand, ['export', last.exchange, ...on('london')]);
    const { holds } = await verifyEvidence(Buffer.from(out));
    assert.ok(holds);
    assert.equal((JSON.parse(out) as { origin: string }).origin, `${LISTED}/2`);
    await soon(async () => (await statusOf('london')).origin === `${LISTED}/3` || undefined);
    // While its log was broken it said after how long it may be asked again.
    await soon(async () => (await ask(randomUUID())) === 200 || undefined);
    const rows3 = await readAudit(federation.config('london'));
    assert.ok(rows3.some(({ event }) => event === 'query-answered'));
    const { code: erased } = await audit(
      'erase',
      '1',
      '--log',
      `${LISTED}/2`,
      '--reason',
      'asked for',
      '--yes',
    );
    assert.equal(erased, 0);
    assert.equal((await audit('verify', '--sealed')).code, 0);
  });
});

describe('a log whose head cannot be read', () => {
  it('can be ended all the same, and its successor says that it could not', async () => {
    const federation = await startFederation({ regions: ['london'] });
    try {
      await federation.stopBroker('london');
      const file = federation.config('london').store.slice('sqlite:'.length);
      const open = new DatabaseSync(file);
      open.exec("UPDATE log SET frontier = x'0102'");
      open.close();
      await assert.rejects(federation.startBroker('london'), /\(head\)/);
      const on = ['--config', join(federation.directory, 'london.yaml')];
      assert.equal((await called(auditCommand, ['seal', ...SEALING, ...on])).code, 0);
      await federation.startBroker('london');
      const [began, started] = await readAudit(federation.config('london'));
      const { fault, size, root } = began?.detail as Began;
      assert.deepEqual([fault?.kind, size, root], ['head', undefined, undefined]);
      assert.equal(started?.event, 'started');
    } finally {
      await federation.stop();
    }
  });
});
