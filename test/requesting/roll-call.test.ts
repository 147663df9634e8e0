import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';

import { EDGE_NUMBERS } from '../../src/demo/stories.ts';
import { CODE_SYSTEM_BASE } from '../../src/fhir/codes.ts';
import type { Bundle, Coding, Resource } from '../../src/fhir/resource.ts';
import { startFederation, type TestFederation } from '../support/federation.ts';
import { errorCode, issuesOf, matchesOf, rollCallOf, TestViewer, warningsOf } from '../support/viewer.ts';
import { NOWHERE_PATIENT, PATIENT, smallData } from './small-data.ts';

const REGIONS = ['essex-suffolk', 'herts-west-essex', 'london', 'west-midlands'];
const CHECKED = ['outcome', 'reason', 'rule', 'error'];

/** Every coding of our own that is anywhere in an answer. */
function ownCodings(value: unknown): Coding[] {
  if (typeof value !== 'object' || value === null) return [];
  const { system, code } = value as Coding;
  const own = typeof system === 'string' && system.startsWith(CODE_SYSTEM_BASE) ? [{ system, code }] : [];
  return [...(own as Coding[]), ...Object.values(value).flatMap(ownCodings)];
}

/** What holds for the OperationOutcome of every answer; the codes that it uses are checked as well. */
async function assertWellFormed(status: number, body: Resource, viewer: TestViewer): Promise<void> {
  const entries = (body as Bundle).entry ?? [];
  const outcomes = entries.filter(({ resource }) => resource?.resourceType === 'OperationOutcome');
  if (status === 200) {
    assert.equal(outcomes.length, 1);
    assert.equal(outcomes[0]?.search?.mode, 'outcome');
    assert.equal('fullUrl' in (outcomes[0] ?? {}), false);
  }
  const errors = issuesOf(body).map(({ severity }) => severity === 'error');
  assert.equal(errors.lastIndexOf(true), status === 200 ? -1 : 0);
  assert.deepEqual(Object.keys(rollCallOf(body)).sort(), REGIONS);
  const known = new Map<string, Set<string | undefined>>();
  for (const name of CHECKED) {
    const { body: system } = await viewer.send(`/fhir/CodeSystem/${name}`);
    assert.equal(system['url'], `${CODE_SYSTEM_BASE}/${name}`);
    const concepts = system['concept'] as { code: string }[];
    known.set(`${CODE_SYSTEM_BASE}/${name}`, new Set(concepts.map(({ code }) => code)));
  }
  const codings = ownCodings(body);
  for (const { system = '', code } of codings) {
    assert.ok(known.get(system)?.has(code) ?? true, `${system} has no ${code}`);
  }
  for (const { code, details } of issuesOf(body).slice(status === 200 ? 0 : 1)) {
    assert.ok(['informational', 'incomplete', 'timeout', 'throttled', 'suppressed'].includes(code));
    assert.ok(details.text.length > 0);
  }
}

describe('the roll-call', () => {
  let federation: TestFederation;
  before(async () => {
    federation = await startFederation();
  });
  after(() => federation.stop());

  const STORIES: [what: string, region: Parameters<TestFederation['broker']>[0], number: string][] = [
    ['a patient treated elsewhere', 'herts-west-essex', '9990000018'],
    ['a patient registered elsewhere', 'herts-west-essex', '9990000042'],
    ['our own other record', 'west-midlands', '9990000042'],
    ['a hospital outside every region', 'essex-suffolk', '9990000050'],
    ['a restricted patient', 'herts-west-essex', '9990000069'],
    ['an objection', 'herts-west-essex', '9990000077'],
    ['no practice', 'herts-west-essex', EDGE_NUMBERS.withoutPractice],
    ['a registration that ended', 'london', EDGE_NUMBERS.ended],
    ['an invalidated number', 'london', EDGE_NUMBERS.invalidated],
    ['a superseded number', 'herts-west-essex', EDGE_NUMBERS.superseded],
    ['a number that demographics do not know', 'herts-west-essex', '9990000085'],
  ];
  for (const [what, region, number] of STORIES) {
    it(`is one OperationOutcome with every region and published codes: ${what}`, async () => {
      const viewer = new TestViewer(federation, region);
      for (const path of [`/fhir/Condition?patient=${number}`, `/fhir/Patient/${number}/$everything`]) {
        const { status, body } = await viewer.ask(number, path);
        assert.equal(status, 200);
        await assertWellFormed(status, body, viewer);
      }
      viewer.close();
    });
  }
});

describe('the roll-call, where something fails', () => {
  let federation: TestFederation;
  let viewer: TestViewer;
  let suffolk: RequestListener;
  before(async () => {
    const failing: RequestListener = (_request, response) => void response.writeHead(500).end();
    suffolk = failing;
    federation = await startFederation({
      data: smallData(),
      records: { 'suffolk-north-east-essex': (request, response) => suffolk(request, response) },
    });
    viewer = new TestViewer(federation, 'herts-west-essex');
  });
  after(async () => {
    viewer.close();
    await federation.stop();
  });
  const ask = () => viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);

  it('is empty of entries and says so for every region where nothing leads anywhere', async () => {
    const { status, body } = await viewer.ask(NOWHERE_PATIENT, `/fhir/Condition?patient=${NOWHERE_PATIENT}`);
    assert.equal(status, 200);
    await assertWellFormed(status, body, viewer);
    assert.deepEqual(matchesOf(body), []);
    assert.deepEqual(rollCallOf(body), {
      'herts-west-essex': ['not-asked', 'own-record'],
      london: ['not-asked', 'no-reason'],
      'essex-suffolk': ['not-asked', 'no-reason'],
      'west-midlands': ['not-asked', 'no-reason'],
    });
  });

  it('names the record behind a region that fails while the region’s other record answers', async () => {
    const { status, body } = await ask();
    assert.equal(status, 200);
    await assertWellFormed(status, body, viewer);
    assert.deepEqual(rollCallOf(body)['essex-suffolk'], ['partial', 'care-location', 'record-not-reached']);
    assert.deepEqual(warningsOf(body), [
      'incomplete essex-suffolk/suffolk-north-east-essex not-reached fault',
    ]);
    assert.equal(matchesOf(body).length, 1);
    assert.equal('total' in body, false);
  });

  it('has one warning for a record that failed alike for every search', async () => {
    const { body } = await viewer.ask(PATIENT, `/fhir/Patient/${PATIENT}/$everything`);
    assert.deepEqual(warningsOf(body), [
      'incomplete essex-suffolk/suffolk-north-east-essex not-reached fault',
    ]);
  });

  it('is a 200 while any region gives a response that is believed, if only that it holds none', async () => {
    await federation.stopBroker('london');
    const { status, body } = await ask();
    assert.equal(status, 200);
    await assertWellFormed(status, body, viewer);
    assert.deepEqual(rollCallOf(body)['london'], ['not-reached', 'care-location', 'fault']);
    assert.deepEqual(matchesOf(body), []);
  });

  it('is a 504 where every planned region fails, with the same roll-call and warnings', async () => {
    await federation.stopBroker('essex-suffolk');
    const { status, body } = await ask();
    assert.equal(status, 504);
    assert.equal(body.resourceType, 'OperationOutcome');
    assert.equal(errorCode(body), 'nobody-answered');
    await assertWellFormed(status, body, viewer);
    assert.deepEqual(warningsOf(body), [
      'incomplete london not-reached fault',
      'incomplete essex-suffolk not-reached fault',
    ]);
    const patient = await viewer.ask(PATIENT, `/fhir/Patient/${PATIENT}`);
    assert.deepEqual([patient.status, errorCode(patient.body)], [504, 'nobody-answered']);
  });

  it('still answers about a patient of whom nobody is to be asked', async () => {
    const path = `/fhir/Condition?patient=${NOWHERE_PATIENT}`;
    assert.equal((await viewer.ask(NOWHERE_PATIENT, path)).status, 200);
  });
});
