import assert from 'node:assert/strict';

import { startDeadline } from '../../src/deadline.ts';
import type { Registration } from '../../src/routing/registration.ts';
import { Demographics } from '../../src/upstream/demographics.ts';
import { remembering, RestrictionsInMemory } from '../support/told-restrictions.ts';
import { until } from '../support/until.ts';
import { NEVER_OPEN, ScriptedServer, sendJson, SILENT, type Script } from './scripted-server.ts';

const [ONE, TWO] = ['9990000018', '9990000026'] as const;
const CACHE = { entries: 100, fresh_seconds: 60, seconds: 300 };
const HOUR_MS = 3_600_000;

const telling =
  (code: 'U' | 'R'): Script =>
  ({ url }, response) =>
    sendJson(response, 200, {
      ...{ resourceType: 'Patient', id: url.split('/').at(-1), meta: { security: [{ code }] } },
      generalPractitioner: [{ identifier: { value: 'F81027' } }],
    });
const AWAY: Script = (_seen, response) => sendJson(response, 503, {});

describe('demographics that are away, of whom they told as restricted', () => {
  let server: ScriptedServer;
  let store: RestrictionsInMemory;
  let opened: Demographics[];
  let clock: number;
  beforeEach(async () => {
    server = await ScriptedServer.start(telling('R'));
    store = new RestrictionsInMemory();
    opened = [];
    clock = Date.parse('2026-11-22T12:00:00Z');
  });
  afterEach(() => {
    for (const one of opened) one.close();
    server.stop();
  });

  /** A replica, or the same one after a restart. */
  function replica(): Demographics {
    const settings = {
      ...{ base: `${server.origin}/FHIR/R4`, timeout_ms: 2_000, rate_per_second: 1_000, cache: CACHE },
      ...{ credentials: { kind: 'none' } as const, breaker: NEVER_OPEN },
    };
    const made = new Demographics(
      settings,
      remembering(store, () => clock),
      SILENT,
      () => clock,
    );
    opened.push(made);
    return made;
  }
  async function ask(source: Demographics, nhsNumber: string = ONE, ms = 5_000): Promise<Registration> {
    clock += 10;
    using deadline = startDeadline(ms);
    return await source.registrationOf(nhsNumber, deadline);
  }

  it('is restricted for as long as they are away, over a restart, and no longer', async () => {
    const source = replica();
    assert.deepEqual(await ask(source), { kind: 'restricted', current: ONE });
    server.script = telling('U');
    await ask(source, TWO);
    server.script = AWAY;
    assert.equal((await ask(source)).kind, 'restricted');
    clock += HOUR_MS;
    assert.deepEqual(await ask(source), { kind: 'restricted-before' });
    assert.deepEqual(await ask(source, TWO), { kind: 'not-reached' });
    assert.deepEqual(await ask(replica()), { kind: 'restricted-before' });
    server.script = telling('U');
    assert.equal((await ask(source)).kind, 'registered');
    server.script = AWAY;
    clock += HOUR_MS;
    for (const one of [source, replica()]) assert.deepEqual(await ask(one), { kind: 'not-reached' });
  });

  it('is restricted where no answer comes in time', async () => {
    const source = replica();
    await ask(source);
    clock += HOUR_MS;
    server.script = () => undefined;
    assert.deepEqual(await ask(source, ONE, 100), { kind: 'restricted-before' });
  });

  it('is restricted though an older answer is at hand here: another replica was told since', async () => {
    const [here, there] = [replica(), replica()];
    server.script = telling('U');
    assert.equal((await ask(here)).kind, 'registered');
    clock += 61_000;
    server.script = telling('R');
    await ask(there);
    server.script = AWAY;
    assert.deepEqual(await ask(here), { kind: 'restricted-before' });
  });

  it('stays so though an answer comes late whose question was sent before', async () => {
    const [here, there] = [replica(), replica()];
    const waiting = Promise.withResolvers<void>();
    server.script = (...asked) => void waiting.promise.then(() => telling('U')(...asked));
    const late = ask(here);
    await until(() => server.seen.length === 1, 'that it is asked');
    server.script = telling('R');
    assert.equal((await ask(there)).kind, 'restricted');
    waiting.resolve();
    assert.equal((await late).kind, 'registered');
    server.script = AWAY;
    clock += HOUR_MS;
    for (const one of [here, there]) assert.deepEqual(await ask(one), { kind: 'restricted-before' });
  });

  it('is restricted where that cannot be written; where it cannot be looked up nobody is told anything', async () => {
    const source = replica();
    store.writesFail = true;
    assert.equal((await ask(source)).kind, 'restricted');
    server.script = AWAY;
    clock += HOUR_MS;
    assert.deepEqual(await ask(source), { kind: 'restricted-before' });
    store.readsFail = true;
    await assert.rejects(ask(source, TWO), { code: 'store-unavailable' });
  });
});
