import assert from 'node:assert/strict';
import { randomUUID, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { RegionTold } from '../../src/audit/questions/all-regions.ts';
import type { Entry } from '../../src/audit/entry.ts';
import type { AuditLog } from '../../src/audit/log.ts';
import { AccessTrail } from '../../src/audit/access-trail.ts';
import { reportAsking } from '../../src/broker.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { HouseError } from '../../src/errors.ts';
import { TYP } from '../../src/evidence/claims.ts';
import { sha256 } from '../../src/evidence/digests.ts';
import type { Signer } from '../../src/evidence/keys.ts';
import { signingInputDigest, signMessage } from '../../src/evidence/message.ts';
import { thumbprintOf } from '../../src/trust/peer-certificate.ts';
import { failures, withLog } from '../audit/evidence-of.ts';
import { readAudit } from '../support/audit.ts';
import type { RawConfig, TestFederation } from '../support/federation.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { TestViewer } from '../support/viewer.ts';
import {
  LONDON,
  startWithLyingLondon,
  type Behaviour,
  type Heard,
  type LyingLondon,
  type Wire,
} from './lying-london.ts';
import { NEIGHBOUR_PATIENT, PATIENT, smallData } from './small-data.ts';

const HOME: RegionId = 'herts-west-essex';
const FROM = Date.parse('2026-01-01T00:00:00Z');
const TO = Date.parse('2026-02-01T00:00:00Z');
const AT = FROM + 86_400_000;
const WHO = { user: 'https://fhir.nhs.uk/Id/sds-user-id|100000000001', role: 'R0001', organisation: 'RQW' };

const look = (at = AT, more: object = {}) => ({
  ...{ at, kind: 'shown', role: 'R8000', purpose: 'directcare', count: 1 },
  ...{ regions: [], types: [{ type: 'Condition', count: 1 }], jtis: [] },
  ...more,
});

interface Lie {
  readonly accesses?: readonly object[];
  readonly next?: string;
  readonly body?: string;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly typ?: string;
  readonly signer?: Signer;
  readonly status?: number;
}

describe('asking the neighbours who received this record', () => {
  let federation: TestFederation;
  let london: LyingLondon;
  before(async () => {
    ({ federation, london } = await startWithLyingLondon({
      data: smallData(),
      edit: (region, config) => {
        if (region !== HOME) return;
        for (const one of config['neighbours'] as RawConfig[]) {
          if (one['region'] === 'london') Object.assign(one, { timeout_ms: 1_000 });
          if (one['region'] !== 'west-midlands') continue;
          const agreement = one['agreement'] as RawConfig;
          agreement['purposes'] = ['directcare'];
          delete agreement['access_report'];
        }
        (config['budgets'] as RawConfig)['document_ms'] = 2_000;
      },
    }));
  });
  after(async () => {
    london.close();
    await federation.stop();
  });

  async function ask(change: object = {}): Promise<{ told: RegionTold[]; exchange: string }> {
    const config = federation.config(HOME);
    const exchange = randomUUID();
    return withLog(federation, HOME, async ({ log, store }) => {
      const trail = new AccessTrail(log);
      const asking = await reportAsking(config, loadSecrets(config.secretsDirectory), trail, store);
      try {
        const question = { exchange, nhsNumbers: [PATIENT], from: FROM, to: TO, ...WHO, ...change };
        return { told: await asking.askForAccesses(question), exchange };
      } finally {
        asking.close();
      }
    });
  }

  const of = (told: readonly RegionTold[], region: string): RegionTold | undefined =>
    told.find((one) => one.region === region);

  /** An answer that is believed, but for what the test changes. */
  async function answer({ token, claims: asked }: Heard, lie: Lie = {}): Promise<Wire> {
    const { accesses = [look()], next, claims = {}, typ = TYP.accessAnswer, status = 200 } = lie;
    const body = lie.body ?? JSON.stringify({ accesses, ...(next === undefined ? {} : { next }) });
    const iat = Math.floor(Date.now() / 1000);
    const leaf = readFileSync(join(federation.directory, 'keys/london/public/tls-server.pem'));
    const all = {
      ...{ iss: LONDON, aud: asked.iss, iat, exp: iat + 60, jti: randomUUID(), stmt: 1 },
      cnf: { 'x5t#S256': thumbprintOf(new X509Certificate(leaf)) },
      ...{ question_jti: asked.jti, question_digest: signingInputDigest(token) },
      ...{ outcome: accesses.length === 0 ? 'none' : 'answered', status, count: accesses.length },
      body_digest: sha256(body),
      ...claims,
    };
    const signer = lie.signer ?? (await new TestNeighbour(federation, 'london').signer());
    return { status, token: signMessage(signer, typ, all).token, body };
  }

  async function rowsOf(exchange: string, region: string) {
    const rows = await readAudit(federation.config(HOME));
    return rows.filter((row) => row.exchange === exchange && row.region === region);
  }

  it('each by itself: told, nothing there, and not asked where no agreement covers it', async () => {
    london.behaviour = (heard) => answer(heard);
    const { told, exchange } = await ask();
    assert.deepEqual(
      told.map(({ region, outcome, reason }) => [region, outcome, reason]),
      [
        ['london', 'answered', undefined],
        ['essex-suffolk', 'none', undefined],
        ['west-midlands', 'not-agreed', 'agreement'],
      ],
    );
    assert.equal(of(told, 'london')?.accesses.length, 1);
    assert.deepEqual(await rowsOf(exchange, 'west-midlands'), []);
    const [sent, believed, ...more] = await rowsOf(exchange, 'london');
    assert.deepEqual(
      [sent?.event, believed?.event, believed?.outcome, believed?.count, more.length],
      ['access-question-sent', 'access-answer-believed', 'answered', 1, 0],
    );
    assert.deepEqual([sent?.values['nhs_number'], sent?.values['user']], [PATIENT, WHO.user]);
    assert.equal(sent?.agreement, '2026-04');
    const { file } = await withLog(federation, HOME, (log) => log.export(exchange));
    assert.deepEqual(await failures(file), []);
  });

  for (const failing of ['access-question-sent', 'access-answer-believed']) {
    it(`uses nothing where ${failing} cannot be kept; without the first nothing leaves`, async () => {
      london.behaviour = (heard) => answer(heard);
      const heard = london.heard.length;
      const config = federation.config(HOME);
      await withLog(federation, HOME, async ({ log, store }) => {
        const append = (entries: readonly Entry[]) =>
          entries.some(({ event }) => event === failing)
            ? delay(50).then(() => Promise.reject(new HouseError('audit-unavailable')))
            : log.append(entries);
        const trail = new AccessTrail({ append } as unknown as AuditLog);
        const asking = await reportAsking(config, loadSecrets(config.secretsDirectory), trail, store);
        const question = { exchange: randomUUID(), nhsNumbers: [PATIENT], from: FROM, to: TO, ...WHO };
        await assert.rejects(asking.askForAccesses(question), { code: 'audit-unavailable' });
        asking.close();
      });
      assert.equal(london.heard.length - heard, failing === 'access-question-sent' ? 0 : 1);
    });
  }

  it('has the question on the disk before it leaves', async () => {
    let before: string[] = [];
    london.behaviour = async (heard) => {
      before = (await readAudit(federation.config(HOME))).map(({ event, jti }) => `${event} ${jti}`);
      return answer(heard);
    };
    const { exchange } = await ask();
    const [sent] = await rowsOf(exchange, 'london');
    assert.ok(before.includes(`access-question-sent ${sent?.jti}`));
  });

  const signerOf = (region: RegionId): Promise<Signer> => new TestNeighbour(federation, region).signer();
  const LIES: [what: string, code: string, behaviour: Behaviour][] = [
    [
      'is to another question',
      'wrong-query',
      (heard) => answer(heard, { claims: { question_jti: randomUUID() } }),
    ],
    [
      'is to another text of it',
      'wrong-query',
      (heard) => answer(heard, { claims: { question_digest: sha256('other') } }),
    ],
    [
      'came with another body',
      'wrong-body',
      (heard) => answer(heard, { claims: { body_digest: sha256('{}') } }),
    ],
    ['has another status', 'wrong-body', (heard) => answer(heard, { claims: { status: 403 } })],
    [
      'is signed by another region',
      'unknown-kid',
      async (heard) => answer(heard, { signer: await signerOf('essex-suffolk') }),
    ],
    ['is of the type of a response', 'wrong-typ', (heard) => answer(heard, { typ: TYP.response })],
    ['is for somebody else', 'wrong-audience', (heard) => answer(heard, { claims: { aud: LONDON } })],
    ['is not signed', 'unsigned', async (heard) => ({ ...(await answer(heard)), token: undefined })],
    [
      'is a response to a query',
      'wrong-typ',
      async () => {
        const neighbour = new TestNeighbour(federation, HOME);
        const reply = await neighbour.send('london', await neighbour.query('london', PATIENT));
        return { status: reply.status, token: String(reply.headers['wayleave-response']), body: reply.text };
      },
    ],
    ['is no JSON', 'bad-claims', (heard) => answer(heard, { body: '<html>' })],
    ['names a user', 'bad-claims', (heard) => answer(heard, { accesses: [look(AT, { user: 'a' })] })],
    [
      'has words for a code',
      'bad-claims',
      (heard) => answer(heard, { accesses: [look(AT, { purpose: 'on <b>' })] }),
    ],
    ['counts otherwise', 'bad-claims', (heard) => answer(heard, { claims: { count: 2 } })],
    ['says none and tells', 'bad-claims', (heard) => answer(heard, { claims: { outcome: 'none' } })],
    [
      'says none, and that it did not look everywhere',
      'bad-claims',
      (heard) => answer(heard, { accesses: [], body: JSON.stringify({ accesses: [], missing: 'archived' }) }),
    ],
    [
      'says partial, and not what is missing',
      'bad-claims',
      (heard) => answer(heard, { claims: { outcome: 'partial' } }),
    ],
    ['is of another time', 'bad-claims', (heard) => answer(heard, { accesses: [look(TO)] })],
    ['is of before', 'bad-claims', (heard) => answer(heard, { accesses: [look(FROM - 1)] })],
    ['is out of order', 'bad-claims', (heard) => answer(heard, { accesses: [look(AT), look(AT + 1)] })],
    [
      'withholds and counts',
      'bad-claims',
      (heard) => answer(heard, { accesses: [], claims: { outcome: 'withheld' } }),
    ],
  ];
  for (const [what, code, behaviour] of LIES) {
    it(`does not believe an answer that ${what}: none of it is used, and that is kept`, async () => {
      london.behaviour = behaviour;
      const { told, exchange } = await ask();
      const { outcome, reason, accesses } = of(told, 'london') ?? {};
      assert.deepEqual([outcome, reason, accesses], ['not-reached', 'not-believed', []]);
      const [, row, ...more] = await rowsOf(exchange, 'london');
      assert.deepEqual([row?.event, row?.fault, more.length], ['access-answer-not-believed', code, 0]);
      assert.equal(of(told, 'essex-suffolk')?.outcome, 'none');
    });
  }

  it('takes what did not look into archived files for a part, whatever it tells', async () => {
    for (const accesses of [[], [look()]]) {
      const body = JSON.stringify({ accesses, missing: 'archived' });
      london.behaviour = (heard) => answer(heard, { accesses, body, claims: { outcome: 'partial' } });
      const { told } = await ask();
      const { outcome, reason, accesses: looks } = of(told, 'london') ?? {};
      assert.deepEqual([outcome, reason, looks?.length], ['partial', 'archived', accesses.length]);
    }
  });

  const UNTOLD: [outcome: string, reason: string | undefined, behaviour: Behaviour][] = [
    [
      'withheld',
      undefined,
      (heard) => answer(heard, { accesses: [], claims: { outcome: 'withheld', count: undefined } }),
    ],
    [
      'refused',
      'role-not-agreed',
      (heard) => {
        const claims = { outcome: 'refused', count: undefined, reason: 'role-not-agreed' };
        return answer(heard, { body: '{}', status: 403, claims });
      },
    ],
    ['not-reached', 'timeout', () => undefined],
    ['not-reached', 'fault', (_heard, response) => void response.destroy()],
    ['not-reached', 'busy', () => ({ status: 503, body: '{}' })],
  ];
  for (const [outcome, reason, behaviour] of UNTOLD) {
    it(`${outcome} ${reason ?? ''} is told as that, and keeps the others from nothing`, async () => {
      london.behaviour = behaviour;
      const { told, exchange } = await ask();
      assert.deepEqual([of(told, 'london')?.outcome, of(told, 'london')?.reason], [outcome, reason]);
      assert.equal(of(told, 'essex-suffolk')?.outcome, 'none');
      const [, row] = await rowsOf(exchange, 'london');
      const event = outcome === 'not-reached' ? 'access-not-reached' : 'access-answer-believed';
      assert.deepEqual([row?.event, row?.outcome], [event, outcome]);
    });
  }

  it('follows the pages, and what is lost on the way makes it a part', async () => {
    const paged =
      (last: (heard: Heard) => Promise<Wire>): Behaviour =>
      (heard) =>
        'cursor' in heard.claims ? last(heard) : answer(heard, { accesses: [look(AT)], next: 'more' });
    london.behaviour = paged((heard) => answer(heard, { accesses: [look(AT - 1)] }));
    assert.equal(of((await ask()).told, 'london')?.accesses.length, 2);
    // A page that goes back to what was told already is no page.
    london.behaviour = paged((heard) => answer(heard, { accesses: [look(AT + 1)] }));
    const { outcome, reason, accesses } = of((await ask()).told, 'london') ?? {};
    assert.deepEqual([outcome, reason, accesses?.length], ['partial', 'not-believed', 1]);
  });

  it('does not follow pages without end', async () => {
    let pages = 0;
    london.behaviour = (heard) => answer(heard, { accesses: [look(AT - pages++)], next: 'more' });
    const { outcome, reason, accesses } = of((await ask()).told, 'london') ?? {};
    assert.deepEqual([outcome, reason, accesses?.length, pages], ['partial', 'paging', 20, 20]);
  });

  it('is asked for each page anew, the cursor with it, under one exchange', async () => {
    const cursors: unknown[] = [];
    london.behaviour = (heard) => {
      cursors.push((heard.claims as { cursor?: string }).cursor);
      return answer(heard, cursors.length === 1 ? { next: 'second' } : { accesses: [look(AT - 1)] });
    };
    const { exchange } = await ask();
    assert.deepEqual(cursors, [undefined, 'second']);
    const jtis = (await rowsOf(exchange, 'london')).map(({ jti }) => jti);
    assert.deepEqual([jtis.length, new Set(jtis).size], [4, 2]);
  });

  describe('whose patient it is', () => {
    async function own(nhsNumber: string, region: RegionId) {
      const config = federation.config(region);
      return withLog(federation, region, async ({ log, store }) => {
        const trail = new AccessTrail(log);
        const asking = await reportAsking(config, loadSecrets(config.secretsDirectory), trail, store);
        const found = await asking.ownPatient(nhsNumber, [NEIGHBOUR_PATIENT]);
        asking.close();
        return found;
      });
    }

    it('ours, another region’s, or not known; another patient’s number is not taken along', async () => {
      assert.deepEqual(await own(PATIENT, HOME), { kind: 'ours', nhsNumbers: [PATIENT] });
      assert.deepEqual(await own(PATIENT, 'london'), { kind: 'elsewhere', region: HOME });
      assert.deepEqual(await own('9990000174', HOME), { kind: 'not-known', rule: 'not-known' });
    });
  });

  it('asks the true broker as well, which tells what was looked at there', async () => {
    const viewer = new TestViewer(federation, 'essex-suffolk');
    await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
    viewer.close();
    london.behaviour = (heard) => answer(heard, { accesses: [] });
    const { told } = await ask({ to: Date.now() + 1_000 });
    const { outcome, accesses = [] } = of(told, 'essex-suffolk') ?? {};
    assert.deepEqual([outcome, accesses.length], ['answered', 1]);
    const heard = (await readAudit(federation.config(HOME))).filter(
      ({ event }) => event === 'query-received',
    );
    assert.ok(heard.some(({ jti = '' }) => accesses[0]?.sent.includes(jti)));
  });
});
