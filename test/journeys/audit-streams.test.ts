import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { hostNames } from '../../certs-dev/make-region.ts';
import { authorityValidity, leafValidity } from '../../certs-dev/validity.ts';
import type { LogStatus } from '../../src/audit/audit-room.ts';
import type { StreamStatus } from '../../src/audit/stream/audit-stream.ts';
import { openStore } from '../../src/broker.ts';
import { statusCommand } from '../../src/cli/status.ts';
import { issueAuthority, issueLeaf, type Credential } from '../../src/trust/issue.ts';
import { allEntries, naiveRoot } from '../store/entries.ts';
import { called } from '../cli/in-process.ts';
import { readAudit } from '../support/audit.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { leavesOf, parseSyslog } from '../support/rfc5424.ts';
import { SyslogReceiver } from '../support/syslog-receiver.ts';
import { until } from '../support/until.ts';
import { TestViewer } from '../support/viewer.ts';

const PATIENT = '9990000018';
const ASKER = 'herts-west-essex';
const NOW = new Date();

describe('the log of a broker, streamed', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  let receiver: SyslogReceiver;
  let server: Credential;
  let hanging: SyslogReceiver;
  before(async () => {
    const authority = await issueAuthority({ name: 'Siem authority', ...authorityValidity(NOW) });
    const leaf = (usage: 'server' | 'client') =>
      issueLeaf(authority, {
        ...{ commonName: usage, uri: 'https://siem.example', usage },
        ...{ ...hostNames(usage), ...leafValidity(NOW) },
      });
    server = await leaf('server');
    const client = await leaf('client');
    receiver = await SyslogReceiver.start(server, {
      ...{ ca: authority.certificate, requestCert: true, rejectUnauthorized: true },
    });
    hanging = await SyslogReceiver.start(server);
    hanging.manner = 'endless';
    const edit = (region: string, config: RawConfig): void => {
      if (region !== ASKER) return;
      const folder = dirname(fileIn(config['store']));
      const put = (name: string, text: string): string => {
        writeFileSync(join(folder, name), text, { mode: 0o600 });
        return name;
      };
      const siem = {
        ...{
          kind: 'syslog',
          host: '127.0.0.1',
          name: 'localhost',
          anchors: put('siem.pem', authority.certificate),
        },
        ...{ certificate: put('own.pem', client.certificate), key: put('own.key.pem', client.key) },
      };
      mkdirSync(join(folder, 'out'), { recursive: true });
      config['audit_streams'] = [
        { id: 'file', kind: 'ndjson', file: 'out/audit.ndjson' },
        { id: 'siem', ...siem, port: receiver.port, batch: 4 },
        { id: 'hangs', ...siem, port: hanging.port },
        { id: 'away', kind: 'ndjson', file: 'away/audit.ndjson' },
      ];
    };
    federation = await startFederation({ regions: [ASKER, 'london'], edit });
    viewer = new TestViewer(federation, ASKER);
  });
  after(async () => {
    viewer.close();
    await federation.stop();
    await Promise.all([receiver.stop(), hanging.stop()]);
  });

  const fileIn = (store: unknown): string => String(store).replace(/^sqlite:/, '');
  const ask = () => viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
  const origin = (): string => `${new URL(federation.config(ASKER).entity).host}/log/1`;
  const streams = async (): Promise<readonly StreamStatus[]> =>
    ((await federation.broker(ASKER).status()).log as LogStatus).streams;
  const streamed = async (id: string): Promise<StreamStatus> =>
    (await streams()).find((one) => one.id === id) ?? assert.fail();
  const caughtUp = (id: string) =>
    until(async () => (await streamed(id)).behind === 0, `${id} with nothing behind`);
  const fileText = (): string => readFileSync(join(federation.directory, 'out/audit.ndjson'), 'utf8');
  const fileLeaves = (): Buffer[] =>
    fileText()
      .split('\n')
      .slice(0, -1)
      .map((line) => Buffer.from(/^\{"log":"[^"]*","seq":\d+,"leaf":([^\n]*)\}$/.exec(line)?.[1] ?? ''));
  async function stored(): Promise<{ leaves: Buffer[]; root: Buffer }> {
    const store = await openStore(federation.config(ASKER));
    try {
      const leaves = (await allEntries(store.log, origin())).map(({ leaf }) => Buffer.from(leaf));
      return { leaves, root: Buffer.from((await store.log.head(origin())).root) };
    } finally {
      await store.close();
    }
  }

  it('is in the file and at the receiver, leaf by leaf, so that the tree can be made of it', async () => {
    assert.equal((await ask()).status, 200);
    await Promise.all([caughtUp('file'), caughtUp('siem')]);
    const { leaves, root } = await stored();
    assert.ok(leaves.length > 4);
    assert.deepEqual(fileLeaves(), leaves);
    assert.deepEqual(naiveRoot(fileLeaves()), root);
    const arrived = leavesOf(receiver.messages('ended'));
    assert.deepEqual([...arrived.keys()], [...leaves.keys()]);
    assert.deepEqual(naiveRoot([...arrived.values()]), root);
  });

  it('comes as RFC 5424 messages that say of which log and of what they are', () => {
    const messages = receiver.messages('ended').map(parseSyslog);
    for (const { facility, host, app, data, text, id, process, time } of messages) {
      const said = JSON.parse(text.toString('utf8')) as Record<string, unknown>;
      assert.deepEqual(
        [facility, host, app],
        [13, new URL(federation.config(ASKER).entity).hostname, 'wayleave'],
      );
      assert.deepEqual(data, { log: origin(), seq: String(said['seq']) });
      assert.deepEqual([id, process, Date.parse(time)], [said['event'], said['boot'], said['at']]);
    }
    assert.ok(receiver.connections.length > 1);
  });

  it('names neither patient nor user, and shows nothing that is sealed', async () => {
    const sent = `${fileText()}\n${receiver.messages().join('\n')}`;
    const rows = await readAudit(federation.config(ASKER));
    const sealed = rows.flatMap(({ values }) => Object.values(values)).filter((value) => value.length > 5);
    assert.ok(sealed.some((value) => value.includes(PATIENT)));
    assert.ok(sealed.some((value) => value.includes('dr.test')));
    for (const value of [...sealed, PATIENT, 'dr.test'])
      assert.equal(sent.includes(value), false, `it holds a sealed value of ${value.length} characters`);
    // Three letters alone come up in digests.
    assert.equal(/eyJ[\w-]*\.eyJ/.test(sent), false, 'it holds a token');
    for (const line of federation.logged) assert.equal(line.includes(PATIENT), false);
  });

  it('waits for a receiver that hangs and a directory that is away, and says so; nothing else waits', async () => {
    await until(async () => (await streamed('away')).fault !== undefined);
    assert.equal((await streamed('away')).fault, 'no-directory');
    assert.ok(hanging.messages().length > 0);
    const { leaves } = await stored();
    assert.deepEqual(
      (await streams()).map(({ id, behind }) => [id, behind]),
      [
        ['file', 0],
        ['siem', 0],
        ['hangs', leaves.length],
        ['away', leaves.length],
      ],
    );
    assert.ok(federation.logged.some((line) => line.includes('"stream":"away","fault":"no-directory"')));
    assert.equal((await ask()).status, 200);
  });

  it('is shown by wayleave status', async () => {
    const { out } = await called(statusCommand, ['--config', join(federation.directory, `${ASKER}.yaml`)]);
    assert.match(out, /ndjson stream +file +in order +\d+ entries behind +sent 20/);
    assert.match(out, /syslog stream +siem +in order/);
    assert.match(out, /ndjson stream +away +no-directory +\d+ entries behind$/m);
  });

  it('goes on after a restart: nothing is lost, and nothing that was confirmed comes again', async () => {
    await Promise.all([caughtUp('file'), caughtUp('siem')]);
    const [inFile, confirmed] = [fileLeaves().length, receiver.messages('ended').length];
    // The hanging receiver must not hold this up.
    await federation.stopBroker(ASKER);
    mkdirSync(join(federation.directory, 'away'));
    await federation.startBroker(ASKER);
    await ask();
    await Promise.all(['file', 'siem', 'away'].map(caughtUp));
    const { leaves } = await stored();
    assert.ok(leaves.length > inFile);
    assert.deepEqual(fileLeaves(), leaves);
    const messages = receiver.messages('ended').map(parseSyslog);
    assert.deepEqual(
      messages.slice(confirmed).map(({ data }) => Number(data['seq'])),
      [...leaves.keys()].slice(inFile),
    );
    assert.deepEqual(readFileSync(join(federation.directory, 'away/audit.ndjson'), 'utf8'), fileText());
  });

  it('comes again where a receiver died in the middle of it, until it has all', async () => {
    await caughtUp('siem');
    for (const manner of ['reset', 'gone'] as const) {
      receiver.manner = manner;
      const from = receiver.connections.length;
      await ask();
      await until(() => receiver.connections.length > from);
      receiver.manner = 'orderly';
      await caughtUp('siem');
    }
    const { leaves } = await stored();
    assert.deepEqual([...leavesOf(receiver.messages('ended')).values()], leaves);
  });

  it('finds its receiver again after that was away, and sends it what it lacks', async () => {
    await caughtUp('siem');
    const { port } = receiver;
    const before = leavesOf(receiver.messages('ended'));
    await receiver.stop();
    await ask();
    await until(async () => (await streamed('siem')).fault === 'refused-connection');
    await sleep(100);
    receiver = await SyslogReceiver.start(server, {}, port);
    await caughtUp('siem');
    const { leaves } = await stored();
    const arrived = leavesOf(receiver.messages('ended'));
    assert.deepEqual([...before.values(), ...arrived.values()], leaves);
  });
});
