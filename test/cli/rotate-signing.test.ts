import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';

import { importSigner } from '../../src/evidence/keys.ts';
import { REST_S } from '../../src/evidence/signing-rotation.ts';
import type { BrokerMetadata } from '../../src/trust/entity-statement.ts';
import { generateSigningKey } from '../../src/trust/signing-key.ts';
import { activationSteps, signingKeyPlace } from '../../src/trust/signing-key-files.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { until } from '../support/until.ts';
import { errorCode } from '../support/viewer.ts';
import { HWE, LONDON, Rotating } from './rotating.ts';

const PATIENT = '9990000026';

describe('wayleave trust rotate signing', () => {
  let london: Rotating;
  beforeEach(async () => (london = await Rotating.start()));
  afterEach(() => london.stop());

  const stage = async (): Promise<string | undefined> => (await london.done('signing', '')).stage;
  const listed = (): string[] => london.broker().message_keys.map(({ kid }) => kid);
  const inUse = (kid: string) => () =>
    london.federation.logged.some((line) => line.includes(`"kid":"${kid}"`) && line.includes('anew'));

  /** Claims that `prepare` wrote, signed and in place, with Herts and West Essex having it or not. */
  async function published(): Promise<string> {
    const claims = london.fresh('claims.json');
    await london.done('signing', 'prepare', '--out', claims);
    await london.signed(claims);
    return london.kid('message.next.jwk.json');
  }

  /** As if the key had been replaced so many seconds earlier than it was. */
  function earlier(seconds: number): void {
    const file = london.path('private/message.former.jwk.json');
    const jwk = JSON.parse(readFileSync(file, 'utf8')) as { replaced_at: number };
    writeFileSync(file, JSON.stringify({ ...jwk, replaced_at: jwk.replaced_at - seconds }));
  }

  it('goes from the first key to the second by commands alone, and every query on the way is answered', async () => {
    const first = london.kid('message.jwk.json');
    const former = await importSigner(JSON.parse(london.read('private/message.jwk.json')) as object);
    assert.equal(await stage(), 'none');
    const claims = london.fresh('claims.json');
    await london.done('signing', 'prepare', '--out', claims);
    assert.equal(await stage(), 'prepared');
    const second = london.kid('message.next.jwk.json');
    assert.equal(statSync(london.path('private/message.next.jwk.json')).mode & 0o777, 0o600);
    assert.doesNotMatch(readFileSync(claims, 'utf8'), /"d"|PRIVATE/);
    assert.equal(london.kid('message.jwk.json'), first);
    await london.bothAnswer();

    london.holdBack();
    await london.signed(claims);
    assert.deepEqual([await stage(), listed()], ['published', [first, second]]);
    // The neighbour has looked, and has the former statement still.
    assert.equal(await london.refresh(), 'same');
    const behind = await london.refused(3, 'signing', 'activate');
    assert.deepEqual(
      behind.neighbours?.map(({ region, ready, step, code }) => [region, ready, step, code]),
      [[HWE, false, 'own-statement', 'sequence-behind']],
    );
    assert.equal(behind.done, false);
    london.holdBack(false);
    assert.equal(await london.seen(), 'taken');
    await london.bothAnswer();

    const { neighbours, leftBehind } = await london.done('signing', 'activate');
    assert.deepEqual([neighbours?.map(({ ready }) => ready), leftBehind], [[true], []]);
    assert.deepEqual(
      [london.kid('message.jwk.json'), london.kid('message.former.jwk.json')],
      [second, first],
    );
    assert.equal(await stage(), 'activated');
    await london.bothAnswer();
    await until(inUse(second), 'the key used');
    await london.bothAnswer();
    // Called again it changes nothing: the time of it stays as it was.
    const after = london.snapshot();
    await london.done('signing', 'activate');
    assert.deepEqual(london.snapshot(), after);

    const without = london.fresh('claims.json');
    await london.refused(3, 'signing', 'retire', '--out', without);
    earlier(REST_S - 60);
    await london.refused(3, 'signing', 'retire', '--out', without);
    assert.ok(!existsSync(without));
    earlier(60);
    await london.refused(2, 'signing', 'retire');
    await london.done('signing', 'retire', '--out', without);
    const { message_keys: left } = JSON.parse(readFileSync(without, 'utf8')) as BrokerMetadata;
    assert.deepEqual(
      left.map(({ kid }) => kid),
      [second],
    );
    assert.equal(await stage(), 'activated');

    london.holdBack();
    await london.signed(without);
    assert.equal(await stage(), 'retired');
    await london.refused(3, 'signing', 'retire');
    london.holdBack(false);
    assert.equal(await london.seen(), 'taken');
    await london.done('signing', 'retire');
    assert.ok(!existsSync(london.path('private/message.former.jwk.json')));
    assert.deepEqual([await stage(), listed()], ['none', [second]]);
    await london.bothAnswer();

    const impostor = new TestNeighbour(london.federation, LONDON);
    const query = await impostor.query(HWE, PATIENT, {}, { signer: former });
    const refused = await impostor.send(HWE, query);
    assert.deepEqual([refused.status, errorCode(refused.body)], [401, 'unknown-kid']);
  });

  it('does not use a key that took the place of the one that was tried, while the neighbours were asked', async () => {
    const tried = await published();
    assert.equal(await london.seen(), 'taken');
    const { privateJwk } = await generateSigningKey('ES256');
    const file = london.path('private/message.next.jwk.json');
    const present = london.read('private/message.jwk.json');
    let pinged = 0;
    const replace = (message: unknown): void => {
      if (!(message as { request: IncomingMessage }).request.url?.endsWith('/ping')) return;
      pinged += 1;
      writeFileSync(file, JSON.stringify(privateJwk), { mode: 0o600 });
    };
    subscribe('http.server.request.start', replace);
    const { code, err } = await london.rotate('signing', 'activate');
    unsubscribe('http.server.request.start', replace);
    assert.deepEqual([code, pinged], [3, 1], err);
    assert.notEqual(london.kid('message.next.jwk.json'), tried);
    assert.equal(london.read('private/message.jwk.json'), present);
    assert.ok(!existsSync(london.path('private/message.former.jwk.json')));
  });

  it('does not activate while a neighbour is down, unless it is left behind by name', async () => {
    await published();
    await london.federation.stopBroker(HWE);
    const down = await london.refused(3, 'signing', 'activate');
    assert.deepEqual(
      down.neighbours?.map(({ step, code }) => [step, code]),
      [['tcp', 'ECONNREFUSED']],
    );
    await london.refused(2, 'signing', 'activate', '--without', 'atlantis');
    const { leftBehind } = await london.done('signing', 'activate', '--without', HWE);
    assert.deepEqual(leftBehind, [HWE]);
    assert.equal(await stage(), 'activated');
  });

  it('goes on where an activation was cut short, and between its steps the broker starts with a key that is listed', async () => {
    const [first, second] = [london.kid('message.jwk.json'), await published()];
    assert.equal(await london.seen(), 'taken');
    const place = signingKeyPlace(london.path('private'), 'message');
    const former = { ...(JSON.parse(london.read('private/message.jwk.json')) as object), replaced_at: 1 };
    const steps = activationSteps(place, JSON.stringify(former));
    for (const step of steps.slice(0, -1)) {
      await step();
      assert.equal(await stage(), 'published');
      assert.ok(listed().includes(london.kid('message.jwk.json')));
      await london.restart();
      await london.bothAnswer();
      await london.refused(3, 'signing', 'retire', '--out', london.fresh('claims.json'));
    }
    await london.done('signing', 'activate');
    assert.deepEqual(
      [london.kid('message.jwk.json'), london.kid('message.former.jwk.json')],
      [second, first],
    );
    // The time counts from the end of it.
    await london.refused(3, 'signing', 'retire', '--out', london.fresh('claims.json'));
    await london.restart();
    await london.bothAnswer();
  });

  it('asks nobody who was revoked, and knows of nobody where the decisions cannot be believed', async () => {
    await published();
    await london.federation.stopBroker(HWE);
    const desk = london.federation.broker(LONDON).trust;
    const said = { by: 'officer-1', why: 'a test' };
    await desk.revoke(HWE, { kind: 'neighbour' }, { reason: 'superseded' }, said);
    // Another secret: nothing in the store is of this region then.
    const secret = london.read('private/trust.key');
    const file = london.path('private/trust.key');
    writeFileSync(file, Buffer.alloc(32, 1).toString('base64url'));
    await london.refused(1, 'signing', 'activate');
    writeFileSync(file, secret);
    const { neighbours } = await london.done('signing', 'activate');
    assert.deepEqual(neighbours, []);
  });

  it('asks those who were enrolled by command, and so does `trust check --all`', async () => {
    await london.stop();
    let agreement: unknown;
    london = await Rotating.start((region, all) => {
      const other = all.find((one) => one['region'] === (region === LONDON ? HWE : LONDON));
      if (region !== LONDON) return other === undefined ? [] : [other];
      agreement = other?.['agreement'];
      return [];
    });
    const desk = london.federation.broker(LONDON).trust;
    const port = london.federation.broker(HWE).ports.statement;
    const statement = await desk.fetch(`https://127.0.0.1:${port}`);
    const why = 'a test';
    const { digest } = await desk.propose({ statement, agreement }, { by: 'officer-1', why });
    await desk.approve(HWE, digest, { by: 'officer-2', why });
    await published();
    await london.federation.stopBroker(HWE);
    const { neighbours } = await london.refused(3, 'signing', 'activate');
    assert.deepEqual(
      neighbours?.map(({ region, code }) => [region, code]),
      [[HWE, 'ECONNREFUSED']],
    );
    const config = ['--config', `${london.federation.directory}/${LONDON}.yaml`];
    const checked = await london.trust('check', '--all', ...config, '--json');
    assert.equal(checked.code, 3);
    assert.deepEqual(
      (JSON.parse(checked.out) as { region: string }[]).map(({ region }) => region),
      [HWE],
    );
  });

  it('makes no second key while one waits, nor before the last rotation has ended', async () => {
    const [claims, again] = [london.fresh('claims.json'), london.fresh('claims.json')];
    await london.refused(1, 'signing', 'activate');
    await london.refused(1, 'signing', 'retire', '--out', claims);
    await london.done('signing', 'prepare', '--out', claims, '--alg', 'ES256');
    await london.refused(1, 'signing', 'prepare', '--out', again);
    await london.refused(3, 'signing', 'activate');
    await london.refused(3, 'signing', 'retire', '--out', again);
    assert.ok(!existsSync(again));
    await london.signed(claims);
    assert.equal(await london.seen(), 'taken');
    await london.refused(3, 'signing', 'retire', '--out', again);
    await london.done('signing', 'activate');
    await london.refused(1, 'signing', 'prepare', '--out', again);
  });

  it('leaves no key behind where the claims cannot be written, and writes over nothing', async () => {
    const there = london.fresh('claims.json');
    writeFileSync(there, 'mine');
    await london.refused(1, 'signing', 'prepare', '--out', there);
    await london.refused(1, 'signing', 'prepare', '--out', `${london.fresh('nowhere')}/claims.json`);
    await london.refused(2, 'signing', 'prepare');
    assert.equal(readFileSync(there, 'utf8'), 'mine');
  });

  it('keeps the former key in every statement until it is retired', async () => {
    const first = london.kid('message.jwk.json');
    const second = await published();
    assert.equal(await london.seen(), 'taken');
    await london.done('signing', 'activate');
    const claims = london.fresh('claims.json');
    const config = ['--config', `${london.federation.directory}/${LONDON}.yaml`];
    const { code, err } = await london.trust('request', ...config, '--out', claims);
    assert.equal(code, 0, err);
    const { message_keys: keys } = JSON.parse(readFileSync(claims, 'utf8')) as BrokerMetadata;
    assert.deepEqual(keys.map(({ kid }) => kid).sort(), [first, second].sort());
  });

  it('does not retire while the broker does not use what is in place, nor a key of unknown age', async () => {
    await published();
    assert.equal(await london.seen(), 'taken');
    await london.done('signing', 'activate');
    earlier(REST_S);
    const file = london.path('public/entity-statement.jwt');
    const good = readFileSync(file, 'utf8');
    const { code } = await london.trust(
      ...['sign', '--key', london.path('offline/federation.jwk.json'), '--after', file, '--out', file],
      ...['--statement', await withoutLogKey()],
    );
    assert.equal(code, 0);
    const own = async () => (await london.federation.broker(LONDON).status()).own;
    await until(async () => (await own()).fault !== undefined, 'the fault');
    await london.refused(3, 'signing', 'retire', '--out', london.fresh('claims.json'));
    writeFileSync(file, good);
    await until(async () => (await own()).fault === undefined, 'the end of the fault');
    const former = london.path('private/message.former.jwk.json');
    const { replaced_at: _, ...jwk } = JSON.parse(readFileSync(former, 'utf8')) as Record<string, unknown>;
    writeFileSync(former, JSON.stringify(jwk));
    await london.refused(1, 'signing', 'retire', '--out', london.fresh('claims.json'));
  });

  it('says in JSON as well that the broker was not reached', async () => {
    await published();
    assert.equal(await london.seen(), 'taken');
    await london.done('signing', 'activate');
    earlier(REST_S + 1);
    const asked = await london.done('signing', 'retire', '--out', london.fresh('claims.json'));
    assert.deepEqual(asked.notAsked, []);
    await london.federation.stopBroker(LONDON);
    const alone = await london.done('signing', 'retire', '--out', london.fresh('claims.json'));
    assert.equal(alone.notAsked?.length, 1);
  });

  it('has help that tells each step and --json', async () => {
    for (const step of ['status', 'prepare', 'activate', 'retire']) {
      const { code, out } = await london.trust('rotate', 'signing', step, '--help');
      assert.equal(code, 0);
      assert.match(out, /--json/, step);
    }
  });

  /** Claims of a statement that our broker does not take: it does not list its log key. */
  async function withoutLogKey(): Promise<string> {
    const claims = london.fresh('claims.json');
    const config = ['--config', `${london.federation.directory}/${LONDON}.yaml`];
    await london.trust('request', ...config, '--out', claims);
    const said = JSON.parse(readFileSync(claims, 'utf8')) as BrokerMetadata;
    writeFileSync(claims, JSON.stringify({ ...said, log_keys: said.witness_keys }));
    return claims;
  }
});
