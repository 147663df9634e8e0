import assert from 'node:assert/strict';
import { randomUUID, X509Certificate } from 'node:crypto';

import { senderAs } from '../../src/evidence/sender.ts';
import type { SignedAsking } from '../../src/evidence/query.ts';
import { signMessage, signingInputDigest } from '../../src/evidence/message.ts';
import { signPing, verifyPong, type PingClaims, type PongClaims } from '../../src/evidence/ping.ts';
import { pinnedNeighbours } from '../../src/evidence/pinned-neighbours.ts';
import { RESPONSE_HEADER } from '../../src/evidence/response.ts';
import { Neighbours } from '../../src/trust/neighbours.ts';
import { thumbprintOf, uriNames } from '../../src/trust/peer-certificate.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { errorCode, type Reply } from '../support/viewer.ts';
import { Asking, PATIENT } from './asking.ts';
import { twinOf } from './odd-tokens.ts';

type Ping = SignedAsking<PingClaims>;

describe('the listener between brokers: a signed ping', () => {
  let asking: Asking;

  before(async () => {
    asking = await Asking.start({ regions: ['herts-west-essex', 'london', 'essex-suffolk'] });
  });
  after(() => asking.stop());

  async function ping(change: Record<string, unknown> = {}, typ = 'wayleave-ping+jwt'): Promise<Ping> {
    const { cert = '', key = '' } = asking.neighbour.tls('london');
    const signer = await asking.neighbour.signer();
    const config = asking.federation.config('herts-west-essex');
    const sender = senderAs({ certificate: cert, key }, config.entity, signer, 1);
    const good = signPing(sender, asking.federation.config('london').entity, Date.now());
    const claims = { ...good.claims, ...change };
    return { ...good, ...signMessage(signer, typ, claims), claims, jti: claims.jti };
  }

  const send = (token: unknown, tls = {}): Promise<Reply> =>
    asking.send(token, { path: '/federation/v1/ping', body: JSON.stringify({ ping: token }), tls });

  /** As the asking broker believes it. */
  async function believed(reply: Reply, asked: Ping): Promise<PongClaims> {
    const neighbours = new Neighbours(
      await pinnedNeighbours(asking.federation.config('herts-west-essex').neighbours, Date.now()),
    );
    const leaf = new X509Certificate(asking.federation.config('london').serverCertificate);
    const names = { thumbprint: thumbprintOf(leaf), uris: uriNames(leaf.subjectAltName) };
    const peer = neighbours.identify({ leaf, issuers: [], ...names }, 'server', Date.now());
    const token = reply.headers[RESPONSE_HEADER];
    const came = { token, body: Buffer.from(reply.text), status: reply.status, peer };
    return (await verifyPong(came, asked, neighbours, Date.now())).claims;
  }

  it('is answered by a pong that is bound to it, and is in no log', async () => {
    const rows = await asking.rows();
    const counts = await asking.counts();
    const asked = await ping();
    const reply = await send(asked.token);
    const pong = await believed(reply, asked);
    assert.deepEqual([reply.status, reply.text, pong.outcome], [200, '{}', 'answered']);
    assert.deepEqual(
      [pong.nonce, pong.ping_jti, pong.ping_digest],
      [asked.claims.nonce, asked.jti, signingInputDigest(asked.token)],
    );
    assert.deepEqual(await asking.rows(), rows);
    assert.deepEqual(await asking.counts(), counts);
    assert.equal(await asking.receivedOf(asked.token), undefined);
    const { pings } = await asking.federation.broker('london').status();
    assert.deepEqual(
      pings.map(({ region, answered }) => [region, answered]),
      [['herts-west-essex', 1]],
    );
  });

  it('a pong answers its own ping, with its own nonce, alone', async () => {
    const [one, other] = [await ping(), await ping()];
    const reply = await send(one.token);
    await assert.rejects(believed(reply, other), { code: 'wrong-query' });
    const lied = { ...one, claims: { ...one.claims, nonce: 'A'.repeat(43) } };
    await assert.rejects(believed(reply, lied), { code: 'wrong-query' });
    await assert.rejects(believed({ ...reply, text: '{ }' }, one), { code: 'wrong-body' });
  });

  describe('refused signed, and counted', () => {
    const lived = (from: number, until: number) => (): Record<string, unknown> => {
      const seconds = Math.floor(Date.now() / 1000);
      return { iat: seconds + from, exp: seconds + until };
    };
    type Change = Record<string, unknown> | (() => Record<string, unknown>);
    const cases: readonly [name: string, status: number, code: string, Change, typ?: string][] = [
      ['a query in its place', 401, 'wrong-typ', {}, 'wayleave-query+jwt'],
      ['a pong in its place', 401, 'wrong-typ', {}, 'wayleave-pong+jwt'],
      ['no nonce', 400, 'bad-claims', { nonce: undefined }],
      ['a short nonce', 400, 'bad-claims', { nonce: 'AAAA' }],
      ['a patient in it', 400, 'bad-claims', { patient: `https://fhir.nhs.uk/Id/nhs-number|${PATIENT}` }],
      ['another sender', 401, 'wrong-issuer', { iss: 'https://essex-suffolk.wayleave.example' }],
      ['another receiver', 401, 'wrong-audience', { aud: 'https://essex-suffolk.wayleave.example' }],
      ['another connection', 401, 'wrong-binding', { cnf: { 'x5t#S256': 'A'.repeat(43) } }],
      ['a clock that is behind', 401, 'not-fresh', lived(-600, -540)],
      ['a clock that is ahead', 401, 'not-fresh', lived(600, 660)],
      ['a long life', 401, 'not-fresh', lived(0, 3_600)],
    ];
    for (const [name, status, code, change, typ] of cases) {
      it(name, async () => {
        const asked = await ping(typeof change === 'function' ? change() : change, typ);
        const rows = await asking.rows();
        let reply: Reply | undefined;
        const counted = await asking.countsOne(async () => (reply = await send(asked.token)));
        assert.ok(reply !== undefined);
        assert.deepEqual([reply.status, errorCode(reply.body), counted], [status, code, `ping-${code}`]);
        // The refusal is bound to what was sent, whatever that said of its sender.
        const sent = {
          ...asked,
          claims: { ...asked.claims, iss: 'https://herts-west-essex.wayleave.example' },
        };
        const audience = asking.federation.config('london').entity;
        const pong = await believed(reply, { ...sent, audience });
        assert.deepEqual([pong.outcome, pong.reason, pong.nonce], ['refused', code, undefined]);
        assert.deepEqual(await asking.rows(), rows);
      });
    }

    it('the same ping again, and its other signature', async () => {
      const asked = await ping();
      assert.equal((await send(asked.token)).status, 200);
      for (const token of [asked.token, twinOf(asked.token)]) {
        const reply = await send(token);
        assert.deepEqual([reply.status, (await believed(reply, asked)).reason], [401, 'replayed']);
      }
    });

    it("a query's jti is spent for a ping as well", async () => {
      const jti = randomUUID();
      await asking.ask({ jti });
      const reply = await send((await ping({ jti })).token);
      assert.deepEqual([reply.status, errorCode(reply.body)], [401, 'replayed']);
    });
  });

  describe('refused unsigned, and counted as every message', () => {
    it('a signature of another region', async () => {
      const essex = await new TestNeighbour(asking.federation, 'essex-suffolk').signer();
      const { claims } = await ping();
      const { token } = signMessage(essex, 'wayleave-ping+jwt', claims);
      await asking.refusesUnsigned(401, 'unknown-kid', () => send(token));
      const stolen = signMessage(
        { ...essex, kid: (await asking.neighbour.signer()).kid },
        'wayleave-ping+jwt',
        claims,
      );
      await asking.refusesUnsigned(401, 'bad-signature', () => send(stolen.token));
    });

    it('no token, and another method', async () => {
      await asking.refusesUnsigned(400, 'malformed', () => send(undefined));
      const get = { method: 'GET', path: '/federation/v1/ping' };
      await asking.refusesUnsigned(405, 'method-not-allowed', () => asking.send('', get));
    });
  });

  it('opens no record: a ping is no query', async () => {
    const asked = await ping();
    await asking.refusesSigned(401, 'wrong-typ', asked.token);
  });

  it('and a good query is answered as before', () => asking.stillAnswers());
});
