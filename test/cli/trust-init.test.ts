import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { parse, stringify } from 'yaml';

import { startBroker } from '../../src/broker.ts';
import { trustCommand } from '../../src/cli/trust.ts';
import { loadConfig, readConfigFile } from '../../src/config/load.ts';
import { openSecrets } from '../../src/config/open-secrets.ts';
import { readStatementRequest } from '../../src/config/statement-request-file.ts';
import { callAdminApi, clientIn } from '../support/admin.ts';
import type { Ran } from '../support/command.ts';
import { called } from './in-process.ts';

const US = [
  ...['--region', 'greater-manchester', '--entity', 'https://greater-manchester.wayleave.example'],
  ...['--name', 'Greater Manchester', '--contact', 'broker@gm.example', '--sub-icb', '14L'],
];
const STAFF = ['--organisation', 'R0A'];
const PARTIES = [
  ...['--admin', 'officer-1:security-officer', '--admin', 'operator-1:operator'],
  ...['--viewer', 'gm-viewer', ...STAFF],
];

/** What it makes beside the region's own keys: whom its first configuration lets in, and with what. */
describe('wayleave trust init, with admins and viewers', () => {
  let scratch: string;
  let counter = 0;
  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'wayleave-init-'));
  });
  after(() => rmSync(scratch, { recursive: true }));

  const fresh = (): string => join(scratch, String((counter += 1)));
  const trust = (...words: string[]): Promise<Ran> => called(trustCommand, words);
  async function made(...more: string[]): Promise<string> {
    const dir = fresh();
    const { code, err } = await trust('init', '--dir', dir, ...US, ...more);
    assert.equal(code, 0, err);
    return dir;
  }
  async function refused(exit: number, ...more: string[]): Promise<string> {
    const dir = fresh();
    const { code, err } = await trust('init', '--dir', dir, ...US, ...more);
    assert.equal(code, exit, err);
    assert.ok(!existsSync(dir));
    return err;
  }

  it('makes a region whose broker starts as it is, and knows its admins by their roles', async () => {
    const dir = await made('--own-ca', '--ip', '127.0.0.1', ...PARTIES);
    const file = join(dir, 'greater-manchester.yaml');
    const out = join(dir, 'public/entity-statement.jwt');
    const signed = await trust(
      ...['sign', '--key', join(dir, 'federation/federation.jwk.json')],
      ...['--statement', join(dir, 'statement.yaml'), '--out', out],
    );
    assert.equal(signed.code, 0, signed.err);
    const raw = parse(readFileSync(file, 'utf8')) as { listeners: Record<string, { port: number }> };
    for (const listener of Object.values(raw.listeners)) listener.port = 0;
    writeFileSync(file, stringify({ ...raw, log_level: 'silent' }));
    const config = loadConfig(file);
    assert.deepEqual(
      config.viewers.map(({ id, organisations, own_records: own }) => [id, organisations, own]),
      [['gm-viewer', ['R0A'], ['greater-manchester-record']]],
    );
    const broker = await startBroker(config, await openSecrets(config));
    try {
      for (const [id, role] of [
        ['officer-1', 'security-officer'],
        ['operator-1', 'operator'],
      ] as const) {
        const port = broker.ports.admin_api ?? 0;
        const { status, body } = await callAdminApi(
          port,
          '/admin/v1/whoami',
          clientIn(join(dir, 'admins', id)),
        );
        assert.equal(status, 200);
        assert.deepEqual([Reflect.get(body, 'id'), Reflect.get(body, 'role')], [id, role]);
      }
      const viewer = clientIn(join(dir, 'viewers/gm-viewer'));
      await assert.rejects(callAdminApi(broker.ports.admin_api ?? 0, '/admin/v1/whoami', viewer));
    } finally {
      await broker.stop();
    }
  });

  it('keeps what each is given to its owner, and the keys of all authorities with the federation key', async () => {
    const dir = await made('--own-ca', ...PARTIES);
    const mode = (path: string): number => statSync(join(dir, path)).mode & 0o777;
    assert.deepEqual(['admins', 'viewers'].map(mode), [0o700, 0o700]);
    for (const path of [
      ...['admins/officer-1/client.key.pem', 'viewers/gm-viewer/client.key.pem'],
      ...['viewers/gm-viewer/viewer.jwk.json'],
      ...['ca', 'admins-ca', 'viewers-ca'].map((name) => `federation/${name}.key.pem`),
    ]) {
      assert.equal(mode(path), 0o600, path);
    }
    const published = readFileSync(join(dir, 'public/viewers/gm-viewer.jwk.json'), 'utf8');
    assert.doesNotMatch(published, /"d"/);
  });

  it('says in configuration and statement where the statement is', async () => {
    const said = async (...more: string[]): Promise<(string | undefined)[]> => {
      const dir = await made('--own-ca', ...more);
      const { broker } = readStatementRequest(join(dir, 'statement.yaml'));
      const { statement_base: base } = readConfigFile(join(dir, 'greater-manchester.yaml'));
      return [base, broker.endpoints.statement];
    };
    const usual = 'https://greater-manchester.wayleave.example:8443';
    assert.deepEqual(await said(), [usual, usual]);
    const other = 'https://statements.gm.example';
    assert.deepEqual(await said('--statement-base', other), [other, other]);
  });

  it('lets nobody in where nobody was named, and opens no admin API then', async () => {
    const dir = await made();
    const { admins, viewers, listeners } = readConfigFile(join(dir, 'greater-manchester.yaml'));
    assert.deepEqual([admins, viewers, listeners.admin_api], [[], [], undefined]);
    assert.ok(!existsSync(join(dir, 'admins')) && !existsSync(join(dir, 'viewers')));
  });

  it('without an authority of our own leaves room for that of the server certificate, and says so', async () => {
    const dir = fresh();
    const { code, out } = await trust('init', '--dir', dir, ...US, ...PARTIES);
    assert.equal(code, 0);
    assert.match(out, /broker-ca\.pem/);
    assert.ok(existsSync(join(dir, 'admins/officer-1/client.pem')));
    assert.ok(!existsSync(join(dir, 'admins/officer-1/broker-ca.pem')));
  });

  it('refuses what is no admin, no viewer, no address and no port, and makes nothing then', async () => {
    for (const admin of ['officer-1', 'officer-1:king', ':operator', 'Officer 1:operator', '../x:operator']) {
      await refused(2, '--own-ca', '--admin', admin);
    }
    await refused(2, '--own-ca', '--admin', 'one:viewer', '--admin', 'one:operator');
    await refused(2, '--own-ca', ...STAFF, '--viewer', 'a/b');
    await refused(2, '--own-ca', ...STAFF, '--viewer', 'one', '--viewer', 'one');
    assert.match(await refused(2, '--own-ca', '--viewer', 'one'), /--organisation/);
    for (const ip of ['localhost', '127.0.0', '127.0.0.1/8']) await refused(2, '--own-ca', '--ip', ip);
    await refused(2, '--ip', '127.0.0.1');
    await refused(2, '--dns', 'broker.gm.example');
    for (const port of ['0', '65532', 'x']) await refused(2, '--own-ca', '--first-port', port);
    await refused(2, '--statement-base', 'http://gm.example');
  });

  it("does not make others' keys under the broker's passphrase", async () => {
    const variable = 'WAYLEAVE_TEST_INIT';
    env[variable] = 'correct horse battery staple';
    try {
      await refused(2, '--own-ca', ...PARTIES, '--passphrase-env', variable);
    } finally {
      Reflect.deleteProperty(env, variable);
    }
  });
});
