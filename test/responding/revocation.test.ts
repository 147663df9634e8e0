import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { CrlStatus } from '../../src/broker/crls.ts';
import { statusCommand } from '../../src/cli/status.ts';
import { factsOf } from '../../src/trust/certificate-facts.ts';
import { called } from '../cli/in-process.ts';
import type { RawConfig } from '../support/federation.ts';
import { madeCrl, type WantedCrl } from '../support/made-crl.ts';
import { until } from '../support/until.ts';
import { Asking } from './asking.ts';

const HOUR = 3_600_000;

describe('a neighbour whose revocation list London keeps', () => {
  let directory: string;
  let asking: Asking;
  let list: string;
  let whenOld = 'refuse';
  let ahead = 0;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'wayleave-revocation-'));
    list = join(directory, 'herts.crl');
    asking = await Asking.start({
      now: () => Date.now() + ahead,
      edit: (region, config) => {
        if (region !== 'london') return;
        const herts = (config['neighbours'] as RawConfig[]).find(
          (one) => one['region'] === 'herts-west-essex',
        );
        Object.assign(herts ?? {}, { crl: { files: [list], when_old: whenOld } });
      },
    });
  });
  after(async () => {
    await asking.stop();
    await rm(directory, { recursive: true, force: true });
  });
  afterEach(() => (ahead = 0));

  const read = (name: string): string =>
    readFileSync(join(asking.federation.directory, 'keys/herts-west-essex', name), 'utf8');
  function publish(wanted: Omit<WantedCrl, 'by'>): void {
    const subject = factsOf(new X509Certificate(read('public/ca.pem'))).subject;
    const privateKey = createPrivateKey(read('offline/ca.key.pem'));
    writeFileSync(list, madeCrl({ by: { subject, privateKey }, ...wanted }));
  }
  const status = async (): Promise<CrlStatus | undefined> =>
    ((await asking.federation.broker('london').status()).crls as CrlStatus[])[0];
  const held = (number: string): Promise<void> =>
    until(async () => (await status())?.number === number, number);

  it('is refused until there is a list, and London says so', async () => {
    await asking.refusesUnsigned(403, 'crl-too-old', async () => asking.send(await asking.token()));
    assert.deepEqual(await status(), {
      ...{ region: 'herts-west-essex', place: list, whenOld: 'refuse', state: 'none', fault: 'ENOENT' },
    });
  });

  it('is answered once there is one, without a restart', async () => {
    publish({ number: 1 });
    await held('1');
    await asking.stillAnswers();
    assert.equal((await status())?.state, 'good');
  });

  it('is refused when the list has become too old', async () => {
    ahead = 25 * HOUR;
    await asking.refusesUnsigned(403, 'crl-too-old', async () => asking.send(await asking.token()));
    assert.equal((await status())?.state, 'too-old');
  });

  it('has the next update of that list among what ends, and no warning while the list is good', async () => {
    const listed = async () => {
      const { certificates } = await asking.federation.broker('london').status();
      return certificates
        .filter(({ kind }) => kind === 'revocation-list')
        .map(({ whose, region, name, validUntil, level }) => [whose, region, name, validUntil, level]);
    };
    const name = `herts-west-essex revocation list ${list}`;
    const nextUpdate = (await status())?.nextUpdate;
    assert.ok(nextUpdate);
    assert.deepEqual(await listed(), [['theirs', 'herts-west-essex', name, nextUpdate, 'ok']]);
    ahead = 25 * HOUR;
    assert.deepEqual(await listed(), [['theirs', 'herts-west-essex', name, nextUpdate, 'ended']]);
  });

  it('is refused on the connection that it has, as soon as its certificate is on the list', async () => {
    const agent = new https.Agent({
      ...asking.neighbour.tls('london'),
      ...{ keepAlive: true, maxSockets: 1, checkServerIdentity: () => undefined },
    });
    const hello = (): Promise<[status: number, port: number]> =>
      new Promise((resolve, reject) => {
        const port = asking.federation.broker('london').ports.federation;
        const where = { agent, port, host: '127.0.0.1', path: '/federation/v1/hello' };
        const request = https.get(where, (response) => {
          const answer: [number, number] = [response.statusCode ?? 0, response.socket.localPort ?? 0];
          response.resume().on('end', () => resolve(answer));
        });
        request.on('error', reject);
      });
    const [before, port] = await hello();
    publish({ number: 2, revoked: [new X509Certificate(read('public/tls-client.pem'))] });
    await held('2');
    assert.deepEqual([before, await hello()], [204, [403, port]]);
    await asking.refusesUnsigned(403, 'certificate-revoked', async () => asking.send(await asking.token()));
    agent.destroy();
  });

  it('stays refused when somebody puts the older list back', async () => {
    publish({ number: 1 });
    await until(async () => (await status())?.fault === 'crl-older');
    await asking.refusesUnsigned(403, 'certificate-revoked', async () => asking.send(await asking.token()));
  });

  it('is shown by wayleave status', async () => {
    const { out } = await called(statusCommand, [
      '--config',
      join(asking.federation.directory, 'london.yaml'),
    ]);
    assert.match(
      out,
      /revocation list +herts-west-essex +good +1 revoked +60 min old +next 20\S+ +crl-older +\//,
    );
  });

  it('is taken without a list where the configuration says that this only warns, and London shows it', async () => {
    await rm(list);
    whenOld = 'warn';
    const file = join(asking.federation.directory, 'london.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('when_old: refuse', 'when_old: warn'));
    await asking.federation.stopBroker('london');
    await asking.federation.startBroker('london');
    await asking.stillAnswers();
    const { out } = await called(statusCommand, ['--config', file]);
    assert.match(out, /herts-west-essex +NONE HELD: its certificates are ACCEPTED without it +ENOENT/);
    assert.ok(
      asking.federation.logged.some((line) =>
        line.includes('"state":"none","code":"ENOENT","whenOld":"warn"'),
      ),
    );
  });
});
