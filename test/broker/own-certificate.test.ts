import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { join } from 'node:path';
import tls, { type TLSSocket } from 'node:tls';

import { openStore } from '../../src/broker.ts';
import { linksTo } from '../../src/broker/links.ts';
import { startDeadline } from '../../src/deadline.ts';
import { TYP, type QueryClaims } from '../../src/evidence/claims.ts';
import { signMessage } from '../../src/evidence/message.ts';
import { pinnedNeighbours } from '../../src/evidence/pinned-neighbours.ts';
import type { SignedAsking } from '../../src/evidence/query.ts';
import { createLog } from '../../src/log.ts';
import { Neighbours } from '../../src/trust/neighbours.ts';
import { thumbprintOf } from '../../src/trust/peer-certificate.ts';
import type { TlsIdentity } from '../../src/trust/tls.ts';
import { AskingLoad } from '../support/asking-load.ts';
import { readAudit } from '../support/audit.ts';
import { issue, type Issued, type Wish } from '../support/certificates.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { signAnew } from '../support/statement.ts';
import { until } from '../support/until.ts';
import { rollCallOf, TestViewer } from '../support/viewer.ts';

const [HWE, LONDON] = ['herts-west-essex', 'london'] as const;
const OF_LONDON = '9990000018';
const OF_HWE = '9990000026';
const SILENT = createLog('test', 'silent');
type Role = 'server' | 'client';

describe('our own TLS certificates, changed while the broker runs', () => {
  let federation: TestFederation;
  let authority: Issued;
  const viewers: TestViewer[] = [];
  beforeEach(async () => {
    federation = await startFederation({ regions: [HWE, LONDON] });
    authority = issue({ name: 'another authority of London', ca: true });
    // London's own viewers hear of its new authority before its broker shows what that has issued.
    const { id = '' } = federation.config(LONDON).viewers[0] ?? {};
    appendFileSync(file('viewers', id, 'broker-ca.pem'), authority.pem);
    viewers.push(new TestViewer(federation, HWE), new TestViewer(federation, LONDON));
  });
  afterEach(async () => {
    for (const viewer of viewers.splice(0)) viewer.close();
    await federation.stop();
  });

  const file = (...names: string[]): string => join(federation.directory, 'keys', LONDON, ...names);
  const put = (name: string, text: string): void => {
    writeFileSync(file(`${name}.new`), text, { mode: 0o600 });
    renameSync(file(`${name}.new`), file(name));
  };
  const leaf = (usage: Role, wish: Partial<Wish> = {}, by = authority): Issued =>
    issue(
      {
        name: `london ${usage}`,
        uris: ['https://london.wayleave.example'],
        ips: ['127.0.0.1'],
        usage,
        ...wish,
      },
      by,
    );
  /** As `wayleave trust import` does: the certificate is never there without its key. */
  const install = (usage: Role, { pem, keyPem }: Issued): void => {
    put(`private/tls-${usage}.next.key.pem`, keyPem);
    put(`public/tls-${usage}.pem`, pem);
  };
  const ask = async (nth: number, patient: string, region: string): Promise<string[] | undefined> => {
    const { body } =
      (await viewers[nth]?.ask(patient, `/fhir/Condition?patient=${patient}`)) ?? assert.fail();
    return rollCallOf(body)[region];
  };
  const loaded = (): AskingLoad => {
    const ofLondon = async () => (await ask(0, OF_LONDON, LONDON))?.[0];
    const fromLondon = async () => (await ask(1, OF_HWE, HWE))?.[0];
    return new AskingLoad([ofLondon, fromLondon, ofLondon, fromLondon], 'answered');
  };
  const taken = (): number => federation.logged.filter((line) => line.includes('was read anew')).length;
  const faults = (): string[] => federation.logged.filter((line) => line.includes('stays as it was'));
  /** London signs a statement with these anchors, and an officer of the other region approves it. */
  const announce = async (anchors: readonly string[]): Promise<void> => {
    await signAnew(federation, LONDON, ({ tls: said }) => ({ tls: { ...said, anchors: [...anchors] } }));
    const desk = federation.broker(HWE).trust;
    const pending = () => desk.list().neighbours.find(({ region }) => region === LONDON)?.pending;
    await until(async () => {
      await desk.refresh(LONDON);
      return pending() !== undefined;
    }, 'the statement');
    await desk.approve(LONDON, pending()?.statement?.digest ?? '', { by: 'officer-1', why: 'as agreed' });
  };
  const shownTo = async (cert: string, key: string): Promise<TLSSocket> => {
    const socket = tls.connect({
      ...{ host: '127.0.0.1', port: federation.broker(HWE).ports.federation, cert, key },
      ca: readFileSync(join(federation.directory, 'keys', HWE, 'public/ca.pem')),
      checkServerIdentity: () => undefined,
    });
    socket.on('error', () => undefined).resume();
    await once(socket, 'secureConnect');
    return socket;
  };
  const shownBy = async (): Promise<string> => {
    const socket = tls.connect({
      ...{ host: '127.0.0.1', port: federation.broker(LONDON).ports.federation },
      ...{ rejectUnauthorized: false },
    });
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    const shown = thumbprintOf(socket.getPeerX509Certificate() ?? assert.fail());
    socket.destroy();
    return shown;
  };

  it('changes its authority under load without one query that fails; then what the former one issued is refused', async () => {
    const london = new TestNeighbour(federation, LONDON);
    const { cert = '', key = '' } = london.tls(HWE);
    const formerServer = readFileSync(file('public/tls-server.pem'), 'utf8');
    const formerAnchor = readFileSync(file('public/ca.pem'), 'utf8');
    const [server, client] = [leaf('server'), leaf('client')];
    const open = await shownTo(cert, key);
    const load = loaded();

    await announce([formerAnchor, authority.pem]);
    await load.more(10);
    install('server', server);
    install('client', client);
    await until(() => taken() === 2, 'both certificates');
    await load.more(20);
    assert.equal(await shownBy(), thumbprintOf(server.certificate));
    assert.equal(open.destroyed, false);

    const closed = once(open, 'close');
    await announce([authority.pem]);
    await closed;
    await load.more(10);
    await load.stop();
    assert.deepEqual(load.failed, []);

    const asFormer = london.send(HWE, await london.query(HWE, OF_LONDON), { tls: { cert, key } });
    await assert.rejects(asFormer, (error: NodeJS.ErrnoException) =>
      /ECONNRESET|ALERT/.test(error.code ?? ''),
    );
    const told = (await readAudit(federation.config(LONDON))).filter(({ detail }) =>
      Object.hasOwn(detail ?? {}, 'certificate'),
    );
    assert.deepEqual(
      told.map(({ event, detail }) => [event, (detail as { thumbprint: string }).thumbprint].join()).sort(),
      [server, client].map((one) => ['trust-decided', thumbprintOf(one.certificate)].join()).sort(),
    );

    // Whoever has London's former server key is not London any more.
    await federation.stopBroker(LONDON);
    put('public/tls-server.pem', formerServer);
    await federation.startBroker(LONDON);
    assert.match((await federation.broker(LONDON).status()).own.fault ?? '', /certificates\.server/);
    assert.equal((await ask(0, OF_LONDON, LONDON))?.[0], 'not-reached');
  });

  it('keeps nothing of a private key that lies in the certificate’s file', async () => {
    const next = leaf('server', {}, issuerOf(LONDON));
    install('server', { ...next, pem: next.keyPem + next.pem });
    await until(() => taken() === 1, 'the certificate');
    const config = federation.config(LONDON);
    const store = await openStore(config);
    const kept = await store.wholeFiles.of(config.replica);
    await store.close();
    assert.equal(kept.find(({ file: name }) => name === file('public/tls-server.pem'))?.text, next.pem);
    assert.ok(kept.every(({ text }) => !text.includes('PRIVATE KEY')));
  });

  it('sends what was signed before a change under the certificate that it was signed for', async () => {
    const asking = federation.config(HWE);
    const hwe = new TestNeighbour(federation, HWE);
    const { cert: certificate = '', key = '' } = hwe.tls(LONDON);
    let own: TlsIdentity = { certificate, key };
    const neighbours = new Neighbours(await pinnedNeighbours(asking.neighbours, Date.now()));
    const [link] = linksTo(asking, neighbours, () => own, SILENT, Date.now).values();
    const signed = async (): Promise<SignedAsking<QueryClaims>> => {
      const claims = hwe.claims(LONDON, OF_LONDON) as QueryClaims;
      return {
        ...signMessage(await hwe.signer(), TYP.query, claims),
        jti: claims.jti,
        audience: claims.aud,
        claims,
      };
    };
    const send = async (query: SignedAsking<QueryClaims>): Promise<number | undefined> => {
      using deadline = startDeadline(5_000);
      return await link?.ask(query, {}, deadline, async ({ status }) => status);
    };
    assert.equal(await send(await signed()), 200);
    const late = await signed();
    const renewed = leaf('client', { uris: [asking.entity] }, issuerOf(HWE));
    own = { certificate: renewed.pem, key: renewed.keyPem };
    link?.renew();
    assert.equal(await send(late), 200);
    const other = await signed();
    other.claims.cnf['x5t#S256'] = thumbprintOf(authority.certificate);
    await assert.rejects(send(other), { code: 'cancelled' });
    link?.close();
  });

  it('binds an answer to the certificate that its connection was opened under, and ends that connection', async () => {
    const hwe = new TestNeighbour(federation, HWE);
    const agent = new Agent({ keepAlive: true, maxSockets: 1, checkServerIdentity: () => undefined });
    const boundTo = async (): Promise<[string | undefined, unknown]> => {
      const { headers } = await hwe.send(LONDON, await hwe.query(LONDON, OF_LONDON), { agent });
      const [, payload = ''] = String(headers['wayleave-response']).split('.');
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as QueryClaims;
      return [claims.cnf['x5t#S256'], headers['connection']];
    };
    const former = await shownBy();
    assert.deepEqual(await boundTo(), [former, 'keep-alive']);
    const next = leaf('server', {}, issuerOf(LONDON));
    install('server', next);
    await until(() => taken() === 1, 'the certificate');
    assert.deepEqual(await boundTo(), [former, 'close']);
    assert.deepEqual(await boundTo(), [thumbprintOf(next.certificate), 'keep-alive']);
    agent.destroy();
  });

  it('stays with the one that it has while another is not good, says so, and takes it when it is', async () => {
    const before = await shownBy();
    const anchor = issuerOf(LONDON);
    const good = leaf('server', {}, anchor);
    const whole = `${good.pem}${anchor.pem}`;
    const stranger = leaf('server', { uris: ['https://west-midlands.wayleave.example'] }, anchor);
    const wrong: readonly [string, () => void][] = [
      ['another authority', () => install('server', leaf('server'))],
      ['another name', () => install('server', stranger)],
      ['no key', () => put('public/tls-server.pem', good.pem)],
      ['cut', () => put('public/tls-server.pem', whole.slice(0, whole.length / 3))],
    ];
    for (const [nth, [what, putIt]] of wrong.entries()) {
      putIt();
      await until(() => faults().length > nth, what);
      assert.equal(await shownBy(), before, what);
      assert.notEqual((await federation.broker(LONDON).status()).own.fault, undefined, what);
    }
    install('server', good);
    await until(() => taken() === 1, 'the good one');
    assert.equal(await shownBy(), thumbprintOf(good.certificate));
    assert.equal((await federation.broker(LONDON).status()).own.fault, undefined);
    assert.deepEqual(await ask(0, OF_LONDON, LONDON), ['answered', 'care-location']);
    assert.equal(
      federation.logged.some((line) => line.includes('PRIVATE KEY')),
      false,
    );
  });

  function issuerOf(region: string): Issued {
    const read = (name: string): string =>
      readFileSync(join(federation.directory, 'keys', region, name), 'utf8');
    const [pem, keyPem] = [read('public/ca.pem'), read('offline/ca.key.pem')];
    return { certificate: new X509Certificate(pem), key: createPrivateKey(keyPem), pem, keyPem };
  }
});
