import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startDeadline } from '../../src/deadline.ts';
import { createRecordServer } from '../../src/demo/record-server.ts';
import { DeliveryError } from '../../src/errors.ts';
import { RecordLink } from '../../src/upstream/record-link.ts';
import { serve } from '../demo/serve.ts';
import { PATIENT, smallData } from '../requesting/small-data.ts';
import { startFederation, type RawConfig } from '../support/federation.ts';
import { matchesOf, rollCallOf, TestViewer } from '../support/viewer.ts';
import { configuredRecord } from './configured-record.ts';
import { ScriptedServer, sendJson, SILENT } from './scripted-server.ts';
import { clientKey, TokenEndpoint } from './token-endpoint.ts';

const CLIENT = 'wayleave-broker';
const BUNDLE = { resourceType: 'Bundle', type: 'searchset' };

describe('a regional record reached with OAuth 2.0 client credentials', () => {
  let endpoint: TokenEndpoint;
  let record: ScriptedServer;
  let clock: number;
  const links: RecordLink[] = [];
  const key = clientKey('broker-1');
  beforeEach(async () => {
    clock = Date.parse('2026-11-22T12:00:00Z');
    endpoint = await TokenEndpoint.start(() => clock);
    endpoint.register(CLIENT, key.publicKey);
    record = await ScriptedServer.start(({ headers }, response) => {
      if (endpoint.accepts(headers.authorization)) sendJson(response, 200, BUNDLE);
      else sendJson(response, 401, { resourceType: 'OperationOutcome', issue: [] });
    });
  });
  afterEach(() => {
    for (const link of links.splice(0)) link.close();
    endpoint.server.stop();
    record.stop();
  });

  function link(change: { clientId?: string; key?: object } = {}): RecordLink {
    const credentials = {
      kind: 'oauth2',
      tokenEndpoint: endpoint.url,
      clientId: CLIENT,
      key: key.privateJwk,
      scope: 'system/*.read',
      anchors: undefined,
      ...change,
    } as const;
    const configured = configuredRecord(`${record.origin}/fhir`, { credentials });
    const made = new RecordLink(configured, SILENT, () => clock);
    links.push(made);
    return made;
  }
  async function get(from: RecordLink, budgetMs = 3000): Promise<unknown> {
    using deadline = startDeadline(budgetMs);
    return await from.get('Condition?patient=1', deadline);
  }
  const asked = (): number => endpoint.server.seen.length;
  const refusedAs =
    (...codes: string[]) =>
    (error: unknown) =>
      error instanceof DeliveryError && codes.includes(error.code);

  it('gives a token for an assertion that stands every check, and the record is asked with it', async () => {
    assert.deepEqual(await get(link()), BUNDLE);
    assert.deepEqual([asked(), endpoint.refused], [1, []]);
    assert.match(String(record.seen[0]?.headers.authorization), /^Bearer token-/);
  });

  it('is asked with the same token until shortly before it ends, then with a new one', async () => {
    const from = link();
    for (let at = 0; at < 5; at += 1) await get(from);
    clock += 269_000;
    await get(from);
    assert.equal(asked(), 1);
    clock += 2_000;
    await get(from);
    assert.deepEqual([asked(), endpoint.refused], [2, []]);
    const tokens = new Set(record.seen.map(({ headers }) => headers.authorization));
    assert.equal(tokens.size, 2);
  });

  it('is asked for one token by any number of calls at once', async () => {
    const from = link();
    await Promise.all(Array.from({ length: 10 }, () => get(from)));
    assert.equal(asked(), 1);
  });

  it('is asked once more, with a new token, when it refuses one before its time', async () => {
    const from = link();
    await get(from);
    endpoint.good.clear();
    assert.deepEqual(await get(from), BUNDLE);
    assert.deepEqual([asked(), record.seen.length, endpoint.refused], [2, 3, []]);
    assert.deepEqual(await get(from), BUNDLE);
    assert.deepEqual([asked(), record.seen.length], [2, 4]);
  });

  it('is asked with one new token by any number of calls that it refused', async () => {
    const from = link();
    await get(from);
    endpoint.good.clear();
    await Promise.all(Array.from({ length: 10 }, () => get(from)));
    assert.deepEqual([asked(), record.seen.length], [2, 21]);
  });

  it('loses no new token to a late refusal of the old one', async () => {
    const from = link();
    await get(from);
    endpoint.good.clear();
    const { script } = record;
    const late = Promise.withResolvers<() => void>();
    record.script = (seen, response, request) => {
      record.script = script;
      late.resolve(() => script(seen, response, request));
    };
    const first = get(from);
    const refuse = await late.promise;
    assert.deepEqual(await get(from), BUNDLE);
    refuse();
    assert.deepEqual(await first, BUNDLE);
    assert.equal(asked(), 2);
  });

  it('is not asked a third time: what refuses a new token as well is at fault, and costs one token a call', async () => {
    const from = link();
    await get(from);
    record.script = (_seen, response) => sendJson(response, 401, {});
    for (const tokens of [2, 3, 4]) {
      await assert.rejects(get(from), refusedAs('peer-refused'));
      assert.equal(asked(), tokens);
    }
    assert.equal(record.seen.length, 7);
  });

  it('is asked again within the same budget, and no longer', async () => {
    const from = link();
    await get(from);
    endpoint.good.clear();
    endpoint.server.script = () => undefined;
    const started = performance.now();
    await assert.rejects(get(from, 400), refusedAs('cancelled', 'timeout'));
    assert.ok(performance.now() - started < 2000);
    assert.equal(record.seen.length, 2);
  });

  for (const alg of ['RS384', 'ES384'] as const) {
    it(`gives a token for an assertion signed with ${alg}, as SMART Backend Services wants it`, async () => {
      const { privateJwk, publicKey } = clientKey('smart', alg);
      endpoint.alg = alg;
      endpoint.register(CLIENT, publicKey);
      assert.deepEqual(await get(link({ key: privateJwk })), BUNDLE);
      assert.deepEqual([asked(), endpoint.refused], [1, []]);
    });
  }

  it('is asked with a token that says no life for about a minute at most', async () => {
    endpoint.lifeS = undefined;
    const from = link();
    await get(from);
    clock += 60_000;
    await get(from);
    assert.equal(asked(), 2);
  });

  it('gives nothing to another client, nor to another key', async () => {
    await assert.rejects(get(link({ clientId: 'somebody' })), refusedAs('peer-failed'));
    await assert.rejects(get(link({ key: clientKey('broker-1').privateJwk })), refusedAs('peer-failed'));
    assert.deepEqual(endpoint.refused, ['client', 'signature']);
    assert.equal(record.seen.length, 0);
  });

  it('is not asked at all without a token: an answer that is none, none in time, or no connection', async () => {
    const { script } = endpoint.server;
    for (const body of [{}, { access_token: 5 }, 'text', null]) {
      endpoint.server.script = (_seen, response) => sendJson(response, 200, body);
      await assert.rejects(get(link()), refusedAs('peer-failed'));
    }
    endpoint.server.script = () => undefined;
    await assert.rejects(get(link(), 1200), refusedAs('timeout'));
    endpoint.server.script = script;
    assert.equal(record.seen.length, 0);
    endpoint.server.stop();
    await assert.rejects(get(link()), refusedAs('refused-connection'));
  });

  it('does not lose the token of all others when the caller who asked for it hangs up', async () => {
    const from = link();
    const { script } = endpoint.server;
    const held = Promise.withResolvers<void>();
    endpoint.server.script = (seen, response, request) => {
      held.resolve();
      setTimeout(() => script(seen, response, request), 100);
    };
    using first = startDeadline(3000);
    const beginning = from.get('Condition?patient=1', first);
    const other = get(from);
    await held.promise;
    first.cancel();
    await assert.rejects(beginning, refusedAs('cancelled'));
    assert.deepEqual(await other, BUNDLE);
    assert.equal(asked(), 1);
  });
});

describe('a region whose record wants OAuth 2.0', () => {
  const stops: (() => unknown)[] = [];
  after(async () => {
    for (const stop of stops) await stop();
  });

  it('answers its neighbours as any other does', async () => {
    const endpoint = await TokenEndpoint.start(Date.now);
    const { privateJwk, publicKey } = clientKey('london-1');
    endpoint.register(CLIENT, publicKey);
    const file = join(tmpdir(), `wayleave-client-${process.pid}.jwk.json`);
    writeFileSync(file, JSON.stringify(privateJwk), { mode: 0o600 });
    const data = smallData();
    const record = await serve((origin) =>
      createRecordServer({
        base: `${origin}/fhir`,
        resources: data.records['london-care-record'],
        authorise: (request) => endpoint.accepts(request.get('Authorization')),
      }),
    );
    const auth = { kind: 'oauth2', token_endpoint: endpoint.url, client_id: CLIENT, key: file };
    const federation = await startFederation({
      data,
      edit: (region, config) => {
        const [first] = config['records'] as RawConfig[];
        if (region === 'london') Object.assign(first ?? {}, { auth, base: `${record.origin}/fhir` });
      },
    });
    const viewer = new TestViewer(federation, 'herts-west-essex');
    stops.push(
      () => viewer.close(),
      () => federation.stop(),
      () => endpoint.server.stop(),
      () => record.close(),
      () => rmSync(file),
    );
    const { body } = await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
    assert.deepEqual(rollCallOf(body)['london'], ['answered', 'care-location']);
    assert.equal(matchesOf(body).length, 2);
    assert.deepEqual([endpoint.server.seen.length, endpoint.refused], [1, []]);
  });
});
