import assert from 'node:assert/strict';

import type { ConfiguredDemographics, OAuth2Credentials } from '../../src/config/load.ts';
import { startDeadline } from '../../src/deadline.ts';
import { createPdsServer } from '../../src/demo/pds-server.ts';
import { testNhsNumbers } from '../../src/demo/test-nhs-number.ts';
import type { Resource } from '../../src/fhir/resource.ts';
import type { Lane } from '../../src/routing/registration.ts';
import { Demographics } from '../../src/upstream/demographics.ts';
import { serve } from '../demo/serve.ts';
import { remembering } from '../support/told-restrictions.ts';
import { SANDBOX, SANDBOX_ANSWERS } from './pds-sandbox.ts';
import { NEVER_OPEN, ScriptedServer, sendJson, SILENT, type Script, type Seen } from './scripted-server.ts';
import { clientKey, TokenEndpoint } from './token-endpoint.ts';

const [ONE, TWO] = ['9990000018', '9990000026'] as const;
const NUMBER = 'https://fhir.nhs.uk/Id/nhs-number';
const OFF = { entries: 0, fresh_seconds: 0, seconds: 0 };

const numberOf = (seen: Seen): string => seen.url.split('/').at(-1) ?? '';
const patient = (id: string, change: object = {}): object => ({
  resourceType: 'Patient',
  id,
  identifier: [{ system: NUMBER, value: id }],
  meta: { security: [{ code: 'U' }] },
  generalPractitioner: [{ identifier: { value: 'F81027' } }],
  ...change,
});
/** As NHS England's platform does: with the request's own id. */
const answer =
  (body: (seen: Seen) => unknown): Script =>
  (seen, response) => {
    response.setHeader('X-Request-ID', String(seen.headers['x-request-id']).toUpperCase());
    sendJson(response, 200, body(seen));
  };

describe('PDS FHIR', () => {
  let server: ScriptedServer;
  const opened: Demographics[] = [];
  beforeEach(async () => {
    server = await ScriptedServer.start(answer((seen) => patient(numberOf(seen))));
  });
  afterEach(() => {
    for (const one of opened.splice(0)) one.close();
    server.stop();
  });
  function demographics(change: Partial<ConfiguredDemographics> = {}): Demographics {
    const made = new Demographics(
      {
        ...{ base: `${server.origin}/FHIR/R4`, timeout_ms: 1_000, rate_per_second: 1_000, cache: OFF },
        ...{ credentials: { kind: 'none' }, breaker: NEVER_OPEN },
        ...change,
      },
      remembering(),
      SILENT,
      Date.now,
    );
    opened.push(made);
    return made;
  }
  async function ask(source: Demographics, nhsNumber: string = ONE, ms = 5_000, lane?: Lane) {
    using deadline = startDeadline(ms);
    return await source.registrationOf(nhsNumber, deadline, lane);
  }

  describe('about whom it answers', () => {
    const other = patient(TWO);
    const registered = { kind: 'registered', practice: 'F81027' };
    const TABLE: [what: string, expected: object, script: Script][] = [
      ['the patient', { ...registered, current: ONE }, answer(() => patient(ONE))],
      [
        'the patient, by a gateway that mirrors nothing',
        { ...registered, current: ONE },
        (_seen, response) => sendJson(response, 200, patient(ONE)),
      ],
      ['the number that superseded it', { ...registered, current: TWO }, answer(() => other)],
      [
        'a Patient that has both numbers',
        { ...registered, current: TWO },
        (_seen, response) =>
          sendJson(
            response,
            200,
            patient(TWO, { identifier: [ONE, TWO].map((value) => ({ system: NUMBER, value })) }),
          ),
      ],
      [
        'another number, not shown to be the answer to this request',
        { kind: 'not-reached' },
        (_seen, response) => sendJson(response, 200, other),
      ],
      [
        'the answer to another request',
        { kind: 'not-reached' },
        (_seen, response) => {
          response.setHeader('X-Request-ID', 'c1ab3fba-6bae-4ba4-b257-5a87c44d4a91');
          sendJson(response, 200, patient(ONE));
        },
      ],
      [
        'another id than its identifier',
        { kind: 'not-reached' },
        answer(() => patient(TWO, { identifier: [{ system: NUMBER, value: ONE }] })),
      ],
      [
        'an identifier of a third',
        { kind: 'not-reached' },
        answer(() => patient(ONE, { identifier: [{ system: NUMBER, value: '9990000034' }] })),
      ],
      [
        'another number without an identifier',
        { kind: 'not-reached' },
        answer(() => patient(TWO, { identifier: undefined })),
      ],
      ['a number with a wrong check digit', { kind: 'not-reached' }, answer(() => patient('9990000019'))],
    ];
    for (const [what, expected, script] of TABLE) {
      it(what, async () => {
        server.script = script;
        assert.deepEqual(await ask(demographics()), expected);
      });
    }
  });

  it('says since when, and that the patient has died', async () => {
    const identifier = { value: 'F81027', period: { start: '2026-03-01' } };
    server.script = answer(() =>
      patient(ONE, { generalPractitioner: [{ identifier }], deceasedDateTime: '2026-05-01' }),
    );
    const told = { practice: 'F81027', current: ONE, since: '2026-03-01', deceased: true };
    assert.deepEqual(await ask(demographics()), { kind: 'registered', ...told });
    const restricted = { meta: { security: [{ code: 'R' }] }, deceasedBoolean: true };
    server.script = answer(() => patient(ONE, restricted));
    assert.deepEqual(await ask(demographics()), { kind: 'restricted', current: ONE });
  });

  it('is not believed where its answer has no security label that can be read: that patient may be restricted', async () => {
    const withoutPractice = { generalPractitioner: undefined };
    for (const meta of [
      ...[undefined, null, 'U', {}, { security: null }, { security: 'U' }, { security: { code: 'U' } }],
      ...[{ security: [] }, { security: [null] }, { security: [{}] }, { security: [{ code: 'N' }] }],
    ]) {
      for (const change of [{ meta }, { meta, ...withoutPractice }]) {
        server.script = answer(() => patient(ONE, change));
        assert.deepEqual(await ask(demographics()), { kind: 'not-reached' }, JSON.stringify(change));
      }
    }
    server.script = answer(() => patient(ONE, withoutPractice));
    assert.equal((await ask(demographics())).kind, 'no-practice');
  });

  it('is left alone for as long as it asks, whoever asks; then it is asked again', async () => {
    const source = demographics();
    server.script = (_seen, response) => void response.writeHead(429, { 'Retry-After': '1' }).end();
    assert.deepEqual(await ask(source), { kind: 'not-reached' });
    const held = performance.now();
    server.script = answer((seen) => patient(numberOf(seen)));
    assert.deepEqual(await ask(source, TWO, 300), { kind: 'not-reached' });
    assert.equal(server.seen.length, 1);
    assert.equal((await ask(source, TWO, 5_000, 'background')).kind, 'registered');
    assert.ok(performance.now() - held >= 990);
  });

  it('is asked less and less while it fails', async () => {
    const source = demographics();
    server.script = (_seen, response) => void response.writeHead(503).end();
    await ask(source);
    await ask(source);
    const calls = server.seen.length;
    assert.deepEqual(await ask(source, ONE, 200), { kind: 'not-reached' });
    assert.deepEqual([calls, server.seen.length], [2, 2]);
  });

  it('is asked for a clinician before what waits in the background', async () => {
    const third = '9990000034';
    const source = demographics({ rate_per_second: 1, timeout_ms: 5_000 });
    await ask(source, ONE, 20_000, 'background');
    const later = ask(source, third, 20_000, 'background');
    assert.equal((await ask(source, TWO)).kind, 'registered');
    assert.equal((await later).kind, 'registered');
    assert.deepEqual(server.seen.map(numberOf), [ONE, TWO, third]);
  });

  describe('with application-restricted access', () => {
    let endpoint: TokenEndpoint;
    const key = clientKey('broker-1', 'RS512');
    beforeEach(async () => {
      endpoint = await TokenEndpoint.start(Date.now);
      endpoint.alg = 'RS512';
      endpoint.scope = null;
      endpoint.register('application', key.publicKey);
      server.script = (seen, response, request) => {
        if (endpoint.accepts(seen.headers.authorization)) {
          answer((one) => patient(numberOf(one)))(seen, response, request);
        } else sendJson(response, 401, { resourceType: 'OperationOutcome', issue: [] });
      };
    });
    afterEach(() => endpoint.server.stop());
    const credentials = (change: object = {}): OAuth2Credentials => ({
      kind: 'oauth2',
      ...{ tokenEndpoint: endpoint.url, clientId: 'application', key: key.privateJwk },
      ...{ scope: undefined, anchors: undefined, ...change },
    });

    it('signs with RS512, and asks many questions with one token', async () => {
      const source = demographics({ credentials: credentials(), organisation: 'RQW' });
      assert.equal((await ask(source)).kind, 'registered');
      assert.equal((await ask(source, TWO)).kind, 'registered');
      assert.equal(endpoint.server.seen.length, 1);
      assert.deepEqual(endpoint.refused, []);
      assert.equal(server.seen[1]?.headers['nhsd-end-user-organisation-ods'], 'RQW');
    });

    it('takes another where its token is refused, in a turn of its own', async () => {
      const source = demographics({ credentials: credentials() });
      await ask(source);
      endpoint.good.clear();
      assert.equal((await ask(source)).kind, 'registered');
      assert.equal(endpoint.server.seen.length, 2);
    });

    it('asks nobody without a token, and stops asking for one where none is given', async () => {
      const breaker = { ...NEVER_OPEN, volume_threshold: 2, error_percentage: 1 };
      const source = demographics({ credentials: credentials({ clientId: 'stranger' }), breaker });
      for (let nth = 0; nth < 6; nth += 1) assert.equal((await ask(source)).kind, 'not-reached');
      assert.equal(server.seen.length, 0);
      assert.equal(endpoint.refused.length, 2);
    });
  });

  for (const [how, read] of SANDBOX_ANSWERS) {
    it(`is read as its sandbox answers, ${how}`, async () => {
      server.script = answer((seen) => read(numberOf(seen)));
      const source = demographics();
      for (const [number, [, expected]] of Object.entries(SANDBOX))
        assert.deepEqual(await ask(source, number), expected);
    });
  }
});

describe('PDS at five requests a second, and 200 questions at once', () => {
  it('is sent no more than that in any second, and every question is answered within its budget', async () => {
    const BUDGET_MS = 3_000;
    const numbers = testNhsNumbers('9991000000', 60);
    const arrived: number[] = [];
    const entries = numbers.map((nhsNumber) => ({ nhsNumber, patient: patient(nhsNumber) as Resource }));
    const app = createPdsServer({ entries, rate: 5 });
    let throttled = 0;
    const pds = await serve(() => (request, response) => {
      arrived.push(performance.now());
      response.on('finish', () => (throttled += response.statusCode === 429 ? 1 : 0));
      app(request, response);
    });
    const source = new Demographics(
      {
        base: `${pds.origin}/personal-demographics/FHIR/R4`,
        ...{ timeout_ms: 2_500, rate_per_second: 5, breaker: NEVER_OPEN, credentials: { kind: 'none' } },
        cache: { entries: 100, fresh_seconds: 60, seconds: 60 },
      },
      remembering(),
      SILENT,
      Date.now,
    );
    try {
      const ask = async (nth: number): Promise<{ kind: string; ms: number }> => {
        using deadline = startDeadline(BUDGET_MS);
        const started = performance.now();
        const { kind } = await source.registrationOf(numbers[nth % numbers.length] ?? '', deadline);
        return { kind, ms: performance.now() - started };
      };
      // After a pause as at once: what was not used in it is not saved up.
      for (const round of [0, 1]) {
        const answers = await Promise.all(Array.from({ length: 200 }, (_, nth) => ask(nth)));
        const registered = answers.filter(({ kind }) => kind === 'registered').length;
        assert.ok(registered >= 15, `${registered} in round ${round}`);
        assert.ok(answers.every(({ kind }) => kind === 'registered' || kind === 'not-reached'));
        assert.ok(answers.every(({ ms }) => ms < BUDGET_MS));
      }
      for (const [nth, at] of arrived.entries()) {
        const sixth = arrived[nth + 5];
        assert.ok(sixth === undefined || sixth - at >= 1_000, `six within ${(sixth ?? 0) - at} ms`);
      }
      assert.equal(throttled, 0);
    } finally {
      source.close();
      await pds.close();
    }
  });
});
