import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';

import { keyId } from '../../src/audit/sealing.ts';
import { openStore } from '../../src/broker.ts';
import { auditCommand } from '../../src/cli/audit.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { readAudit } from '../support/audit.ts';
import type { Ran } from '../support/command.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { TestViewer } from '../support/viewer.ts';
import { called } from './in-process.ts';

const HERE: RegionId = 'herts-west-essex';
const PATIENT = '9990000018';

interface Said {
  readonly rewrapped: number;
  readonly current: number;
  readonly unopened: number;
  readonly notNeeded: readonly string[];
  readonly needed: readonly string[];
}

describe('wayleave audit rewrap, beside a broker', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  let former: string;
  const fresh = randomBytes(32).toString('base64url');
  const keyFile = (): string => join(federation.config(HERE).secretsDirectory, 'audit.keys');
  const audit = (...words: string[]): Promise<Ran> =>
    called(auditCommand, [...words, '--config', join(federation.directory, `${HERE}.yaml`)]);
  const rewrap = async (code = 0): Promise<Said> => {
    const { out, err, code: got } = await audit('rewrap', '--json');
    assert.equal(got, code, out + err);
    return JSON.parse(out) as Said;
  };
  const ask = (): Promise<unknown> => viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
  const idOf = (text: string): string => keyId(Buffer.from(text, 'base64url'));
  /** Restarts the broker with these keys. */
  const keys = async (...texts: string[]): Promise<void> => {
    await federation.stopBroker(HERE);
    writeFileSync(keyFile(), `${texts.join('\n')}\n`, { mode: 0o600 });
    await federation.startBroker(HERE);
  };

  before(async function () {
    this.timeout(60_000);
    federation = await startFederation({ edit: (_region, raw) => (raw['checkpoint_ms'] = 120_000) });
    viewer = new TestViewer(federation, HERE);
    former = readFileSync(keyFile(), 'utf8').trim();
    await ask();
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  it('has nothing to do under one key', async () => {
    const { out, code } = await audit('rewrap');
    assert.equal(code, 0);
    assert.match(out, /^0 re-wrapped; [1-9]\d* were under the current key already\.$/m);
    assert.match(out, /There is no former key that can be removed/);
  });

  it('takes the place of a former key, which can be removed then', async () => {
    await keys(fresh, former);
    await ask();
    const { exchange } = (await readAudit(federation.config(HERE))).at(-1) ?? {};
    assert.ok(exchange);
    await audit('erase', '2', '--reason', 'test', '--yes');
    const before = await readAudit(federation.config(HERE));
    const { out, err, code } = await audit('rewrap');
    assert.equal(code, 0, err);
    assert.match(out, new RegExp(`may be removed from audit.keys: ${idOf(former)} \\(key 2\\)\\.`));
    for (const secret of [former, fresh, PATIENT]) assert.ok(!(out + err).includes(secret));
    const after = await readAudit(federation.config(HERE));
    assert.deepEqual(after.slice(0, -1), before);
    const told = after.at(-1);
    assert.equal(told?.event, 'keys-rewrapped');
    assert.equal(told.count, Number(/^(\d+) re-wrapped/.exec(out)?.[1]));
    assert.ok(told.count > 0);
    assert.deepEqual(told.values, { admin: userInfo().username });

    await keys(fresh);
    await ask();
    const verified = await audit('verify', '--sealed', '--json');
    assert.equal(verified.code, 0, verified.out);
    assert.equal((JSON.parse(verified.out) as { erased: number }).erased, 1);
    const rows = await readAudit(federation.config(HERE));
    assert.deepEqual(rows.slice(0, before.length), before);
    const found = await audit('search', '--patient', PATIENT, '--open', '--json');
    assert.equal(found.code, 0, found.err);
    assert.ok(found.out.includes(PATIENT));
  });

  it('does nothing when it is run again, and says so in the log as well', async () => {
    const { rewrapped, current, unopened, notNeeded, needed } = await rewrap();
    assert.deepEqual([rewrapped, unopened, notNeeded, needed], [0, 0, [], []]);
    assert.ok(current > 0);
    const told = (await readAudit(federation.config(HERE))).at(-1);
    assert.deepEqual(
      [told?.event, told?.count, told?.detail],
      ['keys-rewrapped', 0, { current, unopened: 0 }],
    );
  });

  it('exits with 1 where no key opens some, says how many, and leaves them', async () => {
    const another = randomBytes(32).toString('base64url');
    const { current } = await rewrap();
    await keys(another);
    const { out, code } = await audit('rewrap');
    assert.equal(code, 1);
    // What was written under the former key since: the entry of the run before.
    assert.match(out, new RegExp(`^${current + 1} are opened by no key of audit\\.keys`, 'm'));
    await keys(another, fresh);
    const again = await rewrap();
    assert.deepEqual([again.rewrapped, again.unopened, again.notNeeded], [current + 1, 0, [idOf(fresh)]]);
  });

  it('does nothing in a store that is closed', async () => {
    await federation.stopBroker(HERE);
    const store = await openStore(federation.config(HERE));
    assert.ok(await store.state.close({ since: 1, why: 'behind', detail: '{}' }));
    const { size } = await store.log.head(`${HERE}.wayleave.example/log/1`);
    const { code, err } = await audit('rewrap');
    assert.equal(code, 1);
    assert.match(err, /closed.*trust confirm/);
    assert.equal((await store.log.head(`${HERE}.wayleave.example/log/1`)).size, size);
    await store.close();
  });
});
