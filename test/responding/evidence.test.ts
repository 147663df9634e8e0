import assert from 'node:assert/strict';
import { createPublicKey, randomUUID } from 'node:crypto';

import { importSigner } from '../../src/evidence/keys.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { TestViewer } from '../support/viewer.ts';
import { Asking, PATIENT, type Change } from './asking.ts';
import { compose, hmacWith, partsOf, rs256, signedWith } from './odd-tokens.ts';

const AHEAD_OF_CLOCK = { far: 60, near: 20 };

describe('the listener between brokers: which queries are believed', () => {
  let asking: Asking;
  let own: Record<string, unknown>;

  before(async () => {
    asking = await Asking.start({ regions: ['herts-west-essex', 'london', 'essex-suffolk'] });
    own = asking.neighbour.privateJwk();
  });
  after(() => asking.stop());

  const seconds = (): number => Math.floor(Date.now() / 1000);
  const withHeader = (change: object, sign = signedWith(own)): string => {
    const { header, payload } = asking.parts();
    return compose({ ...header, ...change }, payload, sign);
  };

  describe('a signature that proves nothing is refused unsigned, and counted', () => {
    const other = (): Record<string, unknown> =>
      new TestNeighbour(asking.federation, 'essex-suffolk').privateJwk();
    const noSignature = (): Buffer => Buffer.alloc(0);
    const publicPem = (): string =>
      createPublicKey({ key: asking.neighbour.publicJwk(), format: 'jwk' })
        .export({ type: 'spki', format: 'pem' })
        .toString();

    const cases: readonly [name: string, status: number, code: string, token: () => unknown][] = [
      ['no token', 400, 'malformed', () => undefined],
      ['a token that is no text', 400, 'malformed', () => ({ token: 'x' })],
      ['an empty token', 400, 'malformed', () => ''],
      ['text that is no token', 400, 'malformed', () => 'not-a-token'],
      ['two parts', 400, 'malformed', () => partsOf(withHeader({})).slice(0, 2).join('.')],
      ['four parts', 400, 'malformed', () => `${withHeader({})}.x`],
      [
        'a header that is no JSON',
        400,
        'malformed',
        () => `eyJ4.${partsOf(withHeader({})).slice(1).join('.')}`,
      ],
      ['no kid', 401, 'unknown-kid', () => withHeader({ kid: undefined })],
      ['a kid that is no text', 401, 'unknown-kid', () => withHeader({ kid: { toString: 'x' } })],
      ['an unknown kid', 401, 'unknown-kid', () => withHeader({ kid: 'nobody' })],
      ['a kid of the prototype', 401, 'unknown-kid', () => withHeader({ kid: '__proto__' })],
      ['alg none', 401, 'alg-refused', () => withHeader({ alg: 'none' }, noSignature)],
      ['alg None', 401, 'alg-refused', () => withHeader({ alg: 'None' }, noSignature)],
      ['no alg', 401, 'alg-refused', () => withHeader({ alg: undefined })],
      [
        'HS256 with the public key as PEM',
        401,
        'alg-refused',
        () => withHeader({ alg: 'HS256' }, hmacWith(publicPem())),
      ],
      [
        'HS256 with the public key as JWK',
        401,
        'alg-refused',
        () => withHeader({ alg: 'HS256' }, hmacWith(JSON.stringify(asking.neighbour.publicJwk()))),
      ],
      ['RS256', 401, 'alg-refused', () => withHeader({ alg: 'RS256' }, rs256())],
      ["another algorithm than the key's", 401, 'alg-refused', () => withHeader({ alg: 'EdDSA' })],
      [
        "another neighbour's key and kid",
        401,
        'unknown-kid',
        () => withHeader({ kid: other()['kid'] }, signedWith(other())),
      ],
      [
        "another neighbour's key under our kid",
        401,
        'bad-signature',
        () => withHeader({}, signedWith(other())),
      ],
      [
        'a key that the token brings along',
        401,
        'bad-signature',
        () =>
          withHeader(
            { jwk: new TestNeighbour(asking.federation, 'essex-suffolk').publicJwk() },
            signedWith(other()),
          ),
      ],
      ['an extension that must be understood', 400, 'malformed', () => withHeader({ crit: ['exp'], exp: 1 })],
      ["another token's signature", 401, 'bad-signature', () => swapped()],
      ['an empty signature', 401, 'bad-signature', () => withHeader({}, noSignature)],
      ['a signature of nothing', 401, 'bad-signature', () => withHeader({}, () => Buffer.alloc(64))],
      ['a changed claim', 401, 'bad-signature', () => changedPayload()],
    ];
    for (const [name, status, code, token] of cases) {
      it(name, async () => {
        await asking.refusesUnsigned(status, code, () => asking.send(token()));
      });
    }

    it("a viewer's token", async () => {
      const viewer = new TestViewer(asking.federation, 'herts-west-essex');
      const token = await viewer.token(PATIENT);
      viewer.close();
      await asking.refusesUnsigned(401, 'unknown-kid', () => asking.send(token));
    });

    it("another neighbour's good query over our connection", async () => {
      const essex = new TestNeighbour(asking.federation, 'essex-suffolk');
      const token = await essex.query('london', PATIENT);
      await asking.refusesUnsigned(401, 'unknown-kid', () => asking.send(token));
      assert.equal((await essex.send('london', token)).status, 200);
    });

    function swapped(): string {
      const [header, payload] = partsOf(withHeader({}));
      const [, , signature] = partsOf(withHeader({}));
      return [header, payload, signature].join('.');
    }

    function changedPayload(): string {
      const { header, payload } = asking.parts();
      const [, , signature] = partsOf(compose(header, payload, signedWith(own)));
      return compose(header, { ...payload, requesting_user_role: 'R0260' }, () =>
        Buffer.from(signature, 'base64url'),
      );
    }
  });

  describe('a good signature on a message that is not for us, now, here: refused, signed and audited', () => {
    for (const typ of [
      'wayleave-response+jwt',
      'wayleave-viewer+jwt',
      'entity-statement+jwt',
      'JWT',
      'WAYLEAVE-QUERY+JWT',
    ]) {
      it(`typ ${typ}`, async () => {
        await asking.refusesSigned(401, 'wrong-typ', await asking.token({}, { typ }));
      });
    }

    it('no typ', () => asking.refusesSigned(401, 'wrong-typ', withHeader({ typ: undefined })));

    const iat = (offset: number, life = 60): Change => ({
      iat: seconds() + offset,
      exp: seconds() + offset + life,
    });
    const cases: readonly [name: string, status: number, code: string, change: () => Change][] = [
      ['another sender', 401, 'wrong-issuer', () => ({ iss: 'https://essex-suffolk.wayleave.example' })],
      ['another receiver', 401, 'wrong-audience', () => ({ aud: 'https://essex-suffolk.wayleave.example' })],
      ['a list of receivers', 400, 'bad-claims', () => ({ aud: ['https://london.wayleave.example'] })],
      ['another certificate', 401, 'wrong-binding', () => ({ cnf: { 'x5t#S256': 'A'.repeat(43) } })],
      ['no certificate', 400, 'bad-claims', () => ({ cnf: undefined })],
      ['signed a minute ago', 401, 'not-fresh', () => iat(-AHEAD_OF_CLOCK.far)],
      ['signed 45 s ago, and not over yet', 401, 'not-fresh', () => iat(-45)],
      ['signed a minute ahead', 401, 'not-fresh', () => iat(AHEAD_OF_CLOCK.far)],
      ['good for longer than a minute', 401, 'not-fresh', () => iat(0, 61)],
      ['over before it began', 401, 'not-fresh', () => iat(0, -1)],
      ['expired', 401, 'not-fresh', () => iat(-80, 40)],
      ['times as text', 400, 'bad-claims', () => ({ iat: String(seconds()) })],
      ['no jti', 400, 'bad-claims', () => ({ jti: undefined })],
      ['a jti that could be guessed', 400, 'bad-claims', () => ({ jti: '1' })],
      ['a jti that says something', 400, 'bad-claims', () => ({ jti: 'Mrs Smith of Ware, 9990000018' })],
      ['no patient', 400, 'bad-claims', () => ({ patient: undefined })],
      [
        'a wrong check digit',
        400,
        'bad-claims',
        () => ({ patient: 'https://fhir.nhs.uk/Id/nhs-number|9990000019' }),
      ],
      ['neither search nor read', 400, 'bad-claims', () => ({ search: undefined })],
      [
        'search and read',
        400,
        'bad-claims',
        () => ({ read: { record: 'london-care-record', resource: 'Patient/1' } }),
      ],
      ['no user', 400, 'bad-claims', () => ({ requesting_user: undefined })],
      ['a relationship of its own making', 400, 'bad-claims', () => ({ relationship: 'friend' })],
    ];
    for (const [name, status, code, change] of cases) {
      it(name, async () => {
        await asking.refusesSigned(status, code, await asking.token(change()));
      });
    }

    const payloads: readonly [name: string, code: string, payload: () => string | Buffer][] = [
      ['a payload that is no JSON', 'malformed', () => 'hello'],
      ['a payload that is no UTF-8', 'malformed', () => Buffer.from([0x22, 0xff, 0x22])],
      ['a payload of null', 'bad-claims', () => 'null'],
      [
        'claims behind __proto__',
        'bad-claims',
        () => `{"__proto__":${JSON.stringify(asking.parts().payload)}}`,
      ],
      ['a payload of ten thousand brackets', 'bad-claims', () => '['.repeat(10_000) + ']'.repeat(10_000)],
    ];
    for (const [name, code, payload] of payloads) {
      it(name, async () => {
        const token = compose(asking.parts().header, payload(), signedWith(own));
        await asking.refusesSigned(400, code, token);
      });
    }
  });

  it('a clock a little behind or ahead is no reason to refuse', async () => {
    for (const offset of [-AHEAD_OF_CLOCK.near, AHEAD_OF_CLOCK.near]) {
      const iat = seconds() + offset;
      assert.equal((await asking.ask({ iat, exp: iat + 60 })).claims.outcome, 'answered');
    }
  });

  it('an algorithm is as good as the other: EdDSA asks ES256', async () => {
    const london = new TestNeighbour(asking.federation, 'london');
    const signer = await importSigner(london.privateJwk());
    const token = await london.query('herts-west-essex', PATIENT, { jti: randomUUID() }, { signer });
    assert.equal((await london.send('herts-west-essex', token)).status, 200);
  });

  it('and a good query is answered as before', () => asking.stillAnswers());
});
