import assert from 'node:assert/strict';
import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';

import { importSigner } from '../../src/evidence/keys.ts';
import { signMessage } from '../../src/evidence/message.ts';
import { VIEWER_TYP, type ViewerClaims } from '../../src/evidence/viewer-token.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { errorCode, issuesOf, TestViewer, type Reply } from '../support/viewer.ts';
import { auditEnd, refusalCounts } from './audit-rows.ts';
import { PATIENT, smallData } from './small-data.ts';

const ASK = `/fhir/Condition?patient=${PATIENT}`;
const MINUTE = 60_000;

describe('the viewer’s token', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  let suffolk: TestViewer;
  before(async () => {
    federation = await startFederation({ data: smallData() });
    viewer = new TestViewer(federation, 'herts-west-essex');
    suffolk = new TestViewer(federation, 'essex-suffolk', 'suffolk-viewer');
  });
  after(async () => {
    viewer.close();
    suffolk.close();
    await federation.stop();
  });

  const askWith = (authorization: string): Promise<Reply> =>
    viewer.send(ASK, { headers: { Authorization: authorization } });
  const good = (change: Partial<ViewerClaims> = {}, time: { lifeS?: number; now?: number } = {}) =>
    viewer.token(PATIENT, change, time);
  /** A token with a header and signature of the test's own over good claims. */
  const forged = async (header: object, signed: (input: string) => string): Promise<string> => {
    const payload = (await good()).split('.')[1];
    const input = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload}`;
    return `${input}.${signed(input)}`;
  };
  const keys = () => {
    const jwk = viewer.privateJwk();
    const { d: _private, ...publicPart } = jwk;
    return { jwk, publicPart, kid: String(jwk['kid']) };
  };
  const hmac = (secret: string) => (input: string) =>
    createHmac('sha256', secret).update(input).digest('base64url');

  it('is accepted when it is good, however the scheme is written', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      assert.equal((await askWith(`${scheme} ${await good()}`)).status, 200);
    }
  });

  it('is accepted until its own end, four minutes on', async () => {
    assert.equal((await askWith(`Bearer ${await good({}, { now: Date.now() - 4 * MINUTE })}`)).status, 200);
  });

  const MISSING: Record<string, string | undefined> = {
    'no Authorization': undefined,
    'another scheme': 'Basic dXNlcjpwYXNz',
    'a scheme alone': 'Bearer',
    'two tokens': 'Bearer a b',
    'a token with other characters': 'Bearer a,b',
  };
  for (const [what, authorization] of Object.entries(MISSING)) {
    it(`is missing: ${what}`, async () => {
      const headers = authorization === undefined ? {} : { Authorization: authorization };
      const { status, body } = await viewer.send(ASK, { headers });
      assert.deepEqual([status, errorCode(body)], [401, 'token-missing']);
    });
  }

  const REFUSED: Record<string, [check: string, token: () => Promise<string>]> = {
    'no JWS': ['malformed', async () => 'abc.def'],
    'half of it': ['malformed', async () => (await good()).slice(0, 200)],
    'alg none and no signature': [
      'alg-refused',
      () => forged({ alg: 'none', kid: keys().kid, typ: VIEWER_TYP }, () => ''),
    ],
    'alg None': ['alg-refused', () => forged({ alg: 'None', kid: keys().kid, typ: VIEWER_TYP }, () => '')],
    'HS256 with the public key as text': [
      'alg-refused',
      () =>
        forged({ alg: 'HS256', kid: keys().kid, typ: VIEWER_TYP }, hmac(JSON.stringify(keys().publicPart))),
    ],
    'HS256 with the public key as PEM': [
      'alg-refused',
      () => {
        const pem = createPublicKey({ key: keys().publicPart, format: 'jwk' });
        const text = pem.export({ type: 'spki', format: 'pem' }).toString();
        return forged({ alg: 'HS256', kid: keys().kid, typ: VIEWER_TYP }, hmac(text));
      },
    ],
    'another allowed algorithm than the pinned key’s': [
      'alg-refused',
      () => {
        const { privateKey } = generateKeyPairSync('ed25519');
        return forged({ alg: 'EdDSA', kid: keys().kid, typ: VIEWER_TYP }, (input) =>
          sign(null, Buffer.from(input), privateKey).toString('base64url'),
        );
      },
    ],
    'no kid': ['unknown-kid', () => forged({ alg: 'ES256', typ: VIEWER_TYP }, () => 'AAAA')],
    'an unknown kid': [
      'unknown-kid',
      () => forged({ alg: 'ES256', kid: 'somebody', typ: VIEWER_TYP }, () => 'AAAA'),
    ],
    'a key that the token brings itself': [
      'bad-signature',
      () => {
        const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        const jwk = publicKey.export({ format: 'jwk' });
        return forged({ alg: 'ES256', kid: keys().kid, typ: VIEWER_TYP, jwk }, (input) =>
          sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString(
            'base64url',
          ),
        );
      },
    ],
    'the signature of another token': [
      'bad-signature',
      async () => {
        const [one, other] = [await good(), await good()];
        return [...one.split('.').slice(0, 2), other.split('.')[2]].join('.');
      },
    ],
    'another viewer’s key under that key’s name': [
      'unknown-kid',
      async () => {
        const signer = await importSigner(suffolk.privateJwk());
        return signMessage(signer, VIEWER_TYP, claimsNow(viewer)).token;
      },
    ],
    'the broker’s own message key': [
      'unknown-kid',
      async () => {
        const signer = await new TestNeighbour(federation, 'herts-west-essex').signer();
        return signMessage(signer, VIEWER_TYP, claimsNow(viewer)).token;
      },
    ],
    'the typ of a query': ['wrong-typ', () => signed('wayleave-query+jwt')],
    'the typ JWT': ['wrong-typ', () => signed('JWT')],
    'a second past its end': ['not-fresh', () => good({}, { lifeS: 60, now: Date.now() - 61_000 })],
    'an hour past its end': ['not-fresh', () => good({}, { now: Date.now() - 60 * MINUTE })],
    'an iat a minute ahead': ['not-fresh', () => good({}, { now: Date.now() + MINUTE })],
    'a life of ten minutes': ['not-fresh', () => good({}, { lifeS: 600 })],
    'no life at all': ['not-fresh', () => good({}, { lifeS: 0 })],
    'an end before its beginning': ['not-fresh', () => good({}, { lifeS: -60 })],
    'another broker as audience': ['wrong-audience', () => good({ aud: 'https://london.wayleave.example' })],
    'an audience list': [
      'bad-claims',
      () => good({ aud: ['https://herts-west-essex.wayleave.example'] as never }),
    ],
    'another issuer': ['wrong-issuer', () => good({ iss: suffolk.claims(PATIENT).iss })],
    'another certificate’s thumbprint': ['wrong-binding', () => good({ cnf: suffolk.claims(PATIENT).cnf })],
    'no certificate’s thumbprint': ['wrong-binding', () => good({ cnf: undefined })],
    'no purpose': ['bad-claims', () => good({ reason_for_request: undefined as never })],
    'a claim in the wrong form': ['bad-claims', () => good({ requesting_user: 5 as never })],
    'a break-glass without a reason': [
      'bad-claims',
      () => good({ break_glass: { code: 'emergency' } as never }),
    ],
  };
  for (const [what, [check, token]] of Object.entries(REFUSED)) {
    it(`is refused with ${what}`, async () => {
      const { status, body } = await askWith(`Bearer ${await token()}`);
      assert.deepEqual([status, errorCode(body)], [401, 'token-refused']);
      const [issue] = issuesOf(body);
      assert.equal(issue?.diagnostics, check);
    });
  }

  it('is counted, not told, while nothing is proved', async () => {
    const before = (await refusalCounts(federation, 'herts-west-essex'))['viewer-token-refused'] ?? 0;
    const rows = await auditEnd(federation, 'herts-west-essex');
    await askWith('Bearer abc.def');
    const after = (await refusalCounts(federation, 'herts-west-essex'))['viewer-token-refused'];
    assert.equal(after, before + 1);
    assert.equal(await auditEnd(federation, 'herts-west-essex'), rows);
  });

  it('leaves nothing of itself or the patient in a log', () => {
    assert.doesNotMatch(federation.logged.join('\n'), /99900000\d\d|eyJ[A-Za-z0-9_-]{10}/);
  });

  async function signed(typ: string): Promise<string> {
    return signMessage(await importSigner(viewer.privateJwk()), typ, claimsNow(viewer)).token;
  }
});

function claimsNow(viewer: TestViewer): object {
  const iat = Math.floor(Date.now() / 1000);
  return { ...viewer.claims(PATIENT), iat, exp: iat + 300, jti: 'b7a7b1d2-0000-4000-8000-000000000000' };
}
