import assert from 'node:assert/strict';

import type { Bundle, BundleEntry, Resource } from '../../src/fhir/resource.ts';
import { Asking, PATIENT, type Change } from './asking.ts';
import {
  allergyOf,
  included,
  labelled,
  patientOf,
  ScriptedRecord,
  searchset,
  sendJson,
  type Script,
} from './scripted-record.ts';

const RECORD = 'london-care-record';
const EVERYTHING: Change = {
  search: [
    { id: 'a', query: 'AllergyIntolerance' },
    { id: 'c', query: 'Condition' },
  ],
  referenced: true,
};

const practitioner = (id: string, more: object = {}): Resource => ({
  resourceType: 'Practitioner',
  id,
  ...more,
});
const refersTo = (...references: string[]): object => ({
  extension: references.map((reference) => ({ valueReference: { reference } })),
});

describe('the listener between brokers: what the resources refer to', () => {
  const record = new ScriptedRecord();
  let asking: Asking;

  before(async () => {
    asking = await Asking.start({ records: { [RECORD]: record.listener } });
  });
  after(() => asking.stop());
  beforeEach(() => {
    record.requests.length = 0;
    record.scripts = {
      Patient: searchset(patientOf('p1', PATIENT)),
      AllergyIntolerance: searchset(allergyOf('a1', 'p1', refersTo('Practitioner/gp', 'Organization/o1'))),
      Condition: searchset({
        resourceType: 'Condition',
        id: 'c1',
        subject: { reference: 'Patient/p1' },
        ...refersTo('Practitioner/gp', 'PractitionerRole/role', 'Binary/b1', 'Group/g', 'Encounter/e1'),
      }),
      Practitioner: byId(practitioner('gp'), practitioner('chained')),
      Organization: byId({ resourceType: 'Organization', id: 'o1' }),
      PractitionerRole: byId({
        resourceType: 'PractitionerRole',
        id: 'role',
        practitioner: { reference: 'Practitioner/chained' },
      }),
      Binary: byId({ resourceType: 'Binary', id: 'b1' }),
      Group: byId({ resourceType: 'Group', id: 'g' }),
      Encounter: byId({ resourceType: 'Encounter', id: 'e1', subject: { reference: 'Patient/p1' } }),
    };
  });

  /** `Type/id` of what is included, the Patient apart. */
  async function includedIn(change: Change = EVERYTHING, headers: Record<string, string> = {}) {
    const { reply, claims } = await asking.ask(change, { headers });
    const entries = (reply.body as Bundle).entry ?? [];
    const outcomes = (claims.sources ?? []).map(({ outcome }) => outcome);
    assert.deepEqual(outcomes, ['answered', 'answered']);
    const urls = entries.map(({ fullUrl }) => fullUrl);
    assert.equal(new Set(urls).size, urls.length, 'an entry comes twice');
    return entries.filter(isOther).map(({ resource }) => `${resource?.resourceType}/${resource?.id}`);
  }

  it('comes with them where it is asked for: what is about no patient, directly, once', async () => {
    assert.deepEqual(await includedIn(), ['Practitioner/gp', 'Organization/o1', 'PractitionerRole/role']);
    const asked = record.requests.filter((path) =>
      /^(Practitioner|Organization|PractitionerRole)\?/.test(path),
    );
    assert.equal(asked.length, 3);
    assert.ok(!record.requests.some((path) => /^(Binary|Group|Encounter)/.test(path)));
  });

  it('stays where it is not asked for', async () => {
    const { referenced: _not, ...searches } = EVERYTHING;
    assert.deepEqual(await includedIn(searches), []);
    assert.deepEqual(await includedIn({ ...searches, referenced: false }), []);
  });

  it('is asked for once each, many at a time', async () => {
    const many = Array.from({ length: 100 }, (_item, at) => `Practitioner/dr-${at}`);
    record.scripts['AllergyIntolerance'] = searchset(
      ...many.map((name, at) => allergyOf(`a${at}`, 'p1', refersTo(name, many[0] ?? ''))),
    );
    record.scripts['Practitioner'] = byId(...many.map((name) => practitioner(name.split('/')[1] ?? '')));
    const found = await includedIn();
    assert.deepEqual(found.filter((name) => name.includes('/dr-')).sort(), many.sort());
    assert.equal(record.requests.filter((path) => path.startsWith('Practitioner?')).length, 3);
  });

  it('is only what was asked for, of a record that gives everybody', async () => {
    record.scripts['Practitioner'] = searchset(
      practitioner('gp'),
      practitioner('chained'),
      patientOf('p2', '9990000026'),
    );
    assert.deepEqual(await includedIn(), ['Practitioner/gp', 'Organization/o1', 'PractitionerRole/role']);
  });

  it('stays when its label says so, or its care setting is not shared', async () => {
    record.scripts['Practitioner'] = byId(practitioner('gp', labelled('R')));
    const tag = [{ system: 'https://wayleave.example/CodeSystem/care-setting', code: 'sexual-health' }];
    record.scripts['Organization'] = byId({ resourceType: 'Organization', id: 'o1', meta: { tag } });
    const { reply } = await asking.ask(EVERYTHING);
    const others = ((reply.body as Bundle).entry ?? []).filter(isOther);
    assert.deepEqual(
      others.map(({ resource }) => resource?.resourceType),
      ['PractitionerRole'],
    );
  });

  const LOST: Record<string, Script> = {
    'cannot be searched': (_request, response) =>
      sendJson(response, { resourceType: 'OperationOutcome' }, 400),
    fails: (_request, response) => sendJson(response, { resourceType: 'OperationOutcome' }, 500),
    'is no searchset': practitioner('gp'),
    'is on another server': searchset({
      fullUrl: 'https://elsewhere.example/fhir/Practitioner/gp',
      resource: practitioner('gp'),
    }),
  };
  for (const [what, script] of Object.entries(LOST)) {
    it(`that ${what} is left out, and the patient’s own resources are there`, async () => {
      record.scripts['Practitioner'] = script;
      assert.deepEqual(await includedIn(), ['Organization/o1', 'PractitionerRole/role']);
    });
  }

  it('that never comes does not cost the patient’s own resources their time', async () => {
    record.scripts['Practitioner'] = () => undefined;
    const started = performance.now();
    const headers = { 'Wayleave-Budget-Ms': '1600' };
    assert.deepEqual(await includedIn(EVERYTHING, headers), ['Organization/o1', 'PractitionerRole/role']);
    assert.ok(performance.now() - started < 1_500, 'the asker has given up');
  });

  it('comes once, whatever a record volunteers: its Patient and others', async () => {
    const full = patientOf('p1', PATIENT, { name: [{ family: 'Person' }] });
    const volunteered = [included(full), included(practitioner('gp')), included(practitioner('gp'))];
    record.scripts['AllergyIntolerance'] = searchset(
      allergyOf('a1', 'p1', refersTo('Practitioner/gp')),
      ...volunteered,
    );
    record.scripts['Condition'] = searchset(
      {
        resourceType: 'Condition',
        id: 'c1',
        subject: { reference: 'Patient/p1' },
        ...refersTo('Practitioner/gp'),
      },
      ...volunteered,
    );
    assert.deepEqual(await includedIn(), ['Practitioner/gp']);
    const { referenced: _not, ...searches } = EVERYTHING;
    assert.deepEqual(await includedIn(searches), ['Practitioner/gp']);
    const withPatient = [...(searches.search as object[]), { id: 'p', query: 'Patient' }];
    const { reply } = await asking.ask({ search: withPatient });
    const urls = ((reply.body as Bundle).entry ?? []).map(({ fullUrl }) => fullUrl);
    assert.equal(new Set(urls).size, urls.length);
  });
});

function isOther({ resource, search }: BundleEntry): boolean {
  return search?.mode === 'include' && resource?.resourceType !== 'Patient';
}

/** A script that looks at `_id`, as a record should. */
function byId(...resources: Resource[]): Script {
  return (request, response) => {
    const asked = new URL(request.url ?? '', 'http://record').searchParams.get('_id')?.split(',') ?? [];
    sendJson(response, searchset(...resources.filter(({ id }) => asked.includes(id ?? ''))));
  };
}
