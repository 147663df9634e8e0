import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { statusCommand } from '../../src/cli/status.ts';
import { StartError } from '../../src/errors.ts';
import { startBroker } from '../../src/broker.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import type { Ending } from '../../src/trust/expiry.ts';
import { called } from '../cli/in-process.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { until } from '../support/until.ts';

const DAY = 86_400_000;
/** The statements of the tests' regions live for 180 days. */
const AHEAD = 170 * DAY;

describe('a broker whose statement ends soon', () => {
  let federation: TestFederation;
  let receiver: Server;
  const bodies: string[] = [];

  before(async () => {
    receiver = createServer((request, response) => {
      request.setEncoding('utf8').on('data', (text: string) => void bodies.push(text));
      request.on('end', () => void response.writeHead(200).end());
    });
    await once(receiver.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
    federation = await startFederation({
      regions: ['london'],
      now: () => Date.now() + AHEAD,
      edit: (_region, raw) => (raw['notices'] = { webhook: { url } }),
    });
  });
  after(async () => {
    receiver.close();
    await federation.stop();
  });

  it('tells of it in the status, in its log and by webhook, and of no key', async () => {
    await until(() => bodies.length > 0);
    const notice = JSON.parse(bodies.join('')) as { type: string; region: string; ends: Ending[] };
    const names = notice.ends.map(({ name, level }) => `${name} ${level}`);
    assert.deepEqual([notice.type, notice.region], ['expiry', 'london']);
    assert.ok(names.includes('own statement 14'), names.join());
    assert.ok(names.includes('herts-west-essex statement 14'), names.join());
    assert.ok(!names.some((name) => name.startsWith('own server')), names.join());
    assert.match(federation.logged.join('\n'), /"name":"own statement".*"ends soon"/);
    assert.doesNotMatch(bodies.join('') + federation.logged.join(), /eyJ|-----BEGIN|"x":/);

    await until(async () => (await federation.broker('london').status()).notices.length > 0);
    const { certificates, notices } = await federation.broker('london').status();
    assert.deepEqual(
      certificates
        .filter(({ level }) => level === '14')
        .map(({ name }) => name)
        .sort(),
      names
        .filter((name) => name.endsWith(' 14'))
        .map((name) => name.slice(0, -3))
        .sort(),
    );
    const [channel] = notices as { channel: string; waiting: number; fault?: string }[];
    assert.deepEqual([channel?.channel, channel?.fault], ['webhook', undefined]);
  });

  it('and `wayleave status` shows it', async () => {
    const { out } = await called(statusCommand, ['--config', federation.config('london').source]);
    assert.match(out, /^ {2}ENDS SOON: own statement \(ours\), in 9 days$/m);
    assert.match(out, /^ {2}notices by +webhook +in order +0 waiting/m);
  });

  it('does not start without the secret that its configuration names', async () => {
    const config = federation.config('london');
    await federation.stopBroker('london');
    const notices = {
      ...config.notices,
      webhook: { url: 'https://x.example', secret_env: 'NOT_SET', anchors: undefined },
    };
    const starting = startBroker({ ...config, notices }, loadSecrets(config.secretsDirectory), {
      environment: {},
    });
    await assert.rejects(
      starting,
      (error) => error instanceof StartError && error.message.includes('NOT_SET'),
    );
    await federation.startBroker('london');
  });
});
