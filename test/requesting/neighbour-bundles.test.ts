import assert from 'node:assert/strict';

import type { EvidenceCode } from '../../src/errors.ts';
import { sha256 } from '../../src/evidence/digests.ts';
import type { Bundle } from '../../src/fhir/resource.ts';
import { rollCallOf, warningsOf } from '../support/viewer.ts';
import { AskedOfLiars } from './asked-of-liars.ts';
import {
  aCondition,
  conditions,
  entryOf,
  MARK,
  RECORD_BASE,
  thePatient,
  type Believable,
  type LyingLondon,
} from './lying-london.ts';
import { PATIENT } from './small-data.ts';

const OBSERVATION = {
  resourceType: 'Observation',
  id: 'o9',
  subject: { reference: 'Patient/p1' },
  code: { text: MARK },
};
const base = (region: string, record: string): string =>
  RECORD_BASE.replace('/london/london-care-record', `/${region}/${record}`);

describe('a well-signed response of the wrong form', () => {
  let asked: AskedOfLiars;
  let london: LyingLondon;
  before(async () => {
    asked = await AskedOfLiars.start();
    ({ london } = asked);
  });
  after(() => asked.stop());

  const FORMS: Record<string, [code: EvidenceCode, said: Believable]> = {
    'counts more than it sends': ['bad-bundle', { sources: [conditions({ count: 2 })] }],
    'sends more than it counts': [
      'bad-bundle',
      { entries: [aCondition(), aCondition({ id: 'c8' }), thePatient()], sources: [conditions()] },
    ],
    'counts none and sends one': ['bad-bundle', { sources: [conditions({ count: 0, outcome: 'none' })] }],
    'counts a negative number': ['bad-claims', { sources: [conditions({ count: -1 })] }],
    'has no sources': ['bad-claims', { claims: { sources: undefined } }],
    'has entries and an empty list of sources': ['bad-bundle', { sources: [] }],
    'answers a search that was not asked': [
      'bad-bundle',
      { sources: [conditions({ search: 'Observation' })] },
    ],
    'answers one search twice': [
      'bad-bundle',
      { sources: [conditions(), conditions({ count: 0, outcome: 'none' })] },
    ],
    'names a record so that the address leads elsewhere': [
      'bad-bundle',
      {
        entries: [
          { ...aCondition(), fullUrl: `${base('london', '../../x')}/Condition/c9` },
          { ...thePatient(), fullUrl: `${base('london', '../../x')}/Patient/p1` },
        ],
        sources: [conditions({ record: '../../x' })],
      },
    ],
    'answers with another type than was searched': [
      'bad-bundle',
      { entries: [entryOf(OBSERVATION), thePatient()] },
    ],
    'gives an entry another region’s address': [
      'bad-bundle',
      {
        entries: [
          {
            ...aCondition(),
            fullUrl: `${base('essex-suffolk', 'suffolk-north-east-essex')}/Condition/c9`,
          },
          thePatient(),
        ],
      },
    ],
    'gives an entry another id than its address': [
      'bad-bundle',
      { entries: [{ ...aCondition(), fullUrl: `${RECORD_BASE}/Condition/c8` }, thePatient()] },
    ],
    'has an entry without an address': [
      'bad-bundle',
      { entries: [{ ...aCondition(), fullUrl: undefined } as never, thePatient()] },
    ],
    'hides a match among the includes': [
      'bad-bundle',
      {
        entries: [aCondition(), thePatient(), aCondition({ id: 'c8' })],
        sources: [conditions()],
      },
    ],
    'sends an outcome of its own': [
      'bad-bundle',
      {
        entries: [
          aCondition(),
          thePatient(),
          { resource: { resourceType: 'OperationOutcome', id: 'x' }, search: { mode: 'outcome' } },
        ],
      },
    ],
    'has tags that are no list': [
      'bad-bundle',
      { entries: [aCondition({ meta: { tag: {} } }), thePatient()] },
    ],
    'has nothing in the place of a tag': [
      'bad-bundle',
      { entries: [aCondition({ meta: { tag: [null] } }), thePatient()] },
    ],
    'has a text in the place of meta': ['bad-bundle', { entries: [aCondition({ meta: 'x' }), thePatient()] }],
    'refuses and is not refused by status': ['bad-claims', { claims: { outcome: 'maybe' } }],
  };
  for (const [what, [code, said]] of Object.entries(FORMS)) {
    it(`is not believed when it ${what}`, async () => {
      london.behaviour = (heard) => london.believable(heard, said);
      await asked.assertNotReached('not-believed', code);
    });
  }

  const BODIES: Record<string, string> = {
    'no JSON': '<html></html>',
    'half of it': '{"resourceType":"Bundle","type":"searchset","entry":[{',
    'nothing at all': '',
    'another resource': '{"resourceType":"Condition","id":"c9","subject":{"reference":"Patient/p1"}}',
    'a Bundle of another type': '{"resourceType":"Bundle","type":"document"}',
    'an entry without a resource': '{"resourceType":"Bundle","type":"searchset","entry":[{}]}',
    'entries that are no list': '{"resourceType":"Bundle","type":"searchset","entry":{}}',
    'a list': '[]',
    null: 'null',
  };
  for (const [what, body] of Object.entries(BODIES)) {
    it(`is not believed when its body, rightly signed, is ${what}`, async () => {
      london.behaviour = async (heard) => {
        const claims = { body_digest: sha256(body), sources: [] };
        return { ...(await london.believable(heard, { claims })), body };
      };
      await asked.assertNotReached('not-believed', 'bad-bundle');
    });
  }

  for (const depth of [300, 3_000, 300_000]) {
    it(`is not believed when its JSON is ${depth} deep, and harms nobody else`, async () => {
      london.behaviour = async (heard) => {
        const deep = aCondition({ extension: '@' });
        const shape = { resourceType: 'Bundle', type: 'searchset', entry: [deep, thePatient()] };
        const body = JSON.stringify(shape).replace('"@"', '['.repeat(depth) + ']'.repeat(depth));
        return { ...(await london.believable(heard, { claims: { body_digest: sha256(body) } })), body };
      };
      await asked.assertNotReached('not-believed', 'bad-bundle');
    });
  }

  it('is believed when its JSON is as deep as records are', async () => {
    const extension = JSON.parse('['.repeat(100) + ']'.repeat(100)) as unknown;
    london.behaviour = (heard) =>
      london.believable(heard, { entries: [aCondition({ extension }), thePatient()] });
    assert.ok((await asked.ask()).text.includes(MARK));
  });

  it('is shown once where two searches of a record bring the same', async () => {
    london.behaviour = (heard) =>
      london.believable(heard, {
        entries: [aCondition(), thePatient(), entryOf(OBSERVATION), thePatient()],
        sources: [conditions(), conditions({ search: 'Observation' })],
      });
    const path = `/fhir/Patient/${PATIENT}/$everything?_type=Condition,Observation`;
    const { body } = await asked.viewer.ask(PATIENT, path);
    assert.deepEqual(rollCallOf(body)['london'], ['answered', 'care-location']);
    const urls = ((body as Bundle).entry ?? []).map(({ fullUrl }) => fullUrl ?? 'outcome');
    assert.equal(new Set(urls).size, urls.length);
    assert.equal(urls.filter((url) => url.endsWith('/london-care-record/fhir/Patient/p1')).length, 1);
  });

  it('says so when an answer leaves out a record that was asked', async () => {
    london.behaviour = (heard) => london.believable(heard, { entries: [], sources: [] });
    const { body } = await asked.ask();
    assert.deepEqual(rollCallOf(body)['london'], ['not-reached', 'care-location', 'record-not-reached']);
    assert.deepEqual(warningsOf(body), [
      'incomplete london/london-care-record not-reached record-not-reached',
    ]);
    assert.equal('total' in body, false);
  });

  it('takes no words of a neighbour’s for its own codes', async () => {
    london.behaviour = (heard) =>
      london.believable(heard, {
        claims: { settings_not_offered: ['sexual-health', MARK] },
        sources: [conditions({ outcome: 'partial', reason: MARK })],
      });
    const { body } = await asked.ask();
    const outcomes = ((body as Bundle).entry ?? []).filter((entry) => entry.search?.mode === 'outcome');
    assert.equal(outcomes.length, 1);
    assert.ok(!JSON.stringify(outcomes).includes(MARK));
    assert.match(JSON.stringify(outcomes), /sexual-health/);
    assert.deepEqual(warningsOf(body), ['incomplete london/london-care-record partial fault']);
  });
});
