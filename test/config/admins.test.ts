import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';

import { ensureStatement } from '../../certs-dev/statements.ts';
import { loadConfig } from '../../src/config/load.ts';
import { REGION_IDS } from '../../src/demo/places.ts';
import { StartError } from '../../src/errors.ts';
import { freshDirectory, type RawConfig } from '../support/federation.ts';

const ROOT = resolve(import.meta.dirname, '../..');

interface RawAdmin {
  id: string;
  name: string;
  role: string;
  certificate: { uri: string; anchors: string };
  [more: string]: unknown;
}

interface WithAdmins {
  entity: string;
  admins: [RawAdmin, RawAdmin, RawAdmin];
  listeners: Record<string, Record<string, unknown>>;
  viewers: { certificate: { uri: string } }[];
  neighbours: { entity: string }[];
}

describe('the admins of a configuration file', () => {
  let directory: string;
  let good: RawConfig;

  before(async () => {
    directory = await freshDirectory();
    for (const region of REGION_IDS) {
      await ensureStatement(join(ROOT, `config/${region}.yaml`), join(directory, 'keys', region), Date.now());
    }
    const text = readFileSync(join(ROOT, 'config/london.yaml'), 'utf8');
    good = parse(text.replaceAll('../certs-dev/generated', join(directory, 'keys'))) as RawConfig;
    good['directory'] = join(ROOT, 'config/directory.yaml');
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  const file = (name: string): string => join(directory, name);
  const key = (name: string): string => join(directory, 'keys/london', name);
  function write(change: (config: WithAdmins) => void): string {
    const config = structuredClone(good);
    change(config as unknown as WithAdmins);
    writeFileSync(file('london.yaml'), stringify(config, { aliasDuplicateObjects: false }));
    return file('london.yaml');
  }

  it('are read with the authorities that they name', () => {
    const { admins, listeners } = loadConfig(write(() => undefined));
    assert.deepEqual(
      admins.map(({ id, role }) => [id, role]),
      [
        ['officer-1', 'security-officer'],
        ['officer-2', 'security-officer'],
        ['operator-1', 'operator'],
      ],
    );
    for (const { anchors } of admins) assert.equal(anchors, readFileSync(key('admins/ca.pem'), 'utf8'));
    assert.deepEqual(listeners.admin_api, { host: '127.0.0.1', port: 4205 });
  });

  it('may have an authority that is to follow beside the present one', () => {
    const both = readFileSync(key('admins/ca.pem'), 'utf8') + readFileSync(key('viewers/ca.pem'), 'utf8');
    writeFileSync(file('both.pem'), both);
    const config = write(({ admins }) => (admins[0].certificate.anchors = 'both.pem'));
    assert.equal(loadConfig(config).admins[0]?.anchors, both);
  });

  it('need not be: then there is no admin API', () => {
    const config = write((raw) => {
      Object.assign(raw, { admins: [] });
      delete raw.listeners['admin_api'];
    });
    assert.deepEqual(loadConfig(config).admins, []);
  });

  const WRONG: [name: string, change: (config: WithAdmins) => void, setting: string, ...named: string[]][] = [
    ['without a listener', ({ listeners }) => delete listeners['admin_api'], 'listeners.admin_api'],
    ['that are none, and a listener', (config) => Object.assign(config, { admins: [] }), 'admins'],
    ['that are left out, and a listener', (config) => Reflect.deleteProperty(config, 'admins'), 'admins'],
    ['with one id twice', ({ admins }) => (admins[1].id = admins[0].id), 'admins', 'id'],
    [
      'with one name of a certificate twice',
      ({ admins }) => (admins[2].certificate.uri = admins[0].certificate.uri),
      'admins.2.certificate.uri',
      'operator-1',
    ],
    [
      'with the name of a viewer',
      ({ admins, viewers }) => (admins[0].certificate.uri = viewers[0]?.certificate.uri ?? ''),
      'admins.0.certificate.uri',
    ],
    [
      'with our own name',
      ({ admins, entity }) => (admins[0].certificate.uri = entity),
      'admins.0.certificate.uri',
    ],
    [
      'with the name of a neighbour',
      ({ admins, neighbours }) => (admins[1].certificate.uri = neighbours[0]?.entity ?? ''),
      'admins.1.certificate.uri',
    ],
    ['of a role that is none', ({ admins }) => (admins[0].role = 'admin'), 'admins.0.role', 'operator'],
    ['without a role', ({ admins }) => Reflect.deleteProperty(admins[0], 'role'), 'admins.0.role'],
    ['without a name for people', ({ admins }) => (admins[0].name = ''), 'admins.0.name'],
    ['with an id that is none', ({ admins }) => (admins[0].id = 'Officer 1'), 'admins.0.id'],
    [
      'with a name of a certificate that is no URI',
      ({ admins }) => (admins[0].certificate.uri = 'officer-1'),
      'admins.0.certificate.uri',
    ],
    [
      'without a certificate',
      ({ admins }) => Reflect.deleteProperty(admins[0], 'certificate'),
      'admins.0.certificate',
    ],
    [
      'with a setting that is not there',
      ({ admins }) => (admins[0]['trusted'] = true),
      'admins.0',
      'trusted',
    ],
    [
      'with authorities that are no file',
      ({ admins }) => (admins[1].certificate.anchors = 'nowhere.pem'),
      'admins.1.certificate.anchors',
      'nowhere.pem',
    ],
    [
      'with a file that holds no certificate',
      ({ admins }) => (admins[1].certificate.anchors = 'london.yaml'),
      'admins.1.certificate.anchors',
    ],
    [
      'with a leaf in the place of its authority',
      ({ admins }) => {
        copyFileSync(key('admins/officer-1/client.pem'), file('leaf.pem'));
        admins[0].certificate.anchors = 'leaf.pem';
      },
      'admins.0.certificate.anchors',
    ],
    [
      'with authorities that were cut short',
      ({ admins }) => {
        const whole = readFileSync(key('admins/ca.pem'), 'utf8');
        writeFileSync(file('cut.pem'), whole + whole.slice(0, 500));
        admins[0].certificate.anchors = 'cut.pem';
      },
      'admins.0.certificate.anchors',
    ],
    [
      'and a port out of range',
      ({ listeners }) => (listeners['admin_api'] = { port: 70_000 }),
      'listeners.admin_api.port',
    ],
    [
      'and a listener that has a switch',
      ({ listeners }) => (listeners['admin_api'] = { port: 1, verify: false }),
      'listeners.admin_api',
      'verify',
    ],
  ];
  for (const [name, change, ...named] of WRONG) {
    it(`${name} stop the start with a sentence`, () => {
      const config = write(change);
      assert.throws(
        () => loadConfig(config),
        (error: unknown) => {
          assert.ok(error instanceof StartError, String(error));
          const about = error.message.split('\n')[0] ?? '';
          for (const word of [config, ...named]) assert.ok(about.includes(word), `${about}\nlacks ${word}`);
          return true;
        },
      );
    });
  }
});
