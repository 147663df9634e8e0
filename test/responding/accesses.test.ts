import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { gatherReport } from '../../src/audit/questions/patient-report.ts';

import { AuditTrail } from '../../src/audit/trail.ts';
import { auditLogIn, openStore, patientDigestOf } from '../../src/broker.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import { createPdsServer } from '../../src/demo/pds-server.ts';
import { EDGE_NUMBERS, buildStories } from '../../src/demo/stories.ts';
import type { AccessBody } from '../../src/evidence/access-claims.ts';
import { HouseError } from '../../src/errors.ts';
import type { LogItem, Store } from '../../src/store/contracts.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { readAudit } from '../support/audit.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { errorCode, TestViewer } from '../support/viewer.ts';
import { failures, withLog } from '../audit/evidence-of.ts';
import { AccessAsking, type AnsweredAccesses } from './access-asking.ts';

const PATIENT = '9990000018';
/** Registered in Hertfordshire as well, and looked at by nobody. */
const UNSEEN = '9990000034';
const LONDONER = '9990000026';
const RESTRICTED = '9990000069';
const OBJECTOR = '9990000077';
const USER = 'dr.test';
const WORDS = 'found on the floor';
const ENTITY_OF = (nhsNumber: string): string => `https://fhir.nhs.uk/Id/nhs-number|${nhsNumber}`;

describe('who at your side received this record, asked by a neighbour', () => {
  let federation: TestFederation;
  let herts: AccessAsking;
  let essex: AccessAsking;
  let store: Store;
  let pdsIsDown = false;

  before(async () => {
    const data = buildStories(new Date());
    const pds = createPdsServer({ entries: data.demographics });
    const demographics: RequestListener = (request, response) =>
      pdsIsDown ? void response.destroy() : void pds(request, response);
    federation = await startFederation({
      ...{ data, demographics, regions: ['herts-west-essex', 'london', 'essex-suffolk', 'west-midlands'] },
      edit: (region, config) => {
        (config['demographics'] as RawConfig)['cache'] = { entries: 0 };
        (config['demographics'] as RawConfig)['breaker'] = { volume_threshold: 1000 };
        if (region === 'london') agreementWith(config, 'essex-suffolk')['access_report'].organisations = true;
        if (region !== 'london') return;
        const midlands = agreementWith(config, 'west-midlands');
        midlands['purposes'] = ['directcare'];
        Reflect.deleteProperty(midlands, 'access_report');
      },
    });
    store = await openStore(federation.config('london'));
    herts = new AccessAsking(federation, 'herts-west-essex', 'london');
    essex = new AccessAsking(federation, 'essex-suffolk', 'london');
    const viewer = new TestViewer(federation, 'london');
    const glass = { break_glass: { code: 'emergency', reason: WORDS } };
    for (const nhsNumber of [PATIENT, LONDONER, OBJECTOR])
      await viewer.ask(nhsNumber, `/fhir/Condition?patient=${nhsNumber}`);
    const token = await viewer.token(PATIENT, glass);
    await viewer.ask(PATIENT, `/fhir/MedicationRequest?patient=${PATIENT}`, { token });
    const odd = await viewer.token(PATIENT, { requesting_user_role: `Consultant ${WORDS}` });
    await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`, { token: odd });
    viewer.close();
    // What London gave a neighbour is that neighbour's to tell.
    const neighbour = new TestViewer(federation, 'herts-west-essex');
    await neighbour.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
    neighbour.close();
  });
  after(async () => {
    await store.close();
    await federation.stop();
  });
  beforeEach(() => {
    pdsIsDown = false;
  });

  /** Nothing is said, in the same bytes whoever is asked about, and why is sealed. */
  async function withheld(asking: AccessAsking, nhsNumber: string, why: string, change = {}) {
    const answered = await asking.ask(nhsNumber, change);
    const { claims, reply, token } = answered;
    assert.deepEqual([claims.outcome, claims.status, claims.count], ['withheld', 200, undefined]);
    assert.equal(reply.text, '{"accesses":[]}');
    const row = await endOf(answered);
    assert.deepEqual(
      [row?.event, row?.count, row?.values['why']],
      ['access-question-withheld', undefined, why],
    );
    assert.doesNotMatch(JSON.stringify({ ...row, values: undefined }), new RegExp(why));
    assert.ok(token);
    return answered;
  }

  async function endOf({ claims }: AnsweredAccesses) {
    const rows = await readAudit(federation.config('london'));
    return rows.find(({ event, jti }) => jti === claims.question_jti && event !== 'access-question-received');
  }

  it('the home region is told each look, newest first, with what joins it to the other ends', async () => {
    const answered = await herts.ask(PATIENT);
    const { claims, body } = answered;
    assert.deepEqual([claims.outcome, claims.count], ['answered', body.accesses.length]);
    assert.deepEqual(
      body.accesses.map(({ kind }) => kind),
      ['refused-here', 'shown', 'shown'],
    );
    const rows = await readAudit(federation.config('london'));
    const about = rows.filter(({ values }) => values['nhs_number'] === PATIENT);
    const sent = about.filter(({ event }) => event === 'query-sent').map(({ jti }) => jti);
    assert.ok(sent.length > 0);
    assert.deepEqual(body.accesses.flatMap(({ jtis }) => jtis).sort(), sent.sort());
    const glass = body.accesses.filter(({ break_glass }) => break_glass !== undefined);
    assert.deepEqual(
      glass.map(({ break_glass }) => break_glass),
      [{ code: 'emergency' }],
    );
    const row = await endOf(answered);
    assert.deepEqual(
      [row?.event, row?.outcome, row?.count, row?.region, row?.values['nhs_number']],
      ['access-question-answered', 'answered', body.accesses.length, 'herts-west-essex', PATIENT],
    );
  });

  it('no user, no words and no id that a viewer chose is in any byte of it; the organisation only where agreed', async () => {
    const { reply } = await herts.ask(PATIENT);
    const rows = await readAudit(federation.config('london'));
    const about = rows.filter(
      ({ values, event }) => values['nhs_number'] === PATIENT && event === 'route-planned',
    );
    assert.ok(about.length > 1);
    for (const { exchange, organisation = '-' } of about) {
      assert.ok(!reply.text.includes(exchange));
      assert.ok(!reply.text.includes(organisation));
    }
    assert.doesNotMatch(
      reply.text + JSON.stringify(reply.headers),
      new RegExp(`${USER}|${WORDS}|Consultant`),
    );
    const token = String(reply.headers['wayleave-response']);
    const said = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
    assert.doesNotMatch(said, new RegExp(`${USER}|${WORDS}|99900000`));
  });

  it('tells the organisation where the agreement with the asker says so', async () => {
    // Registered in Essex; looked at in London.
    const nhsNumber = '9990000050';
    const viewer = new TestViewer(federation, 'london');
    await viewer.ask(nhsNumber, `/fhir/Condition?patient=${nhsNumber}`);
    viewer.close();
    const { body } = await essex.ask(nhsNumber);
    assert.deepEqual(
      body.accesses.map(({ organisation }) => organisation),
      [federation.config('london').viewers[0]?.organisations[0]],
    );
  });

  describe('who may ask', () => {
    it('only the home region: another is told nothing, in the same bytes for anybody', async () => {
      const seen = await withheld(essex, PATIENT, 'not-home');
      const unseen = await withheld(essex, UNSEEN, 'not-home');
      const nobody = await withheld(essex, '9990000174', 'home-not-known');
      assert.deepEqual([seen.reply.text, seen.reply.text], [unseen.reply.text, nobody.reply.text]);
      assert.deepEqual(Object.keys(seen.claims), Object.keys(nobody.claims));
      assert.deepEqual(Object.keys(seen.reply.headers), Object.keys(nobody.reply.headers));
    });

    it('a restricted patient: nothing, also for the home region; whoever says that it is restricted', async () => {
      await withheld(herts, RESTRICTED, 'restricted');
      const digest = patientDigestOf(loadSecrets(federation.config('london').secretsDirectory));
      await store.objections.record([{ patient: digest(UNSEEN), kind: 'restriction', from: 0 }]);
      await withheld(herts, UNSEEN, 'restricted');
      await store.objections.record([{ patient: digest(UNSEEN), kind: 'restriction', from: 0, until: 1 }]);
      assert.equal((await herts.ask(UNSEEN)).claims.outcome, 'none');
    });

    it('nothing while demographics are down: whose patient it is cannot be found out', async () => {
      await withheld(herts, RESTRICTED, 'restricted');
      pdsIsDown = true;
      await withheld(herts, PATIENT, 'home-not-known');
      await withheld(herts, RESTRICTED, 'restricted');
    });

    it('an objection to sharing withholds nothing of this: the report is the patient’s own', async () => {
      const digest = patientDigestOf(loadSecrets(federation.config('london').secretsDirectory));
      assert.notDeepEqual(await store.objections.inForce([digest(OBJECTOR)], Date.now()), []);
      assert.equal((await herts.ask(OBJECTOR)).claims.outcome, 'answered');
    });

    it('a superseded number that our own demographics confirm is looked under; another patient’s is not', async () => {
      const { superseded, current } = EDGE_NUMBERS;
      const viewer = new TestViewer(federation, 'london');
      await viewer.ask(superseded, `/fhir/Condition?patient=${superseded}`);
      viewer.close();
      const both = { patient_also: [ENTITY_OF(superseded)] };
      assert.equal((await herts.ask(current, both)).claims.outcome, 'answered');
      await withheld(herts, UNSEEN, 'number-not-confirmed', { patient_also: [ENTITY_OF(LONDONER)] });
      await withheld(herts, superseded, 'number-not-confirmed');
    });

    const REFUSED: [string, string, number, object][] = [
      ['another purpose', 'purpose-not-agreed', 403, { reason_for_request: 'directcare' }],
      ['a clinician’s role', 'role-not-agreed', 403, { requesting_user_role: 'R8000' }],
      ['an organisation of ours', 'outside-coverage', 403, { requesting_organization: 'RAL' }],
      ['a shared account', 'bad-claims', 400, { requesting_user: 'https://a.example/Id/user|shared' }],
      ['a span that ends before it begins', 'bad-claims', 400, { to: '2019-01-01T00:00:00.000Z' }],
      ['a claim that nobody knows', 'bad-claims', 400, { everything: true }],
      ['a cursor that is not ours', 'page-unreadable', 400, { cursor: 'AAAA' }],
    ];
    for (const [name, code, status, change] of REFUSED) {
      it(`refuses ${name}`, async () => {
        assert.deepEqual(await herts.refused(PATIENT, change as Record<string, unknown>), [status, code]);
        const row = (await readAudit(federation.config('london'))).at(-1);
        assert.deepEqual([row?.event, row?.reason], ['access-question-refused', code]);
      });
    }

    it('refuses where the agreement does not name the purpose', async () => {
      const midlands = new AccessAsking(federation, 'west-midlands', 'london');
      assert.deepEqual(await midlands.refused(PATIENT), [403, 'purpose-not-agreed']);
    });

    it('whoever may ask this opens no record by it', async () => {
      const change = { reason_for_request: 'accessreport' };
      for (const role of ['R0001', 'R8000']) {
        const query = await herts.neighbour.query('london', PATIENT, {
          ...change,
          requesting_user_role: role,
        });
        assert.equal(errorCode((await herts.neighbour.send('london', query)).body), 'purpose-not-agreed');
      }
      const clinical = await herts.neighbour.query('london', PATIENT, { requesting_user_role: 'R0001' });
      assert.equal(errorCode((await herts.neighbour.send('london', clinical)).body), 'role-not-agreed');
    });
  });

  it('takes a question once, and never a query in its place, nor a question as a query', async () => {
    const token = await herts.token(PATIENT);
    assert.equal((await herts.send(token)).status, 200);
    const again = await herts.send(token);
    assert.deepEqual([again.status, errorCode(again.body)], [401, 'replayed']);
    assert.equal((await herts.verified(again, token)).outcome, 'refused');
    const query = await herts.neighbour.query('london', PATIENT);
    assert.equal(errorCode((await herts.send(query)).body), 'wrong-typ');
    const question = await herts.token(PATIENT);
    assert.equal(errorCode((await herts.neighbour.send('london', question)).body), 'wrong-typ');
  });

  it('counts what comes before proof, unsigned', async () => {
    for (const [token, code] of [
      [undefined, 'malformed'],
      ['a.b.c', 'malformed'],
      [await herts.token(PATIENT, {}, { signer: await essex.neighbour.signer() }), 'unknown-kid'],
    ] as const) {
      const reply = await herts.send(token);
      assert.equal(errorCode(reply.body), code);
      assert.equal(reply.headers['wayleave-response'], undefined);
    }
  });

  describe('the log', () => {
    it('in several pages, each look once; the cursor is good for the same question alone', async () => {
      const nhsNumber = '9990000034';
      const many = 1_203;
      const config = federation.config('london');
      const log = await auditLogIn(store, config, loadSecrets(config.secretsDirectory));
      const trail = new AuditTrail(log, store.log, Date.now);
      const asking = { nhsNumber, role: 'R8000', organisation: 'RAL', user: USER };
      await Promise.all(
        Array.from({ length: many }, (_one, nth) =>
          trail.viewerRefused({ ...asking, exchange: `many-${nth}` }, 'role-refused'),
        ),
      );
      const span = { to: new Date(Date.now() + 1).toISOString() };
      const pages: AccessBody[] = [];
      let cursor: string | undefined;
      do {
        const { body } = await herts.ask(nhsNumber, { ...span, cursor });
        pages.push(body);
        cursor = body.next;
      } while (cursor !== undefined && pages.length < 10);
      assert.deepEqual(
        pages.map(({ accesses }) => accesses.length),
        [500, 500, 203],
      );
      const times = pages.flatMap(({ accesses }) => accesses.map(({ at }) => at));
      assert.deepEqual(
        times,
        times.toSorted((one, other) => other - one),
      );
      const [{ next } = { next: '' }] = pages;
      const other = { ...span, cursor: next };
      assert.deepEqual(await herts.refused(PATIENT, other), [400, 'page-unreadable']);
      assert.deepEqual(await essex.refused(nhsNumber, other), [400, 'page-unreadable']);
      assert.deepEqual(await herts.refused(nhsNumber, { cursor: next }), [400, 'page-unreadable']);
      const enquiries = (await readAudit(config)).filter(
        ({ event, values }) => event === 'access-question-received' && values['nhs_number'] === nhsNumber,
      );
      assert.ok(enquiries.filter(({ detail }) => detail !== undefined).length >= 2);
    });

    it('keeps the question and the answer, and both ends’ evidence holds', async () => {
      const { claims } = await herts.ask(PATIENT);
      const { file } = await withLog(federation, 'london', (log) => log.export(claims.question_jti));
      assert.equal(file.entries.length, 2);
      assert.deepEqual(await failures(file), []);
      const [received, answered] = file.entries;
      assert.ok(received && answered);
      // A query's answer in the place of this one's is told by its type.
      const swapped = {
        ...answered,
        leaf: answered.leaf.replace('access-question-answered', 'query-answered'),
      };
      const wrong = await failures({ ...file, entries: [received, swapped] });
      assert.ok(wrong.includes('response') && wrong.includes('inclusion'));
    });

    it('tells the patient, in our own report, that it was searched', async () => {
      const digest = patientDigestOf(loadSecrets(federation.config('london').secretsDirectory));
      await withLog(federation, 'london', async (open) => {
        const sources = {
          store: open.store.log,
          archive: open.store.archive,
          log: open.log,
          digest,
          region: 'london',
        };
        const question = { nhsNumber: PATIENT, also: [], from: 0, to: Number.MAX_SAFE_INTEGER };
        const { enquiries } = await gatherReport(question, sources);
        assert.ok(enquiries.some(({ event }) => event === 'access-question-received'));
      });
    });
  });

  it('leaves no number, user or token in what the brokers logged', () => {
    assert.doesNotMatch(federation.logged.join('\n'), /99900\d{5}|dr\.test|eyJ[A-Za-z0-9_-]{10}/);
  });
});

describe('who at your side received this record, where the log cannot be written', () => {
  let directory: string;
  let store: Store;
  let federation: TestFederation;
  let failing: string | undefined;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'wayleave-accesses-'));
    store = await openSqliteStore(join(directory, 'london.db'));
    const breakable = { ...store, log: { ...store.log, append: append(store, () => failing) } };
    federation = await startFederation({
      regions: ['herts-west-essex', 'london'],
      store: (region) => (region === 'london' ? breakable : undefined),
    });
  });
  after(async () => {
    await federation.stop();
    await store.close();
    await rm(directory, { recursive: true });
  });

  for (const event of [
    'access-question-received',
    'access-question-answered',
    'access-question-withheld',
    'access-question-refused',
  ] as const) {
    it(`releases nothing when ${event} cannot be kept`, async () => {
      const asking = new AccessAsking(federation, 'herts-west-essex', 'london');
      failing = event;
      const nhsNumber = event.endsWith('withheld') ? LONDONER : PATIENT;
      const change = event.endsWith('refused') ? { requesting_user_role: 'R8000' } : {};
      const reply = await asking.send(await asking.token(nhsNumber, change));
      assert.deepEqual([reply.status, errorCode(reply.body)], [503, 'audit-unavailable']);
      assert.equal(reply.headers['wayleave-response'], undefined);
      assert.doesNotMatch(reply.text, /accesses/);
      failing = undefined;
      assert.equal((await asking.ask(PATIENT)).claims.outcome, 'none');
    });
  }
});

function append(sound: Store, failing: () => string | undefined): Store['log']['append'] {
  return (log, items: readonly LogItem[]) =>
    items.some(({ entries }) => entries.some(({ event }) => event === failing()))
      ? Promise.reject(new HouseError('audit-unavailable'))
      : sound.log.append(log, items);
}

function agreementWith(config: RawConfig, region: string): RawConfig & { access_report: RawConfig } {
  const found = (config['neighbours'] as RawConfig[]).find((one) => one['region'] === region);
  assert.ok(found);
  return found['agreement'] as RawConfig & { access_report: RawConfig };
}
