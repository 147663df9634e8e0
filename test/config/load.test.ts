/* eslint-disable @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-assignment -- a raw configuration is changed as a careless hand would */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';

import { ensureStatement } from '../../certs-dev/statements.ts';
import { startBroker } from '../../src/broker.ts';
import { configurationDigest } from '../../src/config/digest.ts';
import { loadConfig } from '../../src/config/load.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import { REGION_IDS } from '../../src/demo/places.ts';
import { StartError } from '../../src/errors.ts';
import { freshDirectory, type RawConfig } from '../support/federation.ts';

const ROOT = resolve(import.meta.dirname, '../..');

interface Parties {
  readonly entity: string;
  readonly viewers: readonly { readonly certificate: { readonly uri: string } }[];
  readonly neighbours: readonly { readonly entity: string }[];
  readonly admins: readonly { readonly certificate: { readonly uri: string } }[];
}

describe('a configuration file', () => {
  let directory: string;
  let good: RawConfig;

  before(async () => {
    directory = await freshDirectory();
    for (const region of REGION_IDS) {
      await ensureStatement(join(ROOT, `config/${region}.yaml`), join(directory, 'keys', region), Date.now());
    }
    const text = readFileSync(join(ROOT, 'config/west-midlands.yaml'), 'utf8');
    good = parse(text.replaceAll('../certs-dev/generated', join(directory, 'keys'))) as RawConfig;
    good['directory'] = join(ROOT, 'config/directory.yaml');
    good['store'] = `sqlite:${join(directory, 'store.db')}`;
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  function write(change: (config: RawConfig) => void): string {
    const config = structuredClone(good);
    change(config);
    const file = join(directory, 'region.yaml');
    writeFileSync(file, stringify(config, { aliasDuplicateObjects: false }));
    return file;
  }

  /** The start must stop with a sentence that names the file and the setting. */
  function refused(file: string, ...named: string[]): void {
    assert.throws(
      () => loadConfig(file),
      (error: unknown) => {
        assert.ok(error instanceof StartError, String(error));
        for (const word of [file, ...named])
          assert.ok(error.message.includes(word), `${error.message}\nlacks ${word}`);
        return true;
      },
    );
  }

  it('asks demographics in clear on this machine alone, with credentials or without', () => {
    const asking = (base: string) => write((config) => (config['demographics'] = { base }));
    for (const here of ['http://127.0.0.1:4500/FHIR/R4', 'http://localhost:4500', 'https://pds.example']) {
      assert.equal(loadConfig(asking(here)).demographics.base, here);
    }
    for (const there of ['http://pds.example/FHIR/R4', 'http://10.0.0.1', 'http://127.0.0.1.example']) {
      refused(asking(there), 'demographics.base', 'https');
    }
  });

  it('has no platform that is a neighbour, an admin or itself; the one whose viewer asks may be one', () => {
    const as = (uri: string) =>
      write((config) => {
        const certificate = { uri, anchors: config['viewers'][0].certificate.anchors };
        const platform = { id: 'platform', name: 'A platform', organisations: ['RJ6'], certificate };
        config['care_locations'] = { platforms: [platform] };
      });
    const own = 'https://platform.example';
    const { entity, viewers, neighbours, admins } = good as unknown as Parties;
    for (const uri of [own, viewers[0]?.certificate.uri ?? '']) {
      assert.equal(loadConfig(as(uri)).care_locations.platforms.length, 1);
    }
    for (const uri of [entity, neighbours[0]?.entity]) {
      refused(as(uri ?? ''), 'care_locations.platforms.0.certificate.uri', 'platform');
    }
    refused(as(admins[0]?.certificate.uri ?? ''), 'certificate.uri');
  });

  it('has a digest that changes with what is agreed, and not with where its files lie', () => {
    const digest = (change: (config: RawConfig) => void) => configurationDigest(loadConfig(write(change)));
    const same = digest(() => undefined);
    assert.match(same, /^[\w-]{43}$/);
    assert.equal(
      digest((config) => (config['store'] = 'sqlite:elsewhere.db')),
      same,
    );
    assert.notEqual(
      digest((config) => (config['neighbours'][0].agreement.version = 'another')),
      same,
    );
  });

  it('that is good is read, checked and frozen', () => {
    const config = loadConfig(write(() => undefined));
    assert.equal(config.region, 'west-midlands');
    assert.equal(config.records.length, 2);
    assert.equal(config.records[0]?.breaker.volume_threshold, 3);
    assert.ok(Object.isFrozen(config) && Object.isFrozen(config.neighbours[0]?.agreement.types));
  });

  for (const region of REGION_IDS) {
    it(`of ${region}, as committed, has the form`, () => {
      const text = readFileSync(join(ROOT, `config/${region}.yaml`), 'utf8');
      const file = join(directory, `${region}.yaml`);
      const moved = text.replaceAll('../certs-dev/generated', join(directory, 'keys'));
      writeFileSync(
        file,
        moved.replace('directory: directory.yaml', `directory: ${join(ROOT, 'config/directory.yaml')}`),
      );
      assert.equal(loadConfig(file).region, region);
    });
  }

  const WRONG: [name: string, change: (config: RawConfig) => void, ...named: string[]][] = [
    ['a missing setting', (config) => delete config['entity'], 'entity'],
    ['an unknown setting', (config) => (config['listners'] = {}), 'listners'],
    [
      'a port out of range',
      (config) => (config['listeners'].viewer.port = 70000),
      'listeners.viewer.port',
      '65535',
    ],
    ['an entity that is no URL', (config) => (config['entity'] = 'london'), 'entity'],
    [
      'a resource type that is none',
      (config) => (config['records'][1].offers = ['Alergy']),
      'records.1.offers.0',
    ],
    [
      'revocation lists from nowhere',
      (config) => (config['neighbours'][0].crl = { when_old: 'warn' }),
      'neighbours.0.crl',
      'files, urls, or both',
    ],
    [
      'a revocation list over a file address',
      (config) => (config['neighbours'][0].crl = { urls: ['file:///etc/list.crl'] }),
      'neighbours.0.crl.urls.0',
    ],
    [
      'a user in the address of a revocation list',
      (config) => (config['neighbours'][0].crl = { urls: ['http://me:word@ca.example/list.crl'] }),
      'neighbours.0.crl.urls.0',
      'without a user',
    ],
    [
      'a rule for old revocation lists that is none',
      (config) => (config['neighbours'][0].crl = { files: ['a.crl'], when_old: 'ignore' }),
      'neighbours.0.crl.when_old',
      'refuse',
    ],
    [
      'an issuer of revocation lists that is not there',
      (config) => (config['neighbours'][0].crl = { files: ['a.crl'], issuers: ['none.pem'] }),
      'neighbours.0.crl.issuers',
    ],
    ['a record without a base', (config) => delete config['records'][0].base, 'records.0.base'],
    [
      'a public base that is no address',
      (config) => (config['records'][0].public_base = 'records.example/fhir'),
      'records.0.public_base',
    ],
    [
      'a public base with a query',
      (config) => (config['records'][0].public_base = ['https://records.example/fhir?x=1']),
      'records.0.public_base',
    ],
    [
      'a public base that is another record’s base',
      (config) => (config['records'][1].public_base = config['records'][0].base),
      'records.1.public_base',
    ],
    [
      'one public base for two records',
      (config) => {
        for (const record of config['records']) record.public_base = ['https://records.example/fhir'];
      },
      'records.0.public_base',
    ],
    [
      'a public base that lies above the base',
      (config) => (config['records'][0].public_base = new URL(String(config['records'][0].base)).origin),
      'records.0.public_base',
    ],
    ['two records with one id', (config) => (config['records'][1].id = config['records'][0].id), 'records'],
    [
      "a viewer's own record that is none",
      (config) => (config['viewers'][0].own_records = ['x']),
      'viewers.0.own_records',
    ],
    [
      'a bound viewer without a certificate',
      (config) => delete config['viewers'][0].certificate,
      'viewers.0.certificate',
    ],
    [
      'a single-use viewer without its listener',
      (config) => (config['viewers'][0].binding = 'single-use'),
      'listeners.viewer_tokens',
    ],
    [
      'a base of one viewer listener and none of the other',
      (config) => {
        config['listeners'].viewer_tokens = { port: 4205 };
        config['public_base'] = 'https://broker.example';
      },
      'viewer_tokens_base',
    ],
    [
      'its own address among the alternates',
      (config) => (config['federation_alternates'] = [config['federation_base']]),
      'federation_alternates',
    ],
    [
      'an alternate that is no https address',
      (config) => (config['federation_alternates'] = ['http://127.0.0.1:9443']),
      'federation_alternates',
    ],
    [
      'one neighbour twice',
      (config) => (config['neighbours'][1].region = config['neighbours'][0].region),
      'neighbours',
    ],
    [
      'a neighbour of no region',
      (config) => (config['neighbours'][1].region = 'atlantis'),
      'directory',
      'atlantis',
    ],
    [
      'the purpose of access reports without roles for it',
      (config) => delete config['neighbours'][0].agreement.access_report,
      'neighbours.0.agreement.access_report',
    ],
    [
      'roles for access reports without the purpose',
      (config) => (config['neighbours'][0].agreement.purposes = ['directcare']),
      'neighbours.0.agreement.access_report',
    ],
    [
      'an agreement without an end to its review',
      (config) => delete config['neighbours'][0].agreement.review_by,
      'review_by',
    ],
    [
      'a date that is none',
      (config) => (config['neighbours'][0].agreement.from = '1 April'),
      'neighbours.0.agreement.from',
    ],
    [
      'a pin that is no file',
      (config) => (config['neighbours'][1].pin.federation_keys = 'nowhere.json'),
      'federation_keys',
      'nowhere.json',
    ],
    [
      'a pin that is no key set',
      (config) => (config['neighbours'][1].pin.federation_keys = 'region.yaml'),
      'federation_keys',
    ],
    ['a store of another kind', (config) => (config['store'] = 'mysql://x'), 'store'],
    [
      'a breaker that never opens',
      (config) => (config['neighbours'][0].breaker = { error_percentage: 101 }),
      'error_percentage',
    ],
    ['a switch that is not there', (config) => (config['verify'] = false), 'verify'],
  ];
  for (const [name, change, ...named] of WRONG) {
    it(`with ${name} stops the start with a sentence`, () => refused(write(change), ...named));
  }

  it('may name one public base of a record, or several, with or without a final slash', () => {
    const bases = (public_base: unknown): readonly string[] | undefined =>
      loadConfig(write((config) => (config['records'][0].public_base = public_base))).records[0]?.public_base;
    const [one, other] = ['https://records.example/fhir', 'http://10.0.0.1:8080/r4'];
    assert.deepEqual(bases(undefined), []);
    assert.deepEqual(bases(`${one}/`), [one]);
    assert.deepEqual(bases([one, `${other}//`]), [one, other]);
  });

  describe('and the key with which it asks for access tokens', () => {
    const file = (): string => join(directory, 'client.jwk.json');
    const withKey = (jwk: unknown): string => {
      writeFileSync(file(), typeof jwk === 'string' ? jwk : JSON.stringify(jwk));
      const endpoint = { token_endpoint: 'https://records.example/token', client_id: 'us' };
      return write((config) => (config['records'][0].auth = { kind: 'oauth2', ...endpoint, key: file() }));
    };
    const key = { kty: 'EC', crv: 'P-384', kid: 'one', alg: 'ES384', x: 'x', y: 'y', d: 'our-secret' };

    it('may be of the algorithms of SMART Backend Services, and of our own', () => {
      for (const alg of ['RS384', 'ES384', 'RS512', 'ES256', 'EdDSA']) loadConfig(withKey({ ...key, alg }));
    });

    it('may be that of the application that asks demographics, over TLS', () => {
      const endpoint = { token_endpoint: 'https://api.example/token', client_id: 'us', key: file() };
      const asking = (change: object, base = 'https://pds.example/FHIR/R4'): string => {
        withKey({ ...key, alg: 'RS512' });
        const auth = { kind: 'oauth2', ...endpoint, ...change };
        return write((config) => (config['demographics'] = { base, auth }));
      };
      const { credentials, rate_per_second: rate } = loadConfig(asking({})).demographics;
      assert.ok(credentials.kind === 'oauth2' && credentials.scope === undefined);
      assert.deepEqual([credentials.clientId, rate], ['us', 5]);
      refused(asking({}, 'http://pds.example/FHIR/R4'), 'demographics.base', 'https');
      refused(asking({ token_endpoint: 'http://api.example/token' }), 'demographics.auth.token_endpoint');
      withKey('our-secret');
      const wrong = write((config) => {
        config['demographics'] = { base: 'https://pds.example', auth: { kind: 'oauth2', ...endpoint } };
      });
      writeFileSync(file(), 'our-secret');
      refused(wrong, 'demographics.auth.key', 'RS512');
    });

    const NONE: Record<string, unknown> = {
      'another algorithm': { ...key, alg: 'HS384' },
      'no algorithm': { ...key, alg: undefined },
      'no name': { ...key, kid: undefined },
      'no private part': { ...key, d: undefined },
      'no JSON': 'our-secret',
    };
    for (const [what, jwk] of Object.entries(NONE)) {
      it(`with ${what} stops the start with a sentence that does not tell it`, () => {
        const config = withKey(jwk);
        refused(config, 'records.0.auth.key', 'ES384');
        assert.throws(
          () => loadConfig(config),
          (error) => !String(error).includes('our-secret'),
        );
      });
    }
  });

  it('that is not YAML names the line', () => {
    const file = join(directory, 'region.yaml');
    writeFileSync(file, 'region: london\nname: [unclosed\n');
    refused(file, 'line');
  });

  it('that is not there is named', () => refused(join(directory, 'missing.yaml'), 'does not exist'));

  it('whose directory puts a sub-ICB into two regions at one time is refused', () => {
    const text = readFileSync(join(ROOT, 'config/directory.yaml'), 'utf8');
    writeFileSync(
      join(directory, 'twice.yaml'),
      text.replace('{ code: 93C }', '{ code: 93C }\n      - { code: 07H }'),
    );
    refused(
      write((config) => (config['directory'] = 'twice.yaml')),
      '07H',
      'london',
      'herts-west-essex',
    );
  });

  it('may move a sub-ICB from one region to another on a day', () => {
    const text = readFileSync(join(ROOT, 'config/directory.yaml'), 'utf8')
      .replace('{ code: 93C }', '{ code: 93C }\n      - { code: 07H, from: 2027-04-01 }')
      .replace('{ code: 07H }', '{ code: 07H, until: 2027-03-31 }');
    writeFileSync(join(directory, 'moved.yaml'), text);
    loadConfig(write((config) => (config['directory'] = 'moved.yaml')));
  });

  describe('of a region that the directory does not list', () => {
    const without = (edit: (config: RawConfig) => void): string => {
      const { regions, ...rest } = parse(
        readFileSync(join(ROOT, 'config/directory.yaml'), 'utf8'),
      ) as RawConfig;
      const others = (regions as RawConfig[]).filter(({ id }) => id !== 'west-midlands');
      writeFileSync(join(directory, 'without.yaml'), stringify({ ...rest, regions: others }));
      return write((config) => {
        config['directory'] = 'without.yaml';
        edit(config);
      });
    };

    it('leads to it by its own coverage', () => {
      const config = loadConfig(without(() => undefined));
      const own = config.directory.regions.find(({ id }) => id === 'west-midlands');
      assert.deepEqual(
        own?.sub_icbs.map(({ code }) => code),
        config.coverage.sub_icbs,
      );
    });

    it('is refused where it claims what the directory gives to another', () => {
      const claim = (more: object) => without((config) => Object.assign(config['coverage'], more));
      refused(claim({ sub_icbs: ['15E', '07H'] }), 'coverage', '07H');
      refused(claim({ organisations: ['RRK', 'RAL26'] }), 'coverage', 'RAL26');
    });
  });

  describe('and its secrets', () => {
    const start = async (): Promise<void> => {
      const config = loadConfig(write((raw) => (raw['log_level'] = 'silent')));
      await (await startBroker(config, loadSecrets(config.secretsDirectory))).stop();
    };
    const file = (name: string): string => join(directory, 'keys/west-midlands', name);

    it('a key that others can read stops the start', async () => {
      chmodSync(file('private/message.jwk.json'), 0o644);
      await assert.rejects(
        start(),
        (error) => error instanceof StartError && error.message.includes('message.jwk.json'),
      );
      chmodSync(file('private/message.jwk.json'), 0o600);
    });

    it('a key of the wrong form stops the start, and is not told', async () => {
      const name = file('private/cursor.key');
      const before = readFileSync(name, 'utf8');
      writeFileSync(name, 'c2hvcnQtc2VjcmV0');
      await assert.rejects(
        start(),
        (error) =>
          error instanceof StartError &&
          error.message.includes('cursor.key') &&
          !error.message.includes('c2hv'),
      );
      writeFileSync(name, before);
    });

    it('a message key that our statement does not list stops the start', async () => {
      const name = file('private/message.jwk.json');
      const before = readFileSync(name, 'utf8');
      writeFileSync(name, readFileSync(join(directory, 'keys/london/private/message.jwk.json')));
      await assert.rejects(start(), StartError);
      writeFileSync(name, before);
    });

    it("a neighbour's statement that its pinned key did not sign stops the start", async () => {
      const name = join(directory, 'keys/london/public/entity-statement.jwt');
      const before = readFileSync(name, 'utf8');
      writeFileSync(name, readFileSync(join(directory, 'keys/essex-suffolk/public/entity-statement.jwt')));
      await assert.rejects(
        start(),
        (error) => error instanceof StartError && error.message.includes('london'),
      );
      writeFileSync(name, before);
    });

    it('a port that is taken stops the start, names it, and leaves nothing running', async () => {
      const config = loadConfig(
        write((raw) => {
          raw['log_level'] = 'silent';
          for (const listener of Object.values(raw['listeners'] as Record<string, { port: number }>))
            listener.port = 0;
        }),
      );
      const secrets = loadSecrets(config.secretsDirectory);
      const first = await startBroker(config, secrets);
      const taken = {
        ...config,
        listeners: { ...config.listeners, statement: { host: '127.0.0.1', port: first.ports.statement } },
      };
      await assert.rejects(
        startBroker(taken, secrets),
        (error) => error instanceof StartError && error.message.includes(String(first.ports.statement)),
      );
      await first.stop();
    });
  });
});
