import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { readAudit } from '../support/audit.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { EDGE_NUMBERS } from '../../src/demo/stories.ts';
import { startWayleave, wayleave, wayleaveGiven } from '../support/command.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const COMMANDS = [
  'serve',
  'demo',
  'ask',
  'route',
  'token',
  'status',
  'care-locations',
  'objections',
  'register',
  'notices',
  'directory',
];
/** They do nothing by themselves. */
const PARENTS = ['care-locations', 'objections', 'register', 'notices', 'directory'];

describe('the command line', () => {
  it('tells all its commands', async () => {
    const { code, out } = await wayleave('--help');
    assert.equal(code, 0);
    for (const command of COMMANDS) assert.match(out, new RegExp(`\\n  ${command}\\b`));
  });

  for (const command of [
    ...COMMANDS.filter((name) => !PARENTS.includes(name)).map((name) => [name]),
    ['objections', 'import'],
    ['register', 'import'],
    ['notices', 'status'],
    ['directory', 'import'],
    ['care-locations', 'import'],
    ['care-locations', 'stats'],
    ['care-locations', 'forget'],
  ]) {
    it(`${command.join(' ')} has help that names --json`, async () => {
      const { code, out } = await wayleave(...command, '--help');
      assert.equal(code, 0);
      assert.match(out, /--json/);
    });
  }

  const WRONG: [string, number, ...string[]][] = [
    ['an unknown command', 2, 'aks'],
    ['an unknown option', 2, 'ask', '9990000018', '--regoin', 'london'],
    ['no region', 2, 'ask', '9990000018'],
    ['an unknown region', 2, 'ask', '9990000018', '--region', 'atlantis'],
    ['a path as region', 2, 'ask', '9990000018', '--region', '../config/london'],
    ['a wrong check digit', 2, 'route', '9990000019', '--region', 'london'],
    ['no configuration', 2, 'serve'],
    ['a configuration that is not there', 1, 'serve', '--config', 'nowhere.yaml'],
  ];
  for (const [name, exit, ...words] of WRONG) {
    it(`answers ${name} with a sentence and exit code ${exit}`, async () => {
      const { code, err } = await wayleave(...words);
      assert.equal(code, exit, err);
      assert.ok(err.length > 0);
      assert.doesNotMatch(err, /\n {4}at |99900000\d\d/);
    });
  }

  it('names in the README only commands and options that there are', async function () {
    this.timeout(60_000);
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const used = [...readme.matchAll(/npx wayleave ([a-z]+)((?:\\\n|[^\n`)])*)/g)];
    assert.ok(used.length >= 6);
    const helps = new Map<string, ReturnType<typeof wayleave>>();
    for (const [, command = '', rest = ''] of used) {
      const before = rest.split('#')[0] ?? '';
      // A subcommand has options of its own.
      const subcommand = /^ ([a-z]+) /.exec(before)?.[1];
      const words = [command, ...(subcommand === undefined ? [] : [subcommand])];
      const help = helps.get(words.join(' ')) ?? wayleave(...words, '--help');
      helps.set(words.join(' '), help);
      const { code, out } = await help;
      assert.equal(code, 0, command);
      for (const [option] of before.matchAll(/--[a-z-]+/g))
        assert.ok(out.includes(option), `${command} ${option}`);
    }
  });
});

describe('the commands, on a federation', () => {
  let federation: TestFederation;
  const config = (region: string): string => join(federation.directory, `${region}.yaml`);
  const keys = (region: string, viewer: string): string =>
    join(federation.directory, 'keys', region, 'viewers', viewer);
  const hwe = (): string[] => [
    '--config',
    config('herts-west-essex'),
    '--keys',
    keys('herts-west-essex', 'hwe-viewer'),
  ];

  before(async () => {
    federation = await startFederation();
  });
  after(() => federation.stop());

  it('ask prints the roll-call first, then the entries', async () => {
    const { code, out } = await wayleave('ask', '999 000 0018', '--type', 'AllergyIntolerance', ...hwe());
    assert.equal(code, 0);
    const lines = out.trim().split('\n');
    assert.match(lines[0] ?? '', /^region\s+because\s+outcome\s+found\s+time$/);
    assert.match(lines[2] ?? '', /^london\s+care-location\s+answered\s+1\s+\d+ ms$/);
    assert.match(lines.at(-1) ?? '', /AllergyIntolerance .*london \/ london-care-record$/);
  });

  it('ask --json prints the Bundle', async () => {
    const { code, out } = await wayleave('ask', '9990000018', '--type', 'Condition', '--json', ...hwe());
    assert.equal(code, 0);
    assert.equal((JSON.parse(out) as { resourceType: string }).resourceType, 'Bundle');
  });

  it('ask --stream --json prints one event a line, the end last', async () => {
    const { code, out } = await wayleave('ask', '9990000018', '--stream', '--json', ...hwe());
    assert.equal(code, 0);
    const events = out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { event: string }).event);
    assert.deepEqual(events, ['region', 'end']);
  });

  it('ask says by its exit code that something is missing', async () => {
    const { code } = await wayleave('ask', '9990000077', '--type', 'Condition', ...hwe());
    assert.equal(code, 3);
  });

  it('ask shows the refusal of its broker', async () => {
    const { code, out } = await wayleave(
      'ask',
      '9990000018',
      '--type',
      'Condition',
      '--organisation',
      'RJ1',
      ...hwe(),
    );
    assert.equal(code, 1);
    assert.match(out, /organisation/);
  });

  it('route says whom it would ask, and why, and asks nobody', async () => {
    const { code, out } = await wayleave(
      'route',
      '9990000018',
      '--config',
      config('herts-west-essex'),
      '--json',
    );
    assert.equal(code, 0);
    const plan = JSON.parse(out) as { regions: { region: string; ask: boolean }[] };
    assert.deepEqual(
      plan.regions.filter(({ ask }) => ask).map(({ region }) => region),
      ['london'],
    );
  });

  const explained = async (...words: string[]) => {
    const { code, out, err } = await wayleave('route', '9990000018', '--json', ...words);
    assert.equal(code, 0, err);
    return JSON.parse(out) as Record<string, unknown>;
  };

  it('route tells what it stands on, and as of when', async () => {
    const hweConfig = config('herts-west-essex');
    const route = await explained('--config', hweConfig, '--at', '2026-04-01');
    assert.deepEqual(route['registration'], {
      outcome: 'registered',
      practice: 'F81027',
      since: '2019-06-03',
    });
    assert.deepEqual([route['home'], route['from']], [['herts-west-essex'], 'herts-west-essex']);
    assert.equal(route['at'], '2026-04-01T00:00:00.000Z');
    assert.deepEqual(route['asOfNow'], ['registration', 'register', 'care-locations', 'notices']);
    // No agreement had begun by then.
    const early = await explained('--config', hweConfig, '--at', '2001-01-01T10:00:00Z');
    const asked = (early['regions'] as { ask: boolean }[]).filter(({ ask }) => ask);
    assert.deepEqual(asked, []);
  });

  it('route tells no practice of a restricted patient, whatever is stated', async () => {
    const words = ['--config', config('herts-west-essex'), '--practice', 'F81027'];
    const { out } = await wayleave('route', '9990000069', '--json', ...words);
    const route = JSON.parse(out) as Record<string, unknown>;
    assert.deepEqual(route['registration'], { outcome: 'restricted' });
    assert.deepEqual([route['home'], route['rules']], [[], ['restricted']]);
    assert.doesNotMatch(out, /F81027/);
  });

  it('route, ask and token take the practice that the viewer states', async () => {
    const words = ['--config', config('herts-west-essex'), '--practice', 'H83006'];
    const { out } = await wayleave('route', EDGE_NUMBERS.withoutPractice, '--json', ...words);
    const { rules, home } = JSON.parse(out) as { rules: string[]; home: string[] };
    assert.deepEqual([rules, home], [['no-practice', 'stated-by-viewer'], ['london']]);
    const asked = await wayleave(
      'ask',
      EDGE_NUMBERS.withoutPractice,
      '--json',
      '--practice',
      'H83006',
      ...hwe(),
    );
    assert.match(asked.out, /"stated-by-viewer"/);
    const token = await wayleave('token', '--practice', 'H83006', ...hwe());
    const [, claims = ''] = token.out.split('.');
    const said = JSON.parse(Buffer.from(claims, 'base64url').toString()) as object;
    assert.equal(Reflect.get(said, 'registered_practice'), 'H83006');
    for (const command of ['route', 'ask', 'token']) {
      assert.equal((await wayleave(command, '9990000018', '--practice', 'High St', ...hwe())).code, 2);
    }
  });

  const WRONG_ROUTES: [what: string, ...words: string[]][] = [
    ['a time that is none', '--from', 'london', '--at', 'yesterday'],
    ['two regions', '--from', 'london', '--region', 'west-midlands'],
    ['a region without a file', '--from', 'nowhere'],
  ];
  for (const [what, ...words] of WRONG_ROUTES) {
    it(`route is called wrongly with ${what}`, async () => {
      assert.equal((await wayleave('route', '9990000018', ...words)).code, 2);
    });
  }

  it('ask, route and token take the number from standard input, and then do the same', async () => {
    const asked = await wayleaveGiven('999 000 0018\n', 'ask', '-', '--type', 'AllergyIntolerance', ...hwe());
    assert.equal(asked.code, 0, asked.err);
    assert.match(asked.out, /london \/ london-care-record/);
    const given = '9990000018\r\nand nothing after the first line\n';
    const routed = await wayleaveGiven(given, 'route', '-', '--json', '--config', config('herts-west-essex'));
    const plain = await wayleave('route', '9990000018', '--json', '--config', config('herts-west-essex'));
    assert.deepEqual([routed.code, routed.out], [0, plain.out]);
    const token = await wayleaveGiven('9990000026', 'token', '-', ...hwe());
    const [, claims = ''] = token.out.split('.');
    const { patient } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { patient: string };
    assert.equal(patient, 'https://fhir.nhs.uk/Id/nhs-number|9990000026');
  });

  it('ask does not wait for the input to end once it has a line', async () => {
    const child = startWayleave('ask', '-', '--type', 'AllergyIntolerance', ...hwe());
    child.stdin.write('9990000018\n');
    child.stdout.resume();
    const [code] = (await once(child, 'exit')) as [number | null];
    assert.equal(code, 0);
  });

  it('token prints a token and nothing else', async () => {
    const { code, out } = await wayleave('token', ...hwe());
    assert.equal(code, 0);
    assert.match(out, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  });

  for (const command of ['ask', 'route', 'token']) {
    it(`${command} says that - is standard input, and takes only a number from there`, async () => {
      const { out } = await wayleave(command, '--help');
      assert.match(out, /- reads\s+it\s+from\s+standard\s+input/);
      const { code, err } = await wayleaveGiven('9990000019\n', command, '-', '--config', config('london'));
      assert.equal(code, 2, err);
      assert.doesNotMatch(err, /9990000019/);
    });
  }

  it('token says that a viewer is not registered', async () => {
    const { code, err } = await wayleave('token', '--config', config('london'), '--viewer', 'nobody');
    assert.equal(code, 2, err);
  });

  it('status shows every destination, and says by its exit code that a broker is missing', async () => {
    const up = await wayleave('status', '--config', config('west-midlands'));
    assert.equal(up.code, 0);
    for (const name of ['one-health-and-care', 'collaborative-care-record', 'london', 'demographics']) {
      assert.match(up.out, new RegExp(`${name}\\s+closed`));
    }
    await federation.stopBroker('essex-suffolk');
    const down = await wayleave('status', '--config', config('essex-suffolk'));
    assert.equal(down.code, 1);
  });

  describe('objections import', () => {
    const file = (): string => join(federation.directory, 'objections.csv');
    afterEach(() => rmSync(file(), { force: true }));
    const withheld = async (): Promise<boolean> => {
      const { out } = await wayleave('ask', '9990000018', '--type', 'Condition', ...hwe());
      return /^london .*withheld/m.test(out);
    };

    it('imports nothing when one line is wrong, and names the line without its value', async () => {
      writeFileSync(file(), 'nhs_number,kind\n9990000018,objection\n9990000019,objection\n');
      const { code, err } = await wayleave('objections', 'import', file(), '--config', config('london'));
      assert.equal(code, 1);
      assert.match(err, /:3: /);
      assert.doesNotMatch(err, /9990000019/);
      assert.equal(await withheld(), false);
    });

    it('takes effect on a running broker, and is in the audit', async () => {
      writeFileSync(file(), 'nhs_number,kind,from\n9990000018,objection,2026-01-01\n');
      const { code, out } = await wayleave('objections', 'import', file(), '--config', config('london'));
      assert.equal(code, 0, out);
      assert.equal(await withheld(), true);
      const rows = await readAudit(federation.config('london'));
      assert.ok(rows.some(({ event, count }) => event === 'objections-imported' && count === 1));
    });
  });
});
