import assert from 'node:assert/strict';
import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';

import { pastValidity } from '../../certs-dev/validity.ts';
import { AdminClient, adminClient, AdminRefused } from '../../src/cli/admin-client.ts';
import { adminCommand } from '../../src/cli/admin-command.ts';
import { statusCommand } from '../../src/cli/status.ts';
import { trustCommand } from '../../src/cli/trust.ts';
import { adminIdentity } from '../../src/cli/admin-identity.ts';
import { CommandFailed } from '../../src/cli/io.ts';
import { issueLeaf } from '../../src/trust/issue.ts';
import { startAdminListener } from '../support/admin-listener.ts';
import { wayleave, type Ran } from '../support/command.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { freePort } from '../support/free-ports.ts';
import { until } from '../support/until.ts';
import { unverified } from '../support/unverified.ts';
import { smallData } from '../requesting/small-data.ts';
import { called } from './in-process.ts';

const UNPROVED = 'does not prove';
const OFFICER = 'https://london.wayleave.example/admins/officer-1';

describe('wayleave admin', () => {
  let federation: TestFederation;
  before(async () => {
    federation = await startFederation({ data: smallData(), regions: ['london'] });
  });
  after(() => federation.stop());

  const file = (...names: string[]): string => join(federation.directory, ...names);
  const admin = (id: string): string => file('keys/london/admins', id);
  const whoami = (as: string, config = file('london.yaml'), ...more: string[]): Promise<Ran> =>
    called(adminCommand, ['whoami', '--config', config, '--as', as, ...more]);
  /** A copy of an admin's directory with one file changed. */
  const copyOf = (id: string, name: string, text: string): string => {
    const copy = file(`copy-${name}`);
    rmSync(copy, { recursive: true, force: true });
    cpSync(admin(id), copy, { recursive: true });
    writeFileSync(join(copy, name), text);
    return copy;
  };
  const configWith = (change: (config: RawConfig) => void): string => {
    const raw = parse(readFileSync(file('london.yaml'), 'utf8')) as RawConfig;
    change(raw);
    writeFileSync(file('changed.yaml'), stringify(raw));
    return file('changed.yaml');
  };
  /** One sentence, with each of the words, without a stack. */
  const failed = ({ code, out, err }: Ran, ...words: readonly string[]): void => {
    assert.deepEqual([code, out], [1, ''], err);
    for (const word of words) assert.ok(err.includes(word), `${err}\nlacks ${word}`);
    assert.doesNotMatch(err, /\n|BEGIN|PRIVATE/);
  };

  it('a broker is asked and told whom not to trust while a file that trust rests on is cut, and its status names it', async () => {
    const cut = file('keys/london/public/tls-server.pem');
    const good = readFileSync(cut, 'utf8');
    const config = ['--config', file('london.yaml')];
    writeFileSync(cut, good.slice(0, good.length / 2));
    try {
      await until(async () => (await called(statusCommand, config)).out.includes(cut), 'the file’s name');
      assert.equal((await whoami(admin('officer-2'))).code, 0);
      const said = ['--because', 'key-compromise', '--reason', 'told', '--as', admin('officer-1')];
      const revoked = await called(trustCommand, ['revoke', 'essex-suffolk', ...said, ...config]);
      assert.equal(revoked.code, 0, revoked.err);
    } finally {
      writeFileSync(cut, good);
    }
  });

  it('whoami tells for whom the broker takes the admin', async () => {
    assert.deepEqual(await whoami(admin('officer-2')), {
      ...{ code: 0, err: '' },
      out: 'london: officer-2 (Second security officer), security-officer\n',
    });
    const { code, out } = await whoami(admin('operator-1'), undefined, '--json');
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(out), {
      ...{ id: 'operator-1', name: 'Operator', role: 'operator', region: 'london' },
    });
  });

  it('is a command of wayleave, with help', async () => {
    const { code, out } = await wayleave('admin', 'whoami', '--help');
    assert.equal(code, 0);
    for (const option of ['--region', '--config', '--as', '--json']) assert.ok(out.includes(option), option);
  });

  it('wants a region', async () => {
    assert.equal((await called(adminCommand, ['whoami'])).code, 2);
  });

  it('names the file that an admin lacks', async () => {
    failed(await whoami(file('nobody')), join(file('nobody'), 'client.pem'));
    const copy = copyOf('officer-1', 'client.pem', '');
    rmSync(join(copy, 'broker-ca.pem'));
    failed(await whoami(copy), join(copy, 'broker-ca.pem'));
  });

  it('does not use a key that others can read', async () => {
    const copy = copyOf(
      'officer-1',
      'broker-ca.pem',
      readFileSync(file('keys/london/public/ca.pem'), 'utf8'),
    );
    assert.equal((await whoami(copy)).code, 0);
    chmodSync(join(copy, 'client.key.pem'), 0o640);
    failed(await whoami(copy), 'client.key.pem', 'chmod');
  });

  describe('says what to do where the certificate is not taken', () => {
    it('another region’s admin', async () => {
      const own = readFileSync(file('keys/london/public/ca.pem'));
      writeFileSync(file('keys/essex-suffolk/admins/officer-1/broker-ca.pem'), own);
      failed(await whoami(file('keys/essex-suffolk/admins/officer-1')), 'closed the connection', '--as');
    });

    it('a viewer', async () => {
      failed(await whoami(file('keys/london/viewers/london-viewer')), 'closed the connection');
    });

    it('an admin whose certificate is over, or names nobody', async () => {
      const authority = {
        certificate: readFileSync(file('keys/london/admins/ca.pem'), 'utf8'),
        key: readFileSync(file('keys/london/offline/admins-ca.key.pem'), 'utf8'),
      };
      const issued = async (uri: string, notBefore: Date, notAfter: Date): Promise<string> => {
        const leaf = { commonName: 'admin', uri, usage: 'client', notBefore, notAfter } as const;
        const { certificate, key } = await issueLeaf(authority, leaf);
        const copy = copyOf('officer-1', 'client.key.pem', key);
        writeFileSync(join(copy, 'client.pem'), certificate);
        return copy;
      };
      const past = pastValidity(new Date());
      failed(await whoami(await issued(OFFICER, past.notBefore, past.notAfter)), 'closed the connection');
      const inAnHour = new Date(Date.now() + 3_600_000);
      const nobody = await issued(`${OFFICER}0`, past.notBefore, inAnHour);
      failed(await whoami(nobody), 'certificate-unknown', nobody);
    });
  });

  describe('asks nobody but the region’s broker', () => {
    it('where the authority is another one', async () => {
      const other = readFileSync(file('keys/essex-suffolk/public/ca.pem'), 'utf8');
      failed(await whoami(copyOf('officer-1', 'broker-ca.pem', other)), UNPROVED);
    });

    it('where the name is another one', async () => {
      const config = configWith((raw) => (raw['entity'] = 'https://kent.wayleave.example'));
      failed(await whoami(admin('officer-1'), config), UNPROVED, 'ERR_TLS_CERT_ALTNAME_INVALID');
    });

    it('whatever the environment says of verification', async () => {
      const other = readFileSync(file('keys/essex-suffolk/public/ca.pem'), 'utf8');
      failed(await unverified(() => whoami(copyOf('officer-1', 'broker-ca.pem', other))), UNPROVED);
    });
  });

  describe('says whether the broker runs where the admin API is not reached', () => {
    it('it does', async () => {
      const port = await freePort();
      const config = configWith((raw) => ((raw['listeners'] as RawConfig)['admin_api'] = { port }));
      failed(await whoami(admin('officer-1'), config), 'ECONNREFUSED', 'the broker runs');
    });

    it('it does, and has none', async () => {
      const config = configWith((raw) => {
        delete raw['admins'];
        delete (raw['listeners'] as RawConfig)['admin_api'];
      });
      failed(await whoami(admin('officer-1'), config), config, 'listeners.admin_api');
    });

    it('it does not', async () => {
      const [api, plain] = [await freePort(), await freePort()];
      const config = configWith((raw) =>
        Object.assign(raw['listeners'] as RawConfig, { admin_api: { port: api }, admin: { port: plain } }),
      );
      failed(await whoami(admin('officer-1'), config), 'ECONNREFUSED', String(plain), 'npm start');
    });

    it('or another program listens there', async () => {
      const { port } = federation.config('london').listeners.admin;
      const config = configWith((raw) => ((raw['listeners'] as RawConfig)['admin_api'] = { port }));
      failed(await whoami(admin('officer-1'), config), UNPROVED);
    });
  });

  it('gives what a route answers, and throws the code of a refusal', async () => {
    await using listener = await startAdminListener([
      { method: 'POST', path: '/admin/v1/echo', role: 'viewer', answer: ({ body }) => ({ body }) },
      { method: 'POST', path: '/admin/v1/decide', role: 'security-officer', answer: () => ({}) },
    ]);
    const config = federation.config('london');
    const listeners = { ...config.listeners, admin_api: { host: '127.0.0.1', port: listener.port } };
    const { cert: certificate, key, ca: brokerAnchors } = listener.tls.operator;
    const client = new AdminClient(
      { ...config, listeners },
      { directory: 'here', certificate, key, brokerAnchors },
    );
    assert.deepEqual(await client.post('/admin/v1/echo', { one: ['ü'] }), { body: { one: ['ü'] } });
    const codeOf = async (asking: Promise<unknown>): Promise<string> => {
      const error = await asking.then(
        () => assert.fail('was answered'),
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof AdminRefused, String(error));
      assert.ok(error.message.includes(error.code));
      return error.code;
    };
    assert.equal(await codeOf(client.post('/admin/v1/decide', {})), 'admin-role-refused');
    assert.equal(await codeOf(client.get('/admin/v1/nothing')), 'not-found');
    assert.equal(await codeOf(client.get('/admin/v1/echo')), 'method-not-allowed');
  });

  it('takes an admin’s directory, or a name in the development keys', () => {
    assert.throws(() => adminIdentity('atlantis'), nameOf('atlantis/admins/officer-1/client.pem'));
    assert.throws(
      () => adminIdentity('atlantis', 'operator-1'),
      nameOf('atlantis/admins/operator-1/client.pem'),
    );
    assert.throws(
      () => adminIdentity('london', './operator-1'),
      nameOf(join(process.cwd(), 'operator-1/client.pem')),
    );
    assert.throws(() => adminClient({}), CommandFailed);
  });

  const nameOf = (path: string) => (error: unknown) =>
    error instanceof CommandFailed && error.message.includes(path);
});
