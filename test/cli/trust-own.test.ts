import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { parse, stringify } from 'yaml';

import { startBroker } from '../../src/broker.ts';
import { trustCommand } from '../../src/cli/trust.ts';
import { loadConfig } from '../../src/config/load.ts';
import { openSecrets } from '../../src/config/open-secrets.ts';
import { StartError } from '../../src/errors.ts';
import { claimedStatement, verifyStatement } from '../../src/evidence/statement.ts';
import type { BrokerMetadata, PublicJwk } from '../../src/trust/entity-statement.ts';
import { generateSigningKey } from '../../src/trust/signing-key.ts';
import { ecKey, issue, type Issued } from '../support/certificates.ts';
import type { Ran } from '../support/command.ts';
import { snapshotOf } from '../support/own-pair.ts';
import { called } from './in-process.ts';

const ENTITY = 'https://greater-manchester.wayleave.example';
const VARIABLE = 'WAYLEAVE_TEST_PASSPHRASE';

describe('the commands for our own keys and certificates', () => {
  let scratch: string;
  let counter = 0;

  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'wayleave-own-'));
    env[VARIABLE] = 'correct horse battery staple';
  });
  after(() => {
    rmSync(scratch, { recursive: true });
    Reflect.deleteProperty(env, VARIABLE);
  });

  const trust = (...words: string[]): Promise<Ran> => called(trustCommand, words);
  const fresh = (name: string): string => join(scratch, `${(counter += 1)}-${name}`);

  async function done(...words: string[]): Promise<string> {
    const { code, out, err } = await trust(...words);
    assert.equal(code, 0, err);
    return out;
  }

  async function json<Shape>(...words: string[]): Promise<Shape> {
    return JSON.parse(await done(...words, '--json')) as Shape;
  }

  async function refused(exit: number, ...words: string[]): Promise<string> {
    const { code, err } = await trust(...words);
    assert.equal(code, exit, err);
    assert.ok(!err.includes(String(env[VARIABLE])) && !err.includes('PRIVATE KEY-----\n'));
    return err;
  }

  const US = [
    ...['--region', 'greater-manchester', '--entity', ENTITY, '--name', 'Greater Manchester'],
    ...['--contact', 'broker@gm.example', '--sub-icb', '14L', '--sub-icb', '01G', '--organisation', 'R0A'],
  ];

  /** A region's directory, and where things are in it. */
  class Region {
    readonly dir = fresh('region');
    readonly config = join(this.dir, 'greater-manchester.yaml');
    readonly key = join(this.dir, 'federation/federation.jwk.json');
    readonly statement = join(this.dir, 'public/entity-statement.jwt');

    async init(...more: string[]): Promise<this> {
      await done('init', '--dir', this.dir, ...US, ...more);
      return this;
    }

    /** Ports that are free, as an admin would write them. */
    anyPorts(): this {
      const raw = parse(readFileSync(this.config, 'utf8')) as Record<
        string,
        Record<string, { port: number }>
      >;
      for (const listener of Object.values(raw['listeners'] ?? {})) listener.port = 0;
      writeFileSync(this.config, stringify({ ...raw, log_level: 'silent' }));
      return this;
    }

    sign(...more: string[]): Promise<string> {
      const words = join(this.dir, 'statement.yaml');
      return done('sign', '--key', this.key, '--statement', words, '--out', this.statement, ...more);
    }

    read(file: string): string {
      return readFileSync(join(this.dir, file), 'utf8');
    }

    broker(): BrokerMetadata {
      return claimedStatement(readFileSync(this.statement, 'utf8')).metadata.wayleave_broker;
    }
  }

  function fetchText(port: number, ca: string): Promise<{ text: string; type: string | undefined }> {
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port, ca, servername: new URL(ENTITY).hostname };
      https
        .get({ ...options, path: '/.well-known/openid-federation' }, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (part: string) => (text += part));
          response.on('end', () => resolve({ text, type: response.headers['content-type'] }));
        })
        .on('error', reject);
    });
  }

  for (const sealed of [false, true]) {
    it(`make a region that starts and serves its statement${sealed ? ', under a passphrase' : ''}`, async () => {
      const under = sealed ? ['--passphrase-env', VARIABLE] : [];
      const region = await new Region().init('--own-ca', ...under);
      await region.anyPorts().sign(...under);
      const config = loadConfig(region.config);
      const broker = await startBroker(config, await openSecrets(config));
      try {
        const { text, type } = await fetchText(broker.ports.statement, region.read('public/ca.pem'));
        assert.match(type ?? '', /application\/entity-statement\+jwt/);
        assert.equal(text, readFileSync(region.statement, 'utf8').trim());
        const { keys } = JSON.parse(region.read('public/federation.jwks.json')) as { keys: PublicJwk[] };
        const statement = await verifyStatement(text, keys, ENTITY, Date.now());
        assert.equal(statement.metadata.wayleave_broker.sequence, 1);
      } finally {
        await broker.stop();
      }
    });
  }

  describe('init', () => {
    it('gives private files to their owner alone, and keeps the federation key apart', async () => {
      const region = await new Region().init('--own-ca');
      const mode = (path: string): number => statSync(join(region.dir, path)).mode & 0o777;
      assert.deepEqual(['private', 'federation'].map(mode), [0o700, 0o700]);
      const secret = [
        ...readdirSync(join(region.dir, 'private')).map((name) => `private/${name}`),
        ...['federation/federation.jwk.json', 'federation/ca.key.pem'],
      ];
      for (const path of secret) assert.equal(mode(path), 0o600, path);
      assert.ok(secret.includes('private/trust.key'));
      assert.match(region.read('federation/KEEP-ELSEWHERE.txt'), /elsewhere/);
      const outside = readdirSync(region.dir, { recursive: true, encoding: 'utf8' }).filter(
        (path) => !path.startsWith('private') && !path.startsWith('federation/'),
      );
      for (const path of outside.filter((one) => statSync(join(region.dir, one)).isFile())) {
        assert.doesNotMatch(region.read(path), /"d":|PRIVATE KEY/, path);
      }
    });

    it('makes 32 bytes for each of the other secrets, no two the same', async () => {
      const region = await new Region().init();
      const names = ['cursor.key', 'paging.key', 'patient-digest.key', 'audit.keys', 'trust.key'];
      const secrets = names.map((name) => region.read(`private/${name}`));
      for (const text of secrets) assert.equal(Buffer.from(text, 'base64url').length, 32);
      assert.equal(new Set(secrets).size, names.length);
    });

    it('never touches what is there, not even where it failed before', async () => {
      const region = await new Region().init();
      const before = snapshotOf(region.dir);
      await refused(1, 'init', '--dir', region.dir, ...US);
      assert.deepEqual(snapshotOf(region.dir), before);
      const file = fresh('file');
      writeFileSync(file, 'mine');
      await refused(1, 'init', '--dir', file, ...US);
      assert.equal(readFileSync(file, 'utf8'), 'mine');
      const empty = fresh('empty');
      mkdirSync(empty);
      await done('init', '--dir', empty, ...US);
    });

    it('makes all or nothing', async () => {
      const parent = fresh('parent');
      writeFileSync(parent, 'no directory');
      await refused(1, 'init', '--dir', join(parent, 'region'), ...US);
      const beside = readdirSync(scratch).filter((name) => name.startsWith('.'));
      assert.deepEqual(beside, []);
    });

    it('refuses names that a neighbour could not use, and a passphrase that is not there', async () => {
      const dir = fresh('region');
      const but = (option: string, value: string): string[] => US.with(US.indexOf(option) + 1, value);
      for (const wrong of ['http://a.example', 'https://a.example/', 'https://a.example?x', 'gm']) {
        await refused(2, 'init', '--dir', dir, ...but('--entity', wrong));
      }
      await refused(2, 'init', '--dir', dir, ...but('--region', 'Greater Manchester'));
      await refused(2, 'init', '--dir', dir, ...but('--sub-icb', '14l'));
      await refused(1, 'init', '--dir', dir, ...US, '--own-ca', '--dns', '*.example');
      assert.match(await refused(1, 'init', '--dir', dir, ...US, '--passphrase-env', 'NOT_SET'), /NOT_SET/);
      assert.ok(!existsSync(dir));
    });

    it('names the shared directory of regions where there is one', async () => {
      const shared = join(import.meta.dirname, '../../config/directory.yaml');
      const region = await new Region().init('--directory', shared);
      assert.ok(!existsSync(join(region.dir, 'directory.yaml')));
      const { directory } = parse(readFileSync(region.config, 'utf8')) as { directory: string };
      assert.equal(join(region.dir, directory), shared);
    });
  });

  describe('with an authority of others', () => {
    const root = issue({ name: 'NHS-like root', ca: true });
    const authority = issue({ name: 'Issuing CA', ca: true }, root);

    /** The authority reads the request's key and names; here the test plays it. */
    function certified(keyFile: string, usage: 'server' | 'client'): Issued {
      const key = createPrivateKey({ key: readFileSync(keyFile), passphrase: env[VARIABLE] ?? '' });
      return issue({ name: `gm ${usage}`, uris: [ENTITY], usage, key }, authority);
    }

    async function withCertificates(...more: string[]): Promise<Region> {
      const region = await new Region().init(...more);
      for (const role of ['server', 'client'] as const) {
        const asked = await json<{ key: string }>('csr', '--config', region.config, '--for', role);
        await take(region, role, certified(asked.key, role));
      }
      return region;
    }

    async function take(region: Region, role: string, leaf: Issued, ...more: string[]): Promise<void> {
      const file = fresh('chain.pem');
      writeFileSync(file, root.pem + leaf.pem + authority.pem);
      await done('import', '--config', region.config, '--for', role, file, ...more);
    }

    async function requestAndSign(region: Region, ...more: string[]): Promise<void> {
      const claims = fresh('claims.json');
      await done('request', '--config', region.config, '--out', claims, ...more);
      const after = existsSync(region.statement) ? ['--after', region.statement] : [];
      const out = ['--out', region.statement, ...after];
      await done('sign', '--key', region.key, '--statement', claims, ...out);
    }

    it('a region comes from request to start', async () => {
      const region = await withCertificates('--tls-key', 'ec');
      await requestAndSign(region);
      assert.deepEqual(region.broker().tls.anchors, [root.pem]);
      const config = loadConfig(region.anyPorts().config);
      const broker = await startBroker(config, await openSecrets(config));
      await broker.stop();
    });

    it('a key is renewed beside the present one, and used once its certificate is in', async () => {
      const region = await withCertificates();
      await requestAndSign(region);
      const of = ['--config', region.config, '--for', 'server'];
      const before = region.read('private/tls-server.key.pem');
      const { key } = await json<{ key: string }>('csr', ...of, '--new-key', '--tls-key', 'ec');
      assert.ok(key.endsWith('tls-server.next.key.pem'));
      assert.equal(statSync(key).mode & 0o777, 0o600);
      const next = readFileSync(key, 'utf8');
      await refused(1, 'csr', ...of, '--new-key');
      assert.equal(readFileSync(key, 'utf8'), next);
      assert.equal(region.read('private/tls-server.key.pem'), before);
      // Asked again, it is the key that waits.
      assert.equal((await json<{ key: string }>('csr', ...of)).key, key);
      await openSecrets(loadConfig(region.config));

      await take(region, 'server', certified(key, 'server'));
      assert.equal(region.read('private/tls-server.key.pem'), next);
      assert.equal(region.read('private/tls-server.former.key.pem'), before);
      assert.ok(!existsSync(key));
      await openSecrets(loadConfig(region.config));
    });

    it('under a passphrase no key is ever written in clear', async () => {
      const region = await withCertificates('--passphrase-env', VARIABLE);
      const of = ['--config', region.config, '--for', 'client'];
      await done('csr', ...of, '--new-key');
      const ours = readdirSync(join(region.dir, 'private')).filter((name) => name.endsWith('.pem'));
      const key = ecKey();
      const leaf = issue({ name: 'with key', uris: [ENTITY], usage: 'server', key }, authority);
      const file = fresh('key.pem');
      writeFileSync(file, leaf.keyPem);
      await take(region, 'server', leaf, '--key', file);
      for (const name of [...ours, 'tls-server.key.pem', 'tls-server.former.key.pem']) {
        assert.match(region.read(`private/${name}`), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/, name);
      }
    });

    it('a certificate of a stranger is refused, and nothing is changed', async () => {
      const region = await withCertificates();
      await requestAndSign(region);
      const before = snapshotOf(region.dir);
      const stranger = issue({ name: 'Stranger', ca: true });
      const key = createPrivateKey(region.read('private/tls-server.key.pem'));
      const leaf = issue({ name: 'gm', uris: [ENTITY], usage: 'server', key }, stranger);
      const file = fresh('stranger.pem');
      writeFileSync(file, leaf.pem + stranger.pem);
      const words = ['import', '--config', region.config, '--for', 'server', file];
      await refused(1, ...words);
      await refused(1, 'import', '--config', region.config, '--for', 'client', file, '--unlisted-anchor');
      assert.deepEqual(snapshotOf(region.dir), before);
      const { chain } = await json<{ chain: string[] }>(...words, '--unlisted-anchor');
      assert.deepEqual(chain, ['CN=gm', 'CN=Stranger']);
      // The statement would now cut us off: no request is made that does not list what we use.
      await refused(1, 'request', '--config', region.config, '--out', fresh('claims.json'));
    });

    it('anchors change by a request that names old and new', async () => {
      const region = await withCertificates();
      await requestAndSign(region);
      const files = [root, issue({ name: 'New root', ca: true })].map((one, at) => {
        const file = fresh(`anchor-${at}.pem`);
        writeFileSync(file, one.pem);
        return file;
      });
      await requestAndSign(region, ...files.flatMap((file) => ['--anchor', file]));
      assert.equal(region.broker().tls.anchors.length, 2);
      assert.equal(region.broker().sequence, 2);
      // And stay without being named again.
      await requestAndSign(region);
      assert.equal(region.broker().tls.anchors.length, 2);
    });

    it('a request keeps log keys, and carries the next message key and no private one', async () => {
      const region = await withCertificates();
      await requestAndSign(region);
      const former = region.broker();
      const other = await new Region().init();
      const copy = (from: string, to: string): void =>
        writeFileSync(join(region.dir, 'private', to), other.read(`private/${from}`), { mode: 0o600 });
      copy('message.jwk.json', 'message.next.jwk.json');
      copy('log.jwk.json', 'log.jwk.json');
      const claims = fresh('claims.json');
      await done('request', '--config', region.config, '--out', claims);
      const text = readFileSync(claims, 'utf8');
      assert.doesNotMatch(text, /"d"|PRIVATE/);
      const said = JSON.parse(text) as BrokerMetadata;
      assert.equal(said.message_keys.length, 2);
      assert.deepEqual(said.log_keys[0], former.log_keys[0]);
      assert.equal(said.log_keys.length, 2);
      assert.deepEqual(said.logs, former.logs);
    });
  });

  describe('sign', () => {
    let region: Region;
    const words = (): string => join(region.dir, 'statement.yaml');
    const base = (): string[] => ['sign', '--key', region.key, '--statement', words()];

    before(async () => {
      region = await new Region().init('--own-ca');
      await region.sign();
    });

    it('writes over nothing but the statement that it follows', async () => {
      const before = readFileSync(region.statement, 'utf8');
      await refused(1, ...base(), '--out', region.statement);
      const other = fresh('other');
      writeFileSync(other, 'mine');
      await refused(1, ...base(), '--after', region.statement, '--out', other);
      assert.equal(readFileSync(other, 'utf8'), 'mine');
      assert.equal(readFileSync(region.statement, 'utf8'), before);
    });

    it('shows what differs, and with --show writes nothing', async () => {
      const before = readFileSync(region.statement, 'utf8');
      const text = region.read('statement.yaml');
      writeFileSync(words(), text.replace('broker@gm.example', 'new@gm.example'));
      const out = await done(...base(), '--after', region.statement, '--out', region.statement, '--show');
      assert.match(out, /^- contact: broker@gm\.example.*\n\+ contact: new@gm\.example/m);
      assert.equal(readFileSync(region.statement, 'utf8'), before);
      writeFileSync(words(), text);
    });

    it('never drops a log, and nothing is written then', async () => {
      const before = readFileSync(region.statement, 'utf8');
      const text = region.read('statement.yaml');
      writeFileSync(words(), text.replace('wayleave.example/log/1', 'wayleave.example/log/2'));
      await refused(1, ...base(), '--after', region.statement, '--out', region.statement);
      assert.equal(readFileSync(region.statement, 'utf8'), before);
      writeFileSync(words(), text);
    });

    it('wants days that are some, and a key that is one', async () => {
      await refused(2, ...base(), '--out', fresh('out'), '--days', '0');
      await refused(2, ...base(), '--out', fresh('out'), '--days', '9999');
      const message = join(region.dir, 'private/message.jwk.json');
      const after = ['--after', region.statement, '--out', fresh('out')];
      await refused(1, 'sign', '--key', message, '--statement', words(), ...after);
      await refused(1, 'sign', '--key', words(), '--statement', words(), '--out', fresh('out'));
    });

    it('warns where the key that signed the former one is dropped: evidence of before leads to none of now', async () => {
      const { privateJwk, publicJwk } = await generateSigningKey('ES256');
      const [secret, added] = [fresh('new.jwk.json'), fresh('new.jwks.json')];
      writeFileSync(secret, JSON.stringify(privateJwk), { mode: 0o600 });
      writeFileSync(added, JSON.stringify({ keys: [publicJwk] }));
      const { kid } = JSON.parse(readFileSync(region.key, 'utf8')) as { kid: string };
      interface Signed {
        readonly out: string;
        readonly lostFederationKey?: string;
      }
      const signed = async (key: string, after: string, ...more: string[]): Promise<Signed> => {
        const out = ['--after', after, '--out', fresh('statement.jwt')];
        return await json<Signed>('sign', '--key', key, '--statement', words(), ...out, ...more);
      };
      const first = await signed(region.key, region.statement, '--add-federation-key', added);
      const drop = ['--drop-federation-key', kid];
      const short = await signed(secret, first.out, ...drop);
      const both = await signed(secret, first.out);
      const last = await signed(secret, both.out, ...drop);
      const lost = [first, short, both, last].map(({ lostFederationKey }) => lostFederationKey);
      assert.deepEqual(lost, [undefined, kid, undefined, undefined]);
      const again = ['--statement', words(), '--after', first.out, '--out', fresh('out'), '--show'];
      assert.match(await done('sign', '--key', secret, ...again, ...drop), /^WARNING: .* signed with /m);
    });

    it('does not follow a statement that was changed', async () => {
      const changed = fresh('changed.jwt');
      const [header, , signature] = readFileSync(region.statement, 'utf8').split('.');
      const claims = claimedStatement(readFileSync(region.statement, 'utf8'));
      claims.metadata.wayleave_broker.sequence = 7;
      const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
      writeFileSync(changed, [header, payload, signature].join('.'));
      await refused(1, ...base(), '--after', changed, '--out', fresh('out'));
    });

    for (const [what, change] of Object.entries({
      'a setting that is none': (text: string) => `${text}\nsequence: 9\n`,
      'a private key': (text: string) => text.replace('public/message', 'private/message'),
      'an anchor that is not there': (text: string) => text.replace('public/ca.pem', 'public/other.pem'),
      'an anchor that is a leaf': (text: string) => text.replace('public/ca.pem', 'public/tls-server.pem'),
      'no records': (text: string) => text.replace(/^records:\n(?: .*\n)+/m, 'records: []\n'),
    })) {
      it(`does not sign ${what}`, async () => {
        const file = join(region.dir, 'wrong.yaml');
        writeFileSync(file, change(region.read('statement.yaml')));
        const err = await refused(1, 'sign', '--key', region.key, '--statement', file, '--out', fresh('out'));
        assert.ok(err.includes('wrong.yaml'), err);
      });
    }
  });

  it('a message key is rotated under a passphrase, and is never in clear', async () => {
    const under = ['--passphrase-env', VARIABLE];
    const region = await new Region().init('--own-ca', ...under);
    await region.sign(...under);
    const rotate = ['rotate', 'signing'];
    const of = ['--config', region.config];
    const [claims, again] = [fresh('claims.json'), fresh('claims.json')];
    const set = env[VARIABLE];
    const before = snapshotOf(region.dir);
    for (const wrong of [undefined, 'another']) {
      if (wrong === undefined) Reflect.deleteProperty(env, VARIABLE);
      else env[VARIABLE] = wrong;
      try {
        await refused(1, ...rotate, 'prepare', ...of, '--out', claims);
      } finally {
        env[VARIABLE] = set;
      }
    }
    assert.deepEqual(snapshotOf(region.dir), before);
    const former = region.read('private/message.jwk.json');
    await done(...rotate, 'prepare', ...of, '--out', claims);
    const next = region.read('private/message.next.jwk.json');
    const signing = ['--key', region.key, '--after', region.statement, '--out', region.statement, ...under];
    await done('sign', '--statement', claims, ...signing);
    await done(...rotate, 'activate', ...of);
    assert.equal(region.read('private/message.jwk.json'), next);
    for (const name of ['message', 'message.former'])
      assert.match(region.read(`private/${name}.jwk.json`), /^[\w-]+(?:\.[\w-]+){4}\n$/, name);
    assert.notEqual(region.read('private/message.former.jwk.json'), former);
    await refused(3, ...rotate, 'retire', ...of, '--out', again);
    const config = loadConfig(region.anyPorts().config);
    const broker = await startBroker(config, await openSecrets(config));
    await broker.stop();
  });

  describe('invite and fingerprint', () => {
    let region: Region;
    before(async () => {
      region = await new Region().init('--own-ca');
    });

    interface Words {
      readonly words: string[];
      readonly hex: string;
    }

    it('say the same words for the statement and for its keys', async () => {
      await refused(1, 'invite', '--config', region.config);
      await region.sign();
      const out = fresh('invitation.jwt');
      const { fingerprint, served } = await json<{ fingerprint: Words; served: string[] }>(
        ...['invite', '--config', region.config, '--out', out],
      );
      assert.equal(fingerprint.words.length, 8);
      assert.ok(served.includes(`${ENTITY}:8443/.well-known/openid-federation`));
      assert.equal(readFileSync(out, 'utf8'), readFileSync(region.statement, 'utf8'));
      for (const file of [out, join(region.dir, 'public/federation.jwks.json')]) {
        const { words, hex } = await json<Words>('fingerprint', file);
        assert.deepEqual({ words, hex }, fingerprint);
      }
      const text = await done('invite', '--config', region.config);
      assert.ok(text.includes(fingerprint.words.join(' ')) && text.includes('14L 01G'));
      const said = fingerprint.words.join(' ').toUpperCase();
      await done('fingerprint', out, '--compare', said);
      const wrong = fingerprint.words.toSpliced(3, 1, 'zoo').join(' ');
      assert.match(await refused(1, 'fingerprint', out, '--compare', wrong), /^Word 4 differs/);
      await refused(1, 'fingerprint', out, '--compare', '');
    });

    it('of a certificate is its SHA-256, and of another file there is none', async () => {
      const file = join(region.dir, 'public/ca.pem');
      const { hex } = await json<Words>('fingerprint', file);
      const expected = new X509Certificate(readFileSync(file)).fingerprint256
        .replaceAll(':', '')
        .toLowerCase();
      assert.equal(hex, expected);
      await refused(1, 'fingerprint', join(region.dir, 'statement.yaml'));
      await refused(1, 'fingerprint', join(region.dir, 'federation/federation.jwk.json'));
      await refused(2, 'fingerprint', join(region.dir, 'not-there'));
    });

    it('do not invite with a statement that another key signed', async () => {
      const other = await new Region().init('--own-ca');
      await other.sign();
      const before = readFileSync(region.statement);
      writeFileSync(region.statement, readFileSync(other.statement));
      assert.match(await refused(1, 'invite', '--config', region.config), /unknown-kid/);
      writeFileSync(region.statement, before);
    });
  });

  it('a configuration whose keys are under a passphrase that is not set stops with a sentence', async () => {
    const region = await new Region()
      .init('--own-ca', '--passphrase-env', 'WAYLEAVE_TEST_ONCE')
      .catch(() => undefined);
    assert.equal(region, undefined);
    env['WAYLEAVE_TEST_ONCE'] = 'once';
    const made = await new Region().init('--own-ca', '--passphrase-env', 'WAYLEAVE_TEST_ONCE');
    await made.sign('--passphrase-env', 'WAYLEAVE_TEST_ONCE');
    Reflect.deleteProperty(env, 'WAYLEAVE_TEST_ONCE');
    await assert.rejects(openSecrets(loadConfig(made.config)), StartError);
    await refused(1, 'csr', '--config', made.config, '--for', 'server');
  });

  it('tell what they are for', async () => {
    for (const name of ['init', 'csr', 'import', 'request', 'sign', 'invite', 'fingerprint']) {
      const { code, out } = await trust(name, '--help');
      assert.equal(code, 0);
      assert.match(out, /--json/, name);
    }
  });
});
