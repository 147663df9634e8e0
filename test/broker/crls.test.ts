import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { addressFeed, fileFeed } from '../../src/broker/crl-feeds.ts';
import { CrlSource } from '../../src/broker/crl-source.ts';
import { Crls, type CrlStatus } from '../../src/broker/crls.ts';
import { crlForm, type ConfiguredCrl, type CrlSettings } from '../../src/config/crl-form.ts';
import { factsOf } from '../../src/trust/certificate-facts.ts';
import { MOST_CRL_BYTES } from '../../src/trust/crl.ts';
import { made, type Made } from '../support/made-certificate.ts';
import { asPem, madeCrl } from '../support/made-crl.ts';
import { until } from '../support/until.ts';
import { ScriptedServer, SILENT, type Script } from '../upstream/scripted-server.ts';

const QUICK_MS = 15;

describe('the neighbours’ revocation lists', () => {
  const root = made({ name: 'London Root', authority: true });
  const next = made({ name: 'London Root 2', authority: true });
  const issuing = made({ name: 'London Issuing', by: root, authority: true });
  const leaf = made({ name: 'leaf', by: root });
  const stranger = made({ name: 'Stranger', authority: true });
  const numbered = (number: number, by: Made = root): Buffer => madeCrl({ by, number });

  let directory: string;
  let file: string;
  const running: Crls[] = [];
  const servers: ScriptedServer[] = [];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'wayleave-crls-'));
    file = join(directory, 'london.crl');
  });
  afterEach(async () => {
    for (const one of running.splice(0)) one.stop();
    for (const one of servers.splice(0)) one.stop();
    await rm(directory, { recursive: true, force: true });
  });

  function configured(settings: Partial<CrlSettings>, issuers: readonly Made[] = []): ConfiguredCrl {
    const parsed = crlForm.parse(settings);
    return { ...parsed, issuerCertificates: issuers.map(({ certificate }) => certificate) };
  }

  async function start(
    settings: ConfiguredCrl,
    anchors: () => readonly Made[] = () => [root],
    now: () => number = Date.now,
  ): Promise<Crls> {
    const crls = new Crls(
      [{ region: 'london', crl: settings }, { region: 'essex-suffolk' }],
      (region) => (region === 'london' ? anchors().map(({ certificate }) => certificate) : []),
      SILENT,
      now,
      ({ files, urls, cache }) => [
        ...files.map((path) => fileFeed(path, QUICK_MS)),
        ...urls.map((url) => addressFeed(url, QUICK_MS, cache, QUICK_MS)),
      ],
    );
    running.push(crls);
    await crls.start();
    return crls;
  }

  async function serve(script: Script): Promise<ScriptedServer> {
    const server = await ScriptedServer.start(script);
    servers.push(server);
    return server;
  }

  const only = (crls: Crls): CrlStatus => {
    const [status, ...more] = crls.status();
    assert.ok(status);
    assert.equal(more.length, 0);
    return status;
  };
  const told = (crls: Crls): [string, string | undefined, string | undefined] => {
    const { state, number, fault } = only(crls);
    return [state, number, fault];
  };
  const comes = (crls: Crls, ...wanted: [string, string | undefined, string | undefined]): Promise<void> =>
    until(() => JSON.stringify(told(crls)) === JSON.stringify(wanted), JSON.stringify(wanted));

  it('are none where none are configured', async () => {
    const crls = await start(configured({ files: [file] }));
    assert.equal(crls.of('essex-suffolk'), undefined);
    assert.equal(crls.of('kent'), undefined);
  });

  it('are there when the start returns, and tell of themselves', async () => {
    await writeFile(file, asPem(madeCrl({ by: root, number: 7, revoked: [leaf.x509] })));
    const crls = await start(configured({ files: [file], when_old: 'warn', grace_hours: 2 }));
    const { thisUpdate = '', nextUpdate = '', ...status } = only(crls);
    assert.deepEqual(status, {
      ...{ region: 'london', place: file, whenOld: 'warn', state: 'good' },
      ...{ number: '7', revoked: 1, ageMinutes: 60 },
    });
    assert.equal(Date.parse(nextUpdate) - Date.parse(thisUpdate), 25 * 3_600_000);
    const lists = crls.of('london');
    assert.deepEqual([lists?.whenOld, lists?.graceMs], ['warn', 7_200_000]);
    assert.equal(lists?.by(root.x509)?.revoked.size, 1);
    assert.equal(lists?.by(next.x509), undefined);
  });

  it('are read again when the file changes, and the last good one stays through bad ones', async () => {
    const crls = await start(configured({ files: [file] }));
    assert.deepEqual(told(crls), ['none', undefined, 'ENOENT']);
    await writeFile(file, numbered(5));
    await comes(crls, 'good', '5', undefined);
    await writeFile(file, 'half a list');
    await comes(crls, 'good', '5', 'crl-unreadable');
    await writeFile(file, numbered(9, stranger));
    await comes(crls, 'good', '5', 'crl-issuer');
    await writeFile(file, numbered(4));
    await comes(crls, 'good', '5', 'crl-older');
    await writeFile(file, Buffer.alloc(MOST_CRL_BYTES + 1));
    await comes(crls, 'good', '5', 'crl-too-large');
    await rm(file);
    await comes(crls, 'good', '5', 'ENOENT');
    await writeFile(file, numbered(6));
    await comes(crls, 'good', '6', undefined);
  });

  it('are fetched, and the last good one stays through an outage of any kind', async () => {
    let script: Script = (_seen, response) => response.end(numbered(5));
    const server = await serve((...heard) => script(...heard));
    const crls = await start(configured({ urls: [`${server.origin}/london.crl`] }));
    assert.deepEqual(told(crls), ['good', '5', undefined]);
    const outages: [Script, string][] = [
      [(_seen, response) => response.writeHead(404).end(), 'peer-refused'],
      [(_seen, response) => response.writeHead(503).end(), 'peer-failed'],
      [(_seen, response) => response.writeHead(302, { Location: '/other.crl' }).end(), 'peer-refused'],
      [(_seen, response) => response.destroy(), 'lost-connection'],
      [(_seen, response) => response.end('<html>'), 'crl-unreadable'],
      [(_seen, response) => response.end(Buffer.alloc(MOST_CRL_BYTES + 1)), 'answer-too-large'],
      [(_seen, response) => response.end(numbered(4)), 'crl-older'],
      [(_seen, response) => response.end(numbered(9, stranger)), 'crl-issuer'],
    ];
    for (const [outage, fault] of outages) {
      script = outage;
      await comes(crls, 'good', '5', fault);
    }
    assert.ok(server.seen.every(({ url, method }) => url === '/london.crl' && method === 'GET'));
    script = (_seen, response) => response.end(numbered(6));
    await comes(crls, 'good', '6', undefined);
    server.stop();
    await comes(crls, 'good', '6', 'refused-connection');
  });

  it('do not hold a start up for long, when who has them does not answer', async () => {
    const server = await serve(() => undefined);
    const from = performance.now();
    const crls = await start(configured({ urls: [server.origin] }));
    assert.ok(performance.now() - from < 7_000);
    assert.equal(only(crls).state, 'none');
    assert.equal(crls.of('london')?.by(root.x509), undefined);
  });

  it('outlive a restart in the cache, verified as any other', async () => {
    const server = await serve((_seen, response) => response.end(numbered(5)));
    const settings = configured({ urls: [server.origin], cache: join(directory, 'cache') });
    (await start(settings)).stop();
    server.stop();
    assert.deepEqual(told(await start(settings)), ['good', '5', 'refused-connection']);
    assert.deepEqual(told(await start(settings, () => [next])), ['none', undefined, 'refused-connection']);
    const [kept = ''] = await readdir(join(directory, 'cache'));
    await writeFile(join(directory, 'cache', kept), 'half');
    assert.deepEqual(told(await start(settings)), ['none', undefined, 'refused-connection']);
  });

  it('does not go back behind what it kept before a restart', async () => {
    let number = 5;
    const server = await serve((_seen, response) => response.end(numbered(number)));
    const settings = configured({ urls: [server.origin], cache: join(directory, 'cache') });
    (await start(settings)).stop();
    number = 4;
    assert.deepEqual(told(await start(settings)), ['good', '5', 'crl-older']);
  });

  it('of another pinned authority, put in the place of the right one, take nothing away', async () => {
    await writeFile(file, madeCrl({ by: root, revoked: [leaf.x509] }));
    const crls = await start(configured({ files: [file] }), () => [root, next]);
    await writeFile(file, numbered(9, next));
    await until(() => crls.of('london')?.by(next.x509) !== undefined);
    assert.equal(crls.of('london')?.by(root.x509)?.revoked.size, 1);
    assert.equal(crls.status().length, 2);
  });

  it('are read once while they stay the same', async () => {
    const bytes = numbered(5);
    const source = new CrlSource({ ...fileFeed(file), read: async () => bytes });
    await source.look([root.x509]);
    const first = source.held.get(factsOf(root.x509).authority);
    await source.look([root.x509]);
    assert.ok(first);
    assert.equal(source.held.get(factsOf(root.x509).authority), first);
    await source.look([next.x509]);
    assert.deepEqual([source.held.size, source.fault], [0, 'crl-issuer']);
    await source.look([root.x509]);
    assert.deepEqual([source.held.size, source.fault], [1, undefined]);
  });

  it('follow a change of the pinned anchors, without a restart', async () => {
    await writeFile(file, numbered(9, next));
    let anchors = [root];
    const crls = await start(configured({ files: [file] }), () => anchors);
    assert.deepEqual(told(crls), ['none', undefined, 'crl-issuer']);
    anchors = [root, next];
    await comes(crls, 'good', '9', undefined);
    anchors = [root];
    await writeFile(file, numbered(3, root));
    await comes(crls, 'good', '3', undefined);
    assert.equal(crls.of('london')?.by(next.x509), undefined);
  });

  it('come from several places: the newest of an authority counts', async () => {
    const other = join(directory, 'other.crl');
    await writeFile(file, madeCrl({ by: root, number: 8, revoked: [leaf.x509] }));
    await writeFile(other, numbered(7));
    for (const files of [
      [file, other],
      [other, file],
    ]) {
      const crls = await start(configured({ files }));
      assert.equal(crls.of('london')?.by(root.x509)?.number, 8n);
    }
  });

  it('of an issuer below an anchor are believed where it is configured, and an anchor has issued it', async () => {
    await writeFile(file, numbered(1, issuing));
    assert.deepEqual(told(await start(configured({ files: [file] }))), ['none', undefined, 'crl-issuer']);
    const crls = await start(configured({ files: [file] }, [issuing]));
    assert.equal(crls.of('london')?.by(issuing.x509)?.number, 1n);
    const foreign = await start(configured({ files: [file] }, [issuing]), () => [next]);
    assert.deepEqual(told(foreign), ['none', undefined, 'crl-issuer']);
  });

  it('are too old after their next update and the grace', async () => {
    await writeFile(file, madeCrl({ by: root, until: 60 }));
    let ahead = 0;
    const crls = await start(
      configured({ files: [file], grace_hours: 1 }),
      undefined,
      () => Date.now() + ahead,
    );
    assert.equal(only(crls).state, 'good');
    ahead = 119 * 60_000;
    assert.equal(only(crls).state, 'good');
    ahead = 121 * 60_000;
    assert.equal(only(crls).state, 'too-old');
  });

  it('are asked for less and less often while they are not to be had', async () => {
    const source = new CrlSource({ ...fileFeed(file), everyMs: 3_600_000, retryMs: 30_000 });
    const waits: number[] = [];
    for (let count = 0; count < 9; count += 1) {
      await source.look([root.x509]);
      waits.push(source.waitMs / 1000);
    }
    assert.deepEqual(waits, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
    await writeFile(file, numbered(1));
    await source.look([root.x509]);
    assert.equal(source.waitMs, 3_600_000);
  });
});
