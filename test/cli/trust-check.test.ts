import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { issueVariant } from '../../certs-dev/variants.ts';
import { trustCommand } from '../../src/cli/trust.ts';
import type { Credential } from '../../src/trust/issue.ts';
import { STEPS, type Step } from '../../src/upstream/check/step.ts';
import type { Ran } from '../support/command.ts';
import { CheckedLink, failures, HERTS, LONDON } from '../upstream/check/checking.ts';
import { called } from './in-process.ts';

interface Checked {
  readonly region: string;
  readonly steps: readonly Step[];
}

describe('wayleave trust check', () => {
  let link: CheckedLink;
  before(async () => (link = await CheckedLink.start()));
  after(() => link.stop());

  const check = (...words: string[]): Promise<Ran> => {
    const config = join(link.federation.directory, `${HERTS}.yaml`);
    return called(trustCommand, ['check', '--config', config, ...words]);
  };
  const checked = async (...words: string[]): Promise<{ code: number | null; found: Checked[] }> => {
    const { code, out } = await check('--json', ...words);
    return { code, found: JSON.parse(out) as Checked[] };
  };
  const files = ({ certificate, key }: Credential): string[] => {
    const [named, keyed] = ['new.pem', 'new.key.pem'].map((name) => join(link.federation.directory, name));
    writeFileSync(named ?? '', certificate);
    writeFileSync(keyed ?? '', key, { mode: 0o600 });
    return ['--before', '--certificate', named ?? '', '--key', keyed ?? ''];
  };

  it('says of a good link that every step held', async () => {
    const { code, out } = await check(LONDON);
    assert.equal(code, 0, out);
    assert.match(out, /^london: every step held$/m);
    for (const step of STEPS) assert.match(out, new RegExp(`^ +${step} +ok`, 'm'));
    assert.match(out, /group X25519MLKEM768/);
    assert.doesNotMatch(out, /eyJ|PRIVATE|-----BEGIN/);
  });

  it('says of a link that is down which step failed, whose work it is, and what to do', async () => {
    await link.federation.stopBroker(LONDON);
    try {
      const { code, out } = await check(LONDON);
      assert.equal(code, 3);
      assert.match(out, /^ +tcp +FAILED +ECONNREFUSED/m);
      assert.match(out, /^ +tcp, theirs: .+\.$/m);
      const told = await checked(LONDON);
      assert.equal(told.code, 3);
      assert.deepEqual(
        told.found.map(({ steps }) => failures(steps)),
        [['tcp ECONNREFUSED theirs']],
      );
    } finally {
      await link.federation.startBroker(LONDON);
    }
  });

  it('checks every neighbour, those that are not there too', async () => {
    const { code, found } = await checked('--all');
    const neighbours = link.config().neighbours.map(({ region }) => region);
    assert.equal(code, 3);
    assert.deepEqual(
      found.map(({ region }) => region),
      neighbours,
    );
    const london = found.find(({ region }) => region === LONDON);
    assert.deepEqual(failures(london?.steps ?? []), []);
  });

  it('tries a new client certificate before it is in use', async () => {
    const good = await checked(LONDON, ...files(await link.leaf(HERTS, 'client')));
    assert.deepEqual([good.code, good.found.flatMap(({ steps }) => failures(steps))], [0, []]);
    const context = { region: HERTS, authority: link.authority(HERTS), other: LONDON, now: new Date() };
    const bad = await checked(LONDON, ...files(await issueVariant('unknown-ca', 'client', context)));
    assert.equal(bad.code, 3);
    const [own = '', accepted = ''] = bad.found.flatMap(({ steps }) => failures(steps));
    assert.match(own, /^own-certificate .+ ours$/);
    assert.match(accepted, /^accepted .+ ours$/);
  });

  it('judges a new server certificate here, by our own statement, and connects to nobody', async () => {
    const good = await checked(...files(await link.leaf(HERTS, 'server')));
    assert.equal(good.code, 0);
    assert.deepEqual(
      good.found.map(({ region, steps }) => [region, steps.map(({ step, result }) => [step, result])]),
      [[HERTS, [['own-certificate', 'held']]]],
    );
    const context = { region: HERTS, authority: link.authority(HERTS), other: LONDON, now: new Date() };
    for (const variant of ['expired', 'wrong-region', 'unknown-ca', 'two-uris', 'nested'] as const) {
      const { code, found } = await checked(...files(await issueVariant(variant, 'server', context)));
      assert.equal(code, 3, variant);
      assert.match(
        found.flatMap(({ steps }) => failures(steps)).join(),
        /^own-certificate certificate-\S+ ours$/,
      );
    }
    const { certificate } = await link.leaf(HERTS, 'server');
    const other = await checked(...files({ certificate, key: (await link.leaf(HERTS, 'server')).key }));
    assert.deepEqual(
      other.found.flatMap(({ steps }) => failures(steps)),
      ['own-certificate key-mismatch ours'],
    );
  });

  it('is called wrongly without a neighbour, with two ways to name them, or with half a certificate', async () => {
    const [, certificate = ''] = files(await link.leaf(HERTS, 'client')).slice(1);
    const wrong = [
      [],
      [LONDON, '--all'],
      ['nowhere'],
      [LONDON, '--before'],
      [LONDON, '--certificate', certificate],
    ];
    for (const words of wrong) assert.equal((await check(...words)).code, 2, words.join(' '));
  });

  it('never quotes what is in the files', async () => {
    const { certificate } = await link.leaf(HERTS, 'client');
    const { code, out, err } = await check(
      LONDON,
      ...files({ certificate: 'SECRETTEXT', key: 'SECRETTEXT' }),
    );
    assert.equal(code, 1);
    assert.doesNotMatch(out + err, /SECRETTEXT/);
    const broken = await check(LONDON, ...files({ certificate, key: 'SECRETTEXT' }));
    assert.equal(broken.code, 3);
    assert.doesNotMatch(broken.out + broken.err, /SECRETTEXT/);
  });
});
