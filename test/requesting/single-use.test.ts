import assert from 'node:assert/strict';

import type { Bundle } from '../../src/fhir/resource.ts';
import type { ViewerClaims } from '../../src/evidence/viewer-token.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { freePort } from '../support/free-ports.ts';
import { errorCode, issuesOf, matchesOf, TestViewer, type Reply } from '../support/viewer.ts';
import { IN_LONDON, IN_SUFFOLK, PATIENT, smallData } from './small-data.ts';

const ISSUER = 'https://cloud.example/viewers/cloud-viewer';
const USER = `${ISSUER}/Id/user|dr.test`;
/** The order of P-256's group (FIPS 186-5): (r, s) and (r, n - s) verify alike. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

describe('a viewer without a certificate, with single-use tokens', () => {
  let federation: TestFederation;
  let bound: TestViewer;
  let base: string;
  before(async () => {
    const port = await freePort();
    base = `https://127.0.0.1:${port}`;
    federation = await startFederation({
      data: smallData(),
      edit: (region, config) => {
        if (region === 'herts-west-essex') addCloudViewer(config, port);
      },
    });
    bound = new TestViewer(federation, 'herts-west-essex');
  });
  after(async () => {
    bound.close();
    await federation.stop();
  });

  const token = (change: Partial<ViewerClaims> = {}, time: { lifeS?: number; now?: number } = {}) =>
    bound.token(
      PATIENT,
      { iss: ISSUER, cnf: undefined, requesting_user: USER, ...change },
      { lifeS: 60, ...time },
    );
  const ask = (bearer: string, at = base): Promise<Reply> =>
    bound.send(`${at}/fhir/Condition?patient=${PATIENT}`, { headers: { Authorization: `Bearer ${bearer}` } });
  const assertRefused = ({ status, body }: Reply, check: string): void => {
    assert.deepEqual([status, errorCode(body)], [401, 'token-refused']);
    assert.equal(issuesOf(body)[0]?.diagnostics, check);
  };

  it('is answered once for each token, and not a second time', async () => {
    const once = await token();
    const first = await ask(once);
    assert.equal(first.status, 200);
    // Its own records are not left out: it shows none by itself.
    assert.ok(matchesOf(first.body).length >= 2);
    assertRefused(await ask(once), 'replayed');
    assertRefused(await ask(once), 'replayed');
    assert.equal((await ask(await token())).status, 200);
  });

  it('is answered once where the same token comes many times at once', async () => {
    const once = await token();
    const replies = await Promise.all(Array.from({ length: 8 }, () => ask(once)));
    assert.deepEqual(replies.map(({ status }) => status).sort(), [200, ...Array<number>(7).fill(401)]);
  });

  it('cannot use a token again under another text that verifies as well', async () => {
    const once = await token();
    assert.equal((await ask(once)).status, 200);
    const [header, payload, signature = ''] = once.split('.');
    const bytes = Buffer.from(signature, 'base64url').toString('hex');
    const mirrored = (ORDER - BigInt(`0x${bytes.slice(64)}`)).toString(16).padStart(64, '0');
    const other = Buffer.from(bytes.slice(0, 64) + mirrored, 'hex').toString('base64url');
    assert.notEqual(other, signature);
    assertRefused(await ask([header, payload, other].join('.')), 'replayed');
  });

  it('cannot use two tokens with one jti', async () => {
    const jti = '0b0e9d3e-0000-4000-8000-00000000abcd';
    assert.equal((await ask(await token({ jti }))).status, 200);
    assertRefused(await ask(await token({ jti, scope: 'patient/*.rs' })), 'replayed');
  });

  it('is answered until its token ends, not only while that is fresh', async () => {
    const reply = await ask(await token({}, { lifeS: 60, now: Date.now() - 45_000 }));
    assert.equal(reply.status, 200);
  });

  it('is led by every link to the listener that it can ask: pages and reads', async () => {
    const follow = async (path: string): Promise<Reply> =>
      bound.send(path.startsWith('https:') ? path : base + path, {
        headers: { Authorization: `Bearer ${await token()}` },
      });
    const shown: string[] = [];
    const links: string[] = [];
    for (
      let next: string | undefined = `/fhir/Observation?patient=${PATIENT}&_count=5`;
      next !== undefined;
    ) {
      const { status, body } = await follow(next);
      assert.equal(status, 200);
      assert.ok(links.length < 20, 'the pages end');
      const all = (body as Bundle).link ?? [];
      links.push(...all.map(({ url }) => url));
      shown.push(...matchesOf(body).map(({ fullUrl }) => fullUrl));
      next = all.find(({ relation }) => relation === 'next')?.url;
    }
    assert.equal(new Set(shown).size, IN_LONDON + IN_SUFFOLK);
    for (const url of [...links, ...shown]) assert.ok(url.startsWith(`${base}/`), url);
    const [first = '', last = ''] = [shown[0], shown.at(-1)];
    for (const url of [first, last]) {
      const { status, body } = await follow(url);
      assert.deepEqual([status, body.resourceType, url.endsWith(`/${body.id}`)], [200, 'Observation', true]);
    }
    // A whole record's page link is the longest there is.
    const everything = await follow(`/fhir/Patient/${PATIENT}/$everything?_count=2`);
    const next = (everything.body as Bundle).link?.find(({ relation }) => relation === 'next')?.url ?? '';
    assert.equal((await follow(next)).status, 200);
    // And the patient as a region knows it, by the address that was given.
    const index = await follow(`/fhir/Patient/${PATIENT}`);
    const [seen] = index.body['link'] as { other: { reference: string } }[];
    const reference = seen?.other.reference ?? '';
    assert.ok(reference.startsWith(`${base}/regions/`), reference);
    const asked = await follow(`/fhir/Condition?patient=${encodeURIComponent(reference)}`);
    assert.deepEqual([asked.status, matchesOf(asked.body).length], [200, 1]);
    const metadata = await follow('/fhir/metadata');
    assert.ok(metadata.text.includes(`"url":"${base}/fhir"`));
  });

  it('may follow a link of many sources: its listener takes as long an address as the other', async () => {
    const headers = { Authorization: `Bearer ${await token()}`, 'X-Long': 'x'.repeat(60 * 1024) };
    assert.equal((await bound.send(`${base}/fhir/Condition?patient=${PATIENT}`, { headers })).status, 200);
  });

  it('leaves the other listener’s links as they are', async () => {
    const { body } = await bound.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
    for (const { fullUrl } of matchesOf(body)) assert.ok(fullUrl.startsWith(`${bound.base}/`), fullUrl);
  });

  it('does not spend a token that is refused for its signature: nobody can burn another’s', async () => {
    const once = await token();
    const forged = `${once.slice(0, -4)}AAAA`;
    assert.equal((await ask(forged)).status, 401);
    assert.equal((await ask(once)).status, 200);
  });

  const REFUSED: Record<string, [check: string, () => Promise<string>]> = {
    'a life over a minute': ['not-fresh', () => token({}, { lifeS: 61 })],
    'a life of five minutes, as bound tokens may have': ['not-fresh', () => token({}, { lifeS: 300 })],
    'an iat a minute ahead': ['not-fresh', () => token({}, { now: Date.now() + 60_000 })],
    'an exp a second ago, though its iat is less than a minute old': [
      'not-fresh',
      () => token({}, { lifeS: 30, now: Date.now() - 31_000 }),
    ],
    'an iat two minutes ago': ['not-fresh', () => token({}, { now: Date.now() - 120_000 })],
    'no jti': ['bad-claims', () => token({ jti: '' })],
    'an issuer that is registered with a certificate': [
      'issuer',
      () => bound.token(PATIENT, {}, { lifeS: 60 }),
    ],
    'an issuer that nobody knows': ['issuer', () => token({ iss: 'https://elsewhere.example' })],
    'no token that could be read': ['issuer', () => Promise.resolve('abc.def.ghi')],
  };
  for (const [what, [check, make]] of Object.entries(REFUSED)) {
    it(`is refused with ${what}`, async () => assertRefused(await ask(await make()), check));
  }

  it('cannot use its tokens at the listener for certificates, whoever’s certificate it borrows', async () => {
    assertRefused(await ask(await token(), bound.base), 'wrong-issuer');
  });
});

function addCloudViewer(config: RawConfig, port: number): void {
  const [first] = config['viewers'] as RawConfig[];
  (config['listeners'] as RawConfig)['viewer_tokens'] = { port };
  (config['viewers'] as RawConfig[]).push({
    id: 'cloud-viewer',
    name: 'A viewer in a cloud',
    issuer: ISSUER,
    organisations: first?.['organisations'] as unknown,
    own_records: [],
    keys: first?.['keys'] as unknown,
    binding: 'single-use',
  });
}
