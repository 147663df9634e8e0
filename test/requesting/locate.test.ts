import assert from 'node:assert/strict';
import { randomUUID, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { openStore, patientDigestOf } from '../../src/broker.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import { STORY_NUMBERS } from '../../src/demo/stories.ts';
import { TYP } from '../../src/evidence/claims.ts';
import { sha256 } from '../../src/evidence/digests.ts';
import { signingInputDigest, signMessage } from '../../src/evidence/message.ts';
import { PatientNumberSeal } from '../../src/evidence/patient-number-seal.ts';
import { SYSTEM } from '../../src/fhir/codes.ts';
import type { Bundle, Resource } from '../../src/fhir/resource.ts';
import { thumbprintOf } from '../../src/trust/peer-certificate.ts';
import { failures, withLog } from '../audit/evidence-of.ts';
import { startFederation, type RawConfig, type TestFederation } from '../support/federation.ts';
import { TestNeighbour } from '../support/neighbour.ts';
import { issuesOf, matchesOf, rollCallOf, TestViewer, warningsOf } from '../support/viewer.ts';
import { auditEnd, auditRows } from './audit-rows.ts';
import { EventStream } from './event-stream.ts';
import { LONDON, startWithLyingLondon, type Heard, type LyingLondon, type Wire } from './lying-london.ts';

/** Home is London, which knows of a treatment in Watford; asked from Chelmsford, where nobody knows anything. */
const [, LONDONER, , , , RESTRICTED] = STORY_NUMBERS;
const ASKER = 'essex-suffolk';
const HELD = `/fhir/AllergyIntolerance?patient=${LONDONER}`;

const regionsOf = (resource: Resource): string[] => [
  ...new Set(
    matchesOf(resource).map(
      ({ resource: { meta } }) => meta?.tag?.find(({ system }) => system === SYSTEM.region)?.code ?? '',
    ),
  ),
];
const rulesOf = (resource: Resource): string[] =>
  issuesOf(resource).flatMap(({ details }) =>
    (details.coding ?? []).filter(({ system }) => system === SYSTEM.rule).map(({ code }) => code ?? ''),
  );

function editing(change: (london: RawConfig, config: RawConfig) => void) {
  return (region: string, config: RawConfig): void => {
    if (region !== ASKER) return;
    const london = (config['neighbours'] as RawConfig[]).find((one) => one['region'] === 'london');
    change(london ?? {}, config);
  };
}

describe('a region that the home region names', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  before(async () => {
    federation = await startFederation();
    viewer = new TestViewer(federation, ASKER);
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });

  it('joins the running query, and the roll-call says why', async () => {
    const from = await auditEnd(federation, ASKER);
    const reply = await viewer.ask(LONDONER, HELD);
    assert.equal(reply.status, 200);
    assert.deepEqual(rollCallOf(reply.body), {
      'herts-west-essex': ['answered', 'located'],
      london: ['none', 'registered'],
      'essex-suffolk': ['not-asked', 'no-reason'],
      'west-midlands': ['not-asked', 'no-reason'],
    });
    assert.deepEqual(regionsOf(reply.body), ['herts-west-essex']);
    assert.deepEqual([warningsOf(reply.body), (reply.body as Bundle).total], [[], 1]);

    const rows = (await auditRows(federation, ASKER, from)).filter(
      ({ event }) => event !== 'inclusion-proved',
    );
    const order = (event: string, region?: string): number =>
      rows.findIndex((row) => row.event === event && row.region === region);
    assert.equal(new Set(rows.map(({ exchange }) => exchange)).size, 1);
    assert.ok(order('locate-sent', 'london') < order('locate-believed', 'london'));
    assert.ok(order('locate-believed', 'london') < order('route-extended'));
    assert.equal(order('query-sent', 'herts-west-essex'), order('route-extended') + 1);
    assert.equal(rows.at(-1)?.event, 'released-to-viewer');
    const believed = rows.find(({ event }) => event === 'locate-believed');
    assert.equal(believed?.values['regions'], '["herts-west-essex"]');
    assert.match(rows.find(({ event }) => event === 'route-extended')?.values['plan'] ?? '', /located/);
  });

  it('has its event in a stream, and the end tells of it', async () => {
    const stream = await EventStream.open(viewer, LONDONER, HELD);
    const events = await stream.rest();
    const told = events.map(({ event, data }) =>
      [event, ...(data.meta?.tag ?? []).map(({ code }) => code)].join(' '),
    );
    assert.ok(told.includes('region herts-west-essex answered'), told.join());
    assert.equal(told.at(-1), 'end');
    assert.deepEqual(rollCallOf(events.at(-1)?.data ?? { resourceType: 'none' })['herts-west-essex'], [
      'answered',
      'located',
    ]);
  });

  it('gives its next page', async () => {
    const path = `/fhir/MedicationRequest?patient=${LONDONER}&_count=1`;
    const seen: string[] = [];
    const pages: Bundle[] = [];
    for (let url: string | undefined = path; url !== undefined && pages.length < 20;) {
      const { status, body } = await viewer.ask(LONDONER, url);
      assert.equal(status, 200);
      assert.deepEqual(warningsOf(body), []);
      pages.push(body as Bundle);
      seen.push(...matchesOf(body).map(({ fullUrl }) => fullUrl));
      url = (body as Bundle).link?.find(({ relation }) => relation === 'next')?.url;
    }
    const all = await viewer.ask(LONDONER, `/fhir/MedicationRequest?patient=${LONDONER}`);
    const whole = matchesOf(all.body).map(({ fullUrl }) => fullUrl);
    assert.ok(whole.filter((url) => url.includes('/regions/herts-west-essex/')).length > 1);
    assert.deepEqual(seen.sort(), whole.sort());
  });

  it('opens what it gave', async () => {
    const found = matchesOf((await viewer.ask(LONDONER, HELD)).body);
    const reply = await viewer.ask(LONDONER, found[0]?.fullUrl ?? '');
    assert.deepEqual([reply.status, reply.body.id], [200, found[0]?.resource.id]);
  });

  it('is not looked for where the home region is our own, or the patient is restricted', async () => {
    for (const [region, nhsNumber] of [
      ['london', LONDONER],
      ['herts-west-essex', RESTRICTED],
    ] as const) {
      const from = await auditEnd(federation, region);
      const one = new TestViewer(federation, region);
      assert.equal((await one.ask(nhsNumber, `/fhir/Condition?patient=${nhsNumber}`)).status, 200);
      one.close();
      const rows = await auditRows(federation, region, from);
      assert.deepEqual(
        rows.filter(({ event }) => event.startsWith('locate')),
        [],
      );
    }
  });

  it('is looked for too where our own register has the patient as well', async () => {
    const config = federation.config(ASKER);
    const { patientDigestKey } = loadSecrets(config.secretsDirectory);
    const patient = patientDigestOf(loadSecrets(config.secretsDirectory))(LONDONER);
    const store = await openStore(config);
    const sealedNumber = new PatientNumberSeal(patientDigestKey).seal(LONDONER, patient);
    await store.register.record([{ patient, sealedNumber, practice: 'D83040', from: 0 }], { at: Date.now() });
    await store.close();
    const { body } = await viewer.ask(LONDONER, HELD);
    assert.deepEqual(rulesOf(body), ['registered', 'temporary']);
    assert.deepEqual(rollCallOf(body)['herts-west-essex'], ['answered', 'located']);
  });

  it('leaves no NHS number and no token in a log', () => {
    assert.doesNotMatch(federation.logged.join('\n'), /99900\d{5}|eyJ[A-Za-z0-9_-]{10}/);
  });
});

describe('a home region that does not tell whom else to ask', () => {
  let federation: TestFederation;
  let london: LyingLondon;
  let viewer: TestViewer | undefined;

  async function start(
    edit: (london: RawConfig, config: RawConfig) => void = () => undefined,
  ): Promise<void> {
    await stop();
    ({ federation, london } = await startWithLyingLondon({
      edit: editing((link, config) => {
        link['breaker'] = { volume_threshold: 1000 };
        edit(link, config);
      }),
    }));
    viewer = new TestViewer(federation, ASKER);
  }
  async function stop(): Promise<void> {
    if (viewer === undefined) return;
    viewer.close();
    london.close();
    await federation.stop();
  }
  after(stop);

  async function asked(lie: Lie | 'silence') {
    london.behaviour = (heard) => (lie === 'silence' ? undefined : answers(federation, heard, lie));
    const from = await auditEnd(federation, ASKER);
    const { body } = await viewer!.ask(LONDONER, HELD);
    const rows = await auditRows(federation, ASKER, from);
    return { body, rows };
  }

  describe('because it does not know, or is not believed', () => {
    before(() => start());

    it('leaves the answer without a total, and says that the search may be incomplete', async () => {
      const { body, rows } = await asked({ outcome: 'not-known' });
      assert.deepEqual(rulesOf(body), ['registered', 'home-not-located']);
      assert.ok(warningsOf(body).includes('incomplete'));
      assert.equal('total' in body, false);
      assert.equal(rollCallOf(body)['herts-west-essex']?.[0], 'not-asked');
      assert.ok(rows.some(({ event, outcome }) => event === 'locate-believed' && outcome === 'not-known'));
    });

    const lies: readonly [name: string, Lie][] = [
      ['signed by another region', { signer: 'west-midlands' }],
      ['of another type', { typ: TYP.response }],
      ['for another question', { claims: { locate_jti: randomUUID() } }],
      ['with another body than was signed', { sent: '{"regions":["herts-west-essex"]}' }],
      ['with an organisation in it', { body: '{"regions":["west-midlands"],"organisations":["RPY"]}' }],
      ['with an organisation for a region', { body: '{"regions":["RPY"]}' }],
      ['with a region named twice', { body: '{"regions":["west-midlands","west-midlands"]}' }],
      [
        'with more regions than one answer may name',
        { regions: Array.from({ length: 65 }, (_, n) => `r${n}`) },
      ],
      ['with half a body', { body: '{"regions":["west' }],
    ];
    for (const [name, lie] of lies) {
      it(name, async () => {
        const { body, rows } = await asked({ regions: ['west-midlands'], ...lie });
        assert.deepEqual(rulesOf(body), ['registered', 'home-not-located']);
        assert.equal(rollCallOf(body)['west-midlands']?.[0], 'not-asked');
        assert.ok(rows.some(({ event, region }) => event === 'locate-not-believed' && region === 'london'));
      });
    }
  });

  it('is asked once more where nothing of an answer came, as a question of its own', async () => {
    await start();
    const heard: Heard[] = [];
    london.behaviour = (one, response) => {
      if (!one.request.url?.endsWith('/locate')) return london.genuine(one);
      heard.push(one);
      if (heard.length === 1) return void response.destroy();
      return answers(federation, one, { regions: ['west-midlands'] });
    };
    const { body } = (await viewer?.ask(LONDONER, HELD)) ?? { body: { resourceType: '' } };
    assert.equal(rollCallOf(body)['west-midlands']?.[1], 'located');
    const [first, second, ...more] = heard.map(({ claims }) => claims);
    assert.deepEqual([second?.retry_of, more.length], [first?.jti, 0]);
    const rows = (await auditRows(federation, ASKER)).filter(({ event }) => event.startsWith('locate'));
    assert.deepEqual(
      rows.map(({ event, jti, retry_of, retried_as }) => [event, jti, retry_of ?? retried_as]),
      [
        ['locate-sent', first?.jti, undefined],
        ['locate-not-reached', first?.jti, second?.jti],
        ['locate-sent', second?.jti, first?.jti],
        ['locate-believed', second?.jti, undefined],
      ],
    );
    await withLog(federation, ASKER, async (open) => {
      assert.deepEqual(await failures((await open.export(second?.jti ?? '')).file), []);
    });
  });

  it('has all asked where the rule says so, and takes no more than its share of the time when it hangs', async () => {
    await start((_london, config) => {
      Object.assign(config['budgets'] as RawConfig, { bundle_ms: 2_000, locate_ms: 200 });
      config['routing'] = { without_locate: 'ask-all-agreed' };
    });
    const { body, rows } = await asked('silence');
    assert.deepEqual(rollCallOf(body)['herts-west-essex'], ['answered', 'ask-all']);
    assert.deepEqual(rollCallOf(body)['west-midlands'], ['none', 'ask-all']);
    assert.equal(rollCallOf(body)['london']?.[0], 'not-reached');
    assert.equal(rows.find(({ event }) => event === 'locate-not-reached')?.reason, 'timeout');
  });

  it('leaves a read as not reached, not as nothing there', async () => {
    await start();
    london.behaviour = (heard) => answers(federation, heard, { outcome: 'not-known' });
    const path = '/regions/herts-west-essex/hwe-shared-care-record/fhir/AllergyIntolerance/1001';
    const { status, body } = (await viewer?.ask(LONDONER, path)) ?? { status: 0, body: { resourceType: '' } };
    const [issue] = issuesOf(body);
    const outcome = issue?.details.coding?.find(({ system }) => system === SYSTEM.outcome)?.code;
    assert.deepEqual([status, outcome], [504, 'not-reached']);
    const sent = (await auditRows(federation, ASKER)).find(({ event }) => event === 'locate-sent');
    assert.match(sent?.values['viewer_token'] ?? '', /^eyJ/);
  });

  it('is not asked where our own agreement does not say that it may be', async () => {
    await start((link) => Reflect.deleteProperty(link['agreement'] as RawConfig, 'locate'));
    const { body, rows } = await asked({});
    assert.ok(rulesOf(body).includes('locate-not-agreed'));
    assert.deepEqual(
      rows.filter(({ event }) => event.startsWith('locate')),
      [],
    );
    assert.equal('total' in body, false);
  });

  it('names whom it likes: only who is a neighbour by our own agreement is asked', async () => {
    await start((_link, config) => {
      const midlands = (config['neighbours'] as RawConfig[]).find((one) => one['region'] === 'west-midlands');
      (midlands?.['agreement'] as RawConfig)['until'] = '2026-04-02';
    });
    const regions = ['atlantis', 'essex-suffolk', 'herts-west-essex', 'london', 'west-midlands'];
    const called = rollCallOf((await asked({ regions })).body);
    assert.deepEqual(called['herts-west-essex'], ['answered', 'located']);
    assert.deepEqual(called['west-midlands'], ['not-asked', 'no-agreement']);
    assert.equal('atlantis' in called, false);
  });
});

interface Lie {
  readonly regions?: readonly string[];
  readonly outcome?: string;
  readonly body?: string;
  /** What goes out in the place of the body that was signed. */
  readonly sent?: string;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly typ?: string;
  readonly signer?: 'west-midlands';
}

/** London's answer to a locate question, believed but for what the test changes; a query it answers with an error. */
async function answers(
  federation: TestFederation,
  { token, claims: asked, request }: Heard,
  lie: Lie,
): Promise<Wire> {
  if (request.url !== '/federation/v1/locate') return { status: 500, body: '{}' };
  const body = lie.body ?? JSON.stringify({ regions: lie.regions ?? [] });
  const iat = Math.floor(Date.now() / 1000);
  const leaf = readFileSync(join(federation.directory, 'keys/london/public/tls-server.pem'));
  const all = {
    ...{ iss: LONDON, aud: asked.iss, iat, exp: iat + 60, jti: randomUUID(), stmt: 1 },
    cnf: { 'x5t#S256': thumbprintOf(new X509Certificate(leaf)) },
    ...{ locate_jti: asked.jti, locate_digest: signingInputDigest(token) },
    ...{ outcome: lie.outcome ?? 'answered', status: 200, body_digest: sha256(body) },
    ...lie.claims,
  };
  const signer = await new TestNeighbour(federation, lie.signer ?? 'london').signer();
  return {
    status: 200,
    token: signMessage(signer, lie.typ ?? TYP.located, all).token,
    body: lie.sent ?? body,
  };
}
