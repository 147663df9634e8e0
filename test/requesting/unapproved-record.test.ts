import assert from 'node:assert/strict';

import type { Source } from '../../src/evidence/claims.ts';
import type { BundleEntry } from '../../src/fhir/resource.ts';
import { matchesOf, rollCallOf, warningsOf } from '../support/viewer.ts';
import { AskedOfLiars } from './asked-of-liars.ts';
import {
  aCondition,
  conditions,
  MARK,
  RECORD_BASE,
  thePatient,
  type Believable,
  type LyingLondon,
} from './lying-london.ts';
import { NEIGHBOUR_PATIENT, PATIENT } from './small-data.ts';

const NEW = 'new-record';
const UNSEEN = 'of-the-new-record';

/** An entry as the record that nobody here has approved would send it. */
function fromNew(entry: BundleEntry): BundleEntry {
  const { resource } = entry;
  const base = RECORD_BASE.replace('london-care-record', NEW);
  return { ...entry, fullUrl: `${base}/${resource?.resourceType}/${resource?.id}` };
}

const unseen = fromNew(aCondition({ code: { text: UNSEEN } }));
const newSource = (change: Partial<Source> = {}): Source => conditions({ record: NEW, ...change });

describe('a neighbour’s record that its approved statement does not list', () => {
  let asked: AskedOfLiars;
  let london: LyingLondon;
  before(async () => {
    asked = await AskedOfLiars.start();
    ({ london } = asked);
  });
  after(() => asked.stop());

  function says(said: Believable): void {
    london.behaviour = (heard) => london.believable(heard, said);
  }
  const besideApproved = (source: Partial<Source>, entries: BundleEntry[]): Believable => ({
    sources: [newSource(source), conditions({ total: 1 })],
    entries: [...entries, aCondition(), thePatient()],
  });

  const SAID: Record<string, Believable> = {
    'has something': besideApproved({ total: 1 }, [unseen, fromNew(thePatient())]),
    'has more pages': besideApproved({ cursor: 'more' }, [unseen, fromNew(thePatient())]),
    'has nothing': besideApproved({ count: 0, outcome: 'none' }, []),
    'gives a reason of its own': besideApproved({ count: 0, outcome: 'withheld', reason: 'label' }, []),
  };
  for (const [what, said] of Object.entries(SAID)) {
    it(`is left out, with a warning, when it ${what}; the region’s other record is believed`, async () => {
      says(said);
      const { status, body, text } = await asked.ask();
      assert.equal(status, 200);
      assert.deepEqual(rollCallOf(body)['london'], ['partial', 'care-location', 'record-not-approved']);
      assert.deepEqual(warningsOf(body), [`incomplete london/${NEW} not-reached record-not-approved`]);
      assert.ok(text.includes(MARK));
      assert.ok(!text.includes(UNSEEN) && !text.includes(`${NEW}/fhir`));
      assert.equal(matchesOf(body).length, 2);
      assert.equal('total' in body, false);
      assert.deepEqual(
        (body['link'] as { relation: string }[]).map(({ relation }) => relation),
        ['self'],
      );
    });
  }

  it('does not reach the viewer in a stream, nor as a link of the index Patient', async () => {
    says(SAID['has something'] ?? {});
    const path = `/fhir/Condition?patient=${PATIENT}`;
    const { text } = await asked.viewer.ask(PATIENT, path, { headers: { Accept: 'text/event-stream' } });
    assert.ok(text.includes(MARK) && text.includes('record-not-approved'));
    assert.ok(!text.includes(UNSEEN));
    const patient = { ...thePatient(), search: { mode: 'match' as const } };
    says({
      sources: [newSource({ search: 'Patient' }), conditions({ search: 'Patient' })],
      entries: [fromNew(patient), patient],
    });
    const index = await asked.viewer.ask(PATIENT, `/fhir/Patient/${PATIENT}`);
    assert.ok(index.text.includes('/london-care-record/fhir/Patient/p1'));
    assert.ok(!index.text.includes(`${NEW}/fhir`));
  });

  it('is no answer of the region when it is all that the region sends', async () => {
    says({ sources: [newSource()], entries: [unseen, fromNew(thePatient())] });
    const { body, text } = await asked.ask();
    assert.deepEqual(rollCallOf(body)['london'], ['not-reached', 'care-location', 'record-not-reached']);
    assert.ok(!text.includes(UNSEEN));
  });

  it('takes nothing from the answer when it does not share the type at all', async () => {
    says(besideApproved({ count: 0, outcome: 'not-offered' }, []));
    const { body } = await asked.ask();
    assert.deepEqual(rollCallOf(body)['london'], ['answered', 'care-location']);
    assert.deepEqual([warningsOf(body), body['total']], [[], 2]);
  });

  it('cannot bring another patient in: then the region is not believed', async () => {
    says(besideApproved({}, [unseen, fromNew(thePatient(NEIGHBOUR_PATIENT))]));
    await asked.assertNotReached('not-believed', 'wrong-subject');
  });

  it('cannot be named in words of the neighbour’s choice', async () => {
    says({
      sources: [newSource({ record: 'Call 0800 1111', count: 0, outcome: 'none' }), conditions()],
      entries: [aCondition(), thePatient()],
    });
    await asked.assertNotReached('not-believed', 'bad-bundle');
  });
});
