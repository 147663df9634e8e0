import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';

import { openStore, patientDigestOf } from '../../src/broker.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import { createPdsServer } from '../../src/demo/pds-server.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { EDGE_NUMBERS, buildStories } from '../../src/demo/stories.ts';
import type { Store } from '../../src/store/contracts.ts';
import { readAudit } from '../support/audit.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { errorCode } from '../support/viewer.ts';
import { LocateAsking, type AnsweredLocate } from './locate-asking.ts';

/** Registered in Harlow; its home knows of an admission in Croydon. */
const PATIENT = '9990000018';
/** Registered in Hertfordshire, treated in London. */
const ANOTHER = '9990000034';
const LONDONER = '9990000026';
/** Its home knows of a treatment in London. */
const RESTRICTED = '9990000069';
/** Registered in Suffolk, treated where no region reaches. */
const OUT_OF_REACH = '9990000050';
const NOBODY = '{"regions":[]}';

describe('who else should be asked, asked of the home region by a neighbour', () => {
  let federation: TestFederation;
  let essex: LocateAsking;
  let london: LocateAsking;
  let midlands: LocateAsking;
  let store: Store;
  let digest: (nhsNumber: string) => string;
  let pdsIsDown = false;
  /** How often demographics were. */
  let asked = 0;

  before(async () => {
    const data = buildStories(new Date());
    const pds = createPdsServer({ entries: data.demographics });
    const demographics: RequestListener = (request, response) => {
      asked += 1;
      if (pdsIsDown) return void response.destroy();
      pds(request, response);
    };
    federation = await startFederation({
      ...{ data, demographics, regions: ['herts-west-essex', 'london', 'essex-suffolk', 'west-midlands'] },
      edit: (region, config) => {
        (config['demographics'] as RawConfig)['cache'] = { entries: 0 };
        (config['demographics'] as RawConfig)['breaker'] = { volume_threshold: 1000 };
        if (region !== 'herts-west-essex') return;
        const agreement = (config['neighbours'] as RawConfig[]).find(
          (one) => one['region'] === 'west-midlands',
        );
        Reflect.deleteProperty(agreement?.['agreement'] as RawConfig, 'locate');
      },
    });
    const home = federation.config('herts-west-essex');
    store = await openStore(home);
    digest = patientDigestOf(loadSecrets(home.secretsDirectory));
    essex = new LocateAsking(federation, 'essex-suffolk', 'herts-west-essex');
    london = new LocateAsking(federation, 'london', 'herts-west-essex');
    midlands = new LocateAsking(federation, 'west-midlands', 'herts-west-essex');
  });
  after(async () => {
    await store.close();
    await federation.stop();
  });
  beforeEach(() => {
    pdsIsDown = false;
  });

  const rows = (home: RegionId = 'herts-west-essex') => readAudit(federation.config(home));
  async function endOf({ claims }: AnsweredLocate, home?: RegionId) {
    return (await rows(home)).find(
      ({ event, jti }) => jti === claims.locate_jti && event !== 'locate-received',
    );
  }
  /** Everything of an entry that the asker may have proved to it, but for what differs from question to question. */
  async function shownBy(answered: AnsweredLocate, home?: RegionId) {
    const { values, outcome, reason, count, agreement, event } = (await endOf(answered, home)) ?? {
      values: {},
    };
    return { sealed: Object.keys(values).sort(), outcome, reason, count, agreement, event };
  }

  it('region ids only', async () => {
    const answered = await essex.ask(PATIENT);
    assert.equal(answered.reply.text, '{"regions":["london"]}');
    assert.equal(answered.claims.outcome, 'answered');
    assert.equal((await london.ask(PATIENT)).reply.text, answered.reply.text);
    const row = await endOf(answered);
    assert.deepEqual(
      [row?.event, row?.region, row?.values['regions'], row?.values['why'], row?.values['nhs_number']],
      ['locate-answered', 'essex-suffolk', '["london"]', 'told', PATIENT],
    );
    assert.equal(row?.values['user'], 'https://fhir.nhs.uk/Id/sds-user-id|100000000001');
  });

  it('a superseded number leads to the same', async () => {
    const current = await essex.ask(EDGE_NUMBERS.current);
    assert.equal(current.reply.text, '{"regions":["london"]}');
    assert.equal((await essex.ask(EDGE_NUMBERS.superseded)).reply.text, current.reply.text);
  });

  type Shown = { readonly shown: Awaited<ReturnType<typeof shownBy>> };

  it('nobody is named for a patient who is hidden, and no empty list is given for who is not ours: one answer for all of an outcome', async () => {
    const objection = { patient: digest(ANOTHER), kind: 'objection', from: 0 } as const;
    assert.equal((await essex.ask(ANOTHER)).reply.text, '{"regions":["london"]}');
    await store.objections.record([objection]);
    await store.objections.record([{ patient: digest(PATIENT), kind: 'restriction', from: 0 }]);
    await store.objections.record([{ patient: digest(LONDONER), kind: 'objection', from: 0 }]);
    const answers = { answered: [] as Shown[], 'not-known': [] as Shown[] };
    for (const [nhsNumber, outcome, why] of [
      [ANOTHER, 'answered', 'objection'],
      [PATIENT, 'answered', 'restricted'],
      [RESTRICTED, 'not-known', 'restricted'],
      [LONDONER, 'not-known', 'not-home'],
      [EDGE_NUMBERS.withoutPractice, 'not-known', 'not-home'],
      [EDGE_NUMBERS.ended, 'not-known', 'not-home'],
      [EDGE_NUMBERS.invalidated, 'not-known', 'not-home'],
      ['9990900000', 'not-known', 'not-home'],
      [LONDONER, 'not-known', 'home-not-known'],
    ] as const) {
      pdsIsDown = why === 'home-not-known';
      const answered = await essex.ask(nhsNumber);
      const row = await endOf(answered);
      assert.deepEqual([answered.reply.text, row?.values['why']], [NOBODY, why], why);
      assert.equal(answered.claims.outcome, outcome, why);
      const { locate_jti, locate_digest, jti, iat, exp, checkpoint, ...same } = answered.claims;
      assert.ok(locate_jti && locate_digest && jti && iat && exp && checkpoint !== '');
      answers[outcome].push({ ...same, shown: await shownBy(answered) });
    }
    pdsIsDown = false;
    // And the same as of a patient of ours of whom nobody else is known.
    const other = 'essex-suffolk';
    const ours = await new LocateAsking(federation, 'london', other).ask(OUT_OF_REACH);
    assert.deepEqual([ours.reply.text, (await endOf(ours, other))?.values['why']], [NOBODY, 'told']);
    assert.deepEqual(
      [ours.claims.outcome, await shownBy(ours, other)],
      ['answered', answers.answered[0]?.shown],
    );
    for (const alike of Object.values(answers))
      for (const answer of alike) assert.deepEqual(answer, alike[0]);
    const [answered, unknown] = [answers.answered, answers['not-known']].map(([one]) => one?.shown.sealed);
    assert.deepEqual(answered, unknown, 'what is sealed is the same for everybody');
    await store.objections.record([{ ...objection, until: 1 }]);
    await store.objections.record([{ patient: digest(PATIENT), kind: 'restriction', from: 0, until: 1 }]);
    await store.objections.record([{ patient: digest(LONDONER), kind: 'objection', from: 0, until: 1 }]);
  });

  it('an objection is lifted by the glass that the agreement names, a restriction is not', async () => {
    const glass = { break_glass: { code: 'emergency', reason: 'unconscious on arrival' } };
    const objection = { patient: digest(ANOTHER), kind: 'objection', from: 0 } as const;
    await store.objections.record([objection]);
    assert.equal((await essex.ask(ANOTHER, glass)).reply.text, '{"regions":["london"]}');
    assert.equal((await essex.ask(RESTRICTED, glass)).reply.text, NOBODY);
    const wrong = { break_glass: { code: 'curiosity', reason: 'unconscious on arrival' } };
    assert.equal((await essex.ask(ANOTHER, wrong)).reply.text, NOBODY);
    await store.objections.record([{ ...objection, kind: 'restriction' }]);
    assert.equal((await essex.ask(ANOTHER, glass)).reply.text, NOBODY);
    for (const kind of ['objection', 'restriction'] as const)
      await store.objections.record([{ ...objection, kind, until: 1 }]);
  });

  it('what the asker itself told is not told back to it; what others told, and our own care locations, are', async () => {
    const at = Date.now();
    const told = (nhsNumber: string, region: string, from: string) =>
      ({ patient: digest(nhsNumber), region, how: 'handover', from, firstTold: at, lastTold: at }) as const;
    await store.knownRegions.record([
      told(PATIENT, 'essex-suffolk', 'essex-suffolk'),
      told(PATIENT, 'west-midlands', 'essex-suffolk'),
      told(PATIENT, 'london', 'london'),
    ]);
    assert.equal((await essex.ask(PATIENT)).reply.text, '{"regions":["london"]}');
    // London is there by a care location of ours.
    const toLondon = '{"regions":["essex-suffolk","london","west-midlands"]}';
    assert.equal((await london.ask(PATIENT)).reply.text, toLondon);
    await store.knownRegions.record([told(PATIENT, 'essex-suffolk', 'london')]);
    assert.equal((await essex.ask(PATIENT)).reply.text, '{"regions":["essex-suffolk","london"]}');
    await store.knownRegions.forget(at + 1_000, 100);
  });

  it('with too little time to look anybody up nothing is looked at, whoever was looked up lately', async () => {
    for (const budget of ['0', '499']) {
      const token = await essex.token(PATIENT);
      const before = asked;
      const reply = await essex.send(token, { 'Wayleave-Budget-Ms': budget });
      const { outcome } = await essex.verified(reply, token);
      assert.deepEqual([reply.text, outcome, asked - before], [NOBODY, 'not-known', 0]);
    }
  });

  it('what cannot be found out is said to be that, with nobody named', async () => {
    pdsIsDown = true;
    const answered = await essex.ask(PATIENT);
    assert.deepEqual([answered.reply.text, answered.claims.outcome], [NOBODY, 'not-known']);
    assert.equal((await endOf(answered))?.values['why'], 'home-not-known');
  });

  it('nobody is named for whom demographics told as restricted before they were away, as for anybody then', async () => {
    assert.equal((await endOf(await essex.ask(RESTRICTED)))?.values['why'], 'restricted');
    pdsIsDown = true;
    const [restricted, another] = [await essex.ask(RESTRICTED), await essex.ask(PATIENT)];
    assert.deepEqual([restricted.reply.text, restricted.claims.outcome], [NOBODY, 'not-known']);
    assert.deepEqual(await shownBy(restricted), await shownBy(another));
    const whys = await Promise.all([restricted, another].map((one) => endOf(one)));
    assert.deepEqual(
      whys.map((row) => row?.values['why']),
      ['restricted', 'home-not-known'],
    );
  });

  describe('refused, signed', () => {
    const cases: readonly [string, number, string, Record<string, unknown>][] = [
      ['another region’s organisation', 403, 'outside-coverage', { requesting_organization: 'RJ6' }],
      ['a purpose that is not agreed', 403, 'purpose-not-agreed', { reason_for_request: 'research' }],
      ['the purpose of a report', 403, 'purpose-not-agreed', { reason_for_request: 'accessreport' }],
      ['a role that is not agreed', 403, 'role-not-agreed', { requesting_user_role: 'R8009' }],
      ['a shared account', 400, 'bad-claims', { requesting_user: 'https://x.example/Id|admin' }],
      ['no patient', 400, 'bad-claims', { patient: undefined }],
      [
        'a number with a wrong check digit',
        400,
        'bad-claims',
        { patient: 'https://fhir.nhs.uk/Id/nhs-number|9990000019' },
      ],
      ['a search beside it', 400, 'bad-claims', { search: [{ id: 'x', query: 'Condition' }] }],
      ['another connection', 401, 'wrong-binding', { cnf: { 'x5t#S256': 'A'.repeat(43) } }],
      ['another sender', 401, 'wrong-issuer', { iss: 'https://london.wayleave.example' }],
      ['another receiver', 401, 'wrong-audience', { aud: 'https://london.wayleave.example' }],
    ];
    for (const [name, status, code, change] of cases) {
      it(name, async () => {
        assert.deepEqual(await essex.refused(await essex.token(PATIENT, change)), [status, code]);
      });
    }

    it('an agreement that does not say where else to look', async () => {
      assert.deepEqual(await midlands.refused(await midlands.token(PATIENT)), [403, 'locate-not-agreed']);
      const last = (await rows()).at(-1);
      assert.deepEqual(
        [last?.event, last?.reason, last?.region],
        ['locate-refused', 'locate-not-agreed', 'west-midlands'],
      );
    });

    it('a replay, one moment later', async () => {
      const token = await essex.token(PATIENT);
      assert.equal((await essex.send(token)).status, 200);
      assert.deepEqual(await essex.refused(token), [401, 'replayed']);
    });

    it('a query in its place, and it in the place of a query', async () => {
      const query = await essex.token(
        PATIENT,
        { search: [{ id: 'x', query: 'Condition' }] },
        'wayleave-query+jwt',
      );
      assert.deepEqual(await essex.refused(query), [401, 'wrong-typ']);
      const reply = await essex.neighbour.send('herts-west-essex', await essex.token(PATIENT));
      assert.deepEqual([reply.status, errorCode(reply.body)], [401, 'wrong-typ']);
    });
  });

  it('says nothing of a patient in what it logs', () => {
    assert.doesNotMatch(federation.logged.join('\n'), /99900\d{5}|eyJ[A-Za-z0-9_-]{10}/);
  });
});
