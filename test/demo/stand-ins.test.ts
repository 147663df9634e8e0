import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { buildStories } from '../../src/demo/stories.ts';
import { writeDemoData } from '../../src/demo/write-data.ts';
import { freePort } from '../support/free-ports.ts';

interface Run {
  readonly child: ChildProcess;
  readonly printed: () => { out: string; err: string };
}

function run(main: string, ...args: string[]): Run {
  const child = spawn(process.execPath, [`src/demo/${main}`, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text));
  return { child, printed: () => ({ out, err }) };
}

async function ready({ child, printed }: Run): Promise<void> {
  while (!printed().out.includes('ready\n')) {
    assert.equal(child.exitCode, null, printed().err);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function ended({ child }: Run): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

describe('stand-ins as processes', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'wayleave-stand-ins-'));
    await writeDemoData(directory, buildStories(new Date()));
  });
  after(() => rm(directory, { recursive: true }));

  const recordArgs = (port: number): string[] => [
    ...['--port', String(port), '--name', 'london-care-record'],
    ...['--data', join(directory, 'london-care-record.ndjson'), '--pid-file', join(directory, 'record.pid')],
  ];

  it('a record says ready, answers, and goes on SIGTERM', async () => {
    const port = await freePort();
    const record = run('record-main.ts', ...recordArgs(port));
    await ready(record);
    const pidFile = join(directory, 'record.pid');
    assert.equal(Number(await readFile(pidFile, 'utf8')), record.child.pid);
    const response = await fetch(
      `http://127.0.0.1:${String(port)}/fhir/Consent?patient.identifier=9990000077`,
    );
    assert.equal(((await response.json()) as { total: number }).total, 1);
    record.child.kill('SIGTERM');
    assert.equal(await ended(record), 0);
    assert.ok(!existsSync(pidFile));
    assert.deepEqual(record.printed(), { out: 'ready\n', err: '' });
  });

  it('PDS says ready, throttles when told to, and goes on SIGINT', async () => {
    const port = await freePort();
    const pds = run(
      'pds-main.ts',
      '--port',
      String(port),
      '--data',
      join(directory, 'pds.json'),
      '--rate',
      '1',
    );
    await ready(pds);
    const url = `http://127.0.0.1:${String(port)}/personal-demographics/FHIR/R4/Patient/9990000018`;
    const headers = { 'x-request-id': 'c1ab3fba-6bae-4ba4-b257-5a87c44d4a91' };
    assert.equal((await fetch(url, { headers })).status, 200);
    assert.equal((await fetch(url, { headers })).status, 429);
    pds.child.kill('SIGINT');
    assert.equal(await ended(pds), 0);
  });

  it('say in one sentence what is wrong, and exit with 1', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    try {
      const wrong = [
        run('record-main.ts', ...recordArgs(port)),
        run('record-main.ts', '--port', 'many'),
        run('record-main.ts', '--port', '4999', '--name', 'x', '--data', join(directory, 'missing.ndjson')),
        run('record-main.ts', '--port', '4999', '--name', 'x', '--data', 'package.json'),
        run('pds-main.ts', '--port', String(port), '--data', join(directory, 'pds.json')),
        run('pds-main.ts', '--port', '4999', '--data', join(directory, 'pds.json'), '--rate', '0'),
        run('pds-main.ts', '--port', '4999', '--data', join(directory, 'missing.json')),
        run('pds-main.ts', '--port', '4999', '--colour', 'red'),
      ];
      for (const stopped of wrong) {
        assert.equal(await ended(stopped), 1, stopped.child.spawnargs.join(' '));
        const { out, err } = stopped.printed();
        assert.equal(out, '');
        assert.equal(err.trim().split('\n').length, 1, err);
      }
    } finally {
      taken.close();
    }
  });
});
