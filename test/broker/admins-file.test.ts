import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';

import { statusCommand } from '../../src/cli/status.ts';
import { called } from '../cli/in-process.ts';
import { callAdminApi, clientIn } from '../support/admin.ts';
import { readAudit } from '../support/audit.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { until } from '../support/until.ts';
import { errorCode } from '../support/viewer.ts';
import { smallData } from '../requesting/small-data.ts';

describe('admins whose configuration file changes while the broker runs', () => {
  let federation: TestFederation;
  let file: string;
  let good: string;
  before(async () => {
    federation = await startFederation({ data: smallData(), regions: ['london'] });
    file = federation.config('london').source;
    good = readFileSync(file, 'utf8');
  });
  after(() => federation.stop());
  afterEach(async () => {
    writeFileSync(file, good);
    await until(async () => (await whoami('officer-2')) === 'security-officer');
    await until(async () => (await status()).admins.fault === undefined);
  });

  const change = (admins: (all: RawConfig[]) => RawConfig[]): void => {
    const raw = parse(good) as RawConfig;
    raw['admins'] = admins(raw['admins'] as RawConfig[]);
    writeFileSync(file, stringify(raw));
  };
  const status = () => federation.broker('london').status();
  /** The role, or the code of the refusal. */
  const whoami = async (id: string, agent: https.Agent | false = false): Promise<unknown> => {
    const tls = clientIn(join(federation.directory, 'keys/london/admins', id));
    const port = federation.broker('london').ports.admin_api ?? 0;
    const call = agent === false ? {} : { agent };
    const reply = await callAdminApi(port, '/admin/v1/whoami', agent === false ? tls : {}, call);
    return reply.status === 200 ? reply.body['role'] : errorCode(reply.body);
  };

  it('one who is taken out has no access any more, on an open connection too, and the others keep theirs', async () => {
    const tls = clientIn(join(federation.directory, 'keys/london/admins/officer-2'));
    const agent = new https.Agent({ ...tls, keepAlive: true, maxSockets: 1 });
    assert.equal(await whoami('officer-2', agent), 'security-officer');
    change((all) => all.filter(({ id }) => id !== 'officer-2'));
    await until(async () => (await whoami('officer-2', agent)) === 'certificate-unknown');
    assert.equal(await whoami('officer-2'), 'certificate-unknown');
    assert.equal(await whoami('officer-1'), 'security-officer');
    agent.destroy();
    await until(async () =>
      (await readAudit(federation.config('london'))).some(({ event }) => event === 'admins-changed'),
    );
    const [{ count, values } = assert.fail()] = (await readAudit(federation.config('london'))).filter(
      ({ event }) => event === 'admins-changed',
    );
    assert.equal(count, 2);
    assert.deepEqual(
      (JSON.parse(values['admins'] ?? '[]') as { id: string; role: string }[]).map(({ id, role }) => [
        id,
        role,
      ]),
      [
        ['officer-1', 'security-officer'],
        ['operator-1', 'operator'],
      ],
    );
  });

  it('one whose role is another has that', async () => {
    change((all) => all.map((one) => (one['id'] === 'officer-2' ? { ...one, role: 'viewer' } : one)));
    await until(async () => (await whoami('officer-2')) === 'viewer');
  });

  it('of a file that is not in order nothing is taken, and the status says so', async () => {
    const nobody = stringify({ ...(parse(good) as RawConfig), admins: [] });
    let last: string | undefined;
    for (const wrong of [good.replace('role: operator', 'role: king'), good.slice(0, 400), nobody]) {
      writeFileSync(file, wrong);
      await until(async () => ![undefined, last].includes((await status()).admins.fault));
      last = (await status()).admins.fault;
      assert.ok(last?.includes(file));
      assert.equal(await whoami('officer-2'), 'security-officer');
    }
    // The command reads the configuration too: from a copy that is in order.
    const copy = join(federation.directory, 'copy.yaml');
    writeFileSync(copy, good);
    const { out } = await called(statusCommand, ['--config', copy]);
    assert.match(out, /^ {2}ADMINS of the configuration file do not count/m);
    assert.equal(await whoami('operator-1'), 'operator');
  });

  it('an authority whose file changes counts as well: another’s certificates are no admins’', async () => {
    const anchors = join(federation.directory, 'keys/london/admins/ca.pem');
    const kept = `${anchors}.kept`;
    cpSync(anchors, kept);
    cpSync(join(federation.directory, 'keys/essex-suffolk/admins/ca.pem'), anchors);
    await until(() =>
      whoami('officer-1').then(
        (found) => found !== 'security-officer',
        () => true,
      ),
    );
    cpSync(kept, anchors);
    rmSync(kept);
    await until(() =>
      whoami('officer-1').then(
        (found) => found === 'security-officer',
        () => false,
      ),
    );
  });
});
