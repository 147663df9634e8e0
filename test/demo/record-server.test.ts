import assert from 'node:assert/strict';
import { NHS_NUMBER_SYSTEM } from '../../src/fhir/nhs-number.ts';
import type { Bundle, Resource } from '../../src/fhir/resource.ts';
import { createRecordServer } from '../../src/demo/record-server.ts';
import { keys, serve, type Served } from './serve.ts';
import { BY_DATE, DATED, NUMBER, OTHER, patient, RESOURCES } from './small-record.ts';

describe('record server', () => {
  let record: Served;
  let base: string;
  before(async () => {
    record = await serve((origin) => createRecordServer({ base: `${origin}/fhir`, resources: RESOURCES }));
    base = `${record.origin}/fhir`;
  });
  after(() => record.close());

  async function get(path: string, status = 200): Promise<Bundle> {
    const response = await fetch(path.startsWith('http') ? path : `${base}/${path}`);
    assert.equal(response.status, status, path);
    assert.match(response.headers.get('content-type') ?? '', /^application\/fhir\+json/);
    return (await response.json()) as Bundle;
  }

  describe('patient', () => {
    const forms = [
      'patient=p1',
      'patient=Patient/p1',
      'subject=Patient/p1',
      'subject=p1',
      'subject:Patient=p1',
      `patient.identifier=${NHS_NUMBER_SYSTEM}|${NUMBER}`,
      `subject:Patient.identifier=${NHS_NUMBER_SYSTEM}|${NUMBER}`,
      `subject.identifier=${NUMBER}`,
    ];
    for (const form of forms) {
      it(`is selected by ${form.replace(NUMBER, 'n')}, and nobody else`, async () => {
        const bundle = await get(`Observation?${form}`);
        assert.deepEqual(keys(bundle).sort(), DATED.map(({ id }) => `Observation/${id ?? ''}`).sort());
        assert.equal(bundle.total, DATED.length);
      });
    }

    it('is selected by an absolute URL below the base', async () => {
      assert.equal((await get(`Observation?patient=${base}/Patient/p1`)).total, DATED.length);
      assert.equal((await get('Observation?patient=https://elsewhere.example/fhir/Patient/p1')).total, 0);
    });

    it('is selected wherever the type keeps it', async () => {
      const chained = `patient.identifier=${NHS_NUMBER_SYSTEM}|${NUMBER}`;
      assert.deepEqual(keys(await get(`Appointment?${chained}`)), ['Appointment/a1']);
      assert.deepEqual(keys(await get(`AllergyIntolerance?${chained}`)), ['AllergyIntolerance/al1']);
      assert.deepEqual(keys(await get(`Patient?identifier=${NHS_NUMBER_SYSTEM}|${NUMBER}`)), ['Patient/p1']);
    });

    it('with a number of another system, or an unknown one, selects nothing', async () => {
      for (const token of [`https://elsewhere.example|${NUMBER}`, `${NHS_NUMBER_SYSTEM}|9990000034`]) {
        const bundle = await get(`Observation?patient.identifier=${token}`);
        assert.equal(bundle.total, 0);
        assert.equal(bundle.entry, undefined);
      }
    });

    it('is selected by POST _search, the form and the address together', async () => {
      const response = await fetch(`${base}/Observation/_search?date=ge2026`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ 'patient.identifier': `${NHS_NUMBER_SYSTEM}|${NUMBER}` }).toString(),
      });
      assert.equal(response.status, 200);
      assert.equal(((await response.json()) as Bundle).total, 4);
    });
  });

  describe('conditions', () => {
    const cases: [string, string[]][] = [
      ['Observation?patient=p1&date=2026-03', ['d1', 'd2', 'd3']],
      ['Observation?patient=p1&date=2026-03-01', ['d3']],
      ['Observation?patient=p1&date=ge2026-03-02T00:00:00Z', ['d1', 'd2', 'd4']],
      ['Observation?patient=p1&date=lt2026-01-01', ['d5']],
      ['Observation?patient=p1&date=sa2025&date=eb2026-03-02', ['d3']],
      ['Observation?patient=p1&date:missing=true', ['d6']],
      ['Observation?patient=p1&code=http://loinc.org|8867-4&date=2025', ['d5']],
      ['Observation?code=8867-4,29463-7&_id=d1,o2,nobody', ['d1', 'o2']],
      ['Observation?patient=p1&code:text=heart&date=2025', ['d5']],
      ['Observation?value-quantity=54|http://unitsofmeasure.org|kg', ['many-004']],
      ['Observation?value-quantity=gt178||kg', ['many-129']],
      ['Observation?_lastUpdated=2026-02-28&_sort=_id', ['many-027', 'many-055', 'many-083', 'many-111']],
      ['Patient?family=astr&given:exact=Zoë', ['p1', 'p2']],
      ['Patient?family=strom', []],
      ['Patient?family:contains=STROM&_id=p2', ['p2']],
      ['MedicationRequest?status=active&status:not=stopped&_tag=urn:t|acute', ['r1']],
      ['MedicationRequest?_tag=urn:t|primary', []],
      ['Patient?_id:not=p1', ['p2']],
      [`Patient?identifier:not=${OTHER}`, ['p1']],
    ];
    for (const [search, ids] of cases) {
      it(search, async () => {
        assert.deepEqual(
          keys(await get(search))
            .map((key) => key.split('/')[1])
            .sort(),
          ids.toSorted(),
        );
      });
    }
  });

  it('sorts by date as time, not as text, what has no date last', async () => {
    const rising = keys(await get('Observation?patient=p1&_sort=date'));
    assert.deepEqual(rising, [...BY_DATE, 'Observation/d6']);
    const falling = keys(await get('Observation?patient=p1&_sort=-date'));
    assert.deepEqual(falling, [...BY_DATE.toReversed(), 'Observation/d6']);
  });

  it('sorts by _lastUpdated both ways, then by a second rule', async () => {
    const updated = async (sort: string): Promise<(string | undefined)[]> =>
      (await get(`Observation?patient=p2&_count=500&_sort=${sort}`)).entry?.map(
        ({ resource }) => `${resource?.meta?.lastUpdated ?? ''} ${resource?.id ?? ''}`,
      ) ?? [];
    const rising = await updated('_lastUpdated,_id');
    assert.equal(rising.length, 131);
    assert.deepEqual(rising, rising.toSorted());
    assert.deepEqual((await updated('-_lastUpdated')).map((key) => key?.slice(0, 10)).slice(0, 5), [
      '2026-02-28',
      '2026-02-28',
      '2026-02-28',
      '2026-02-28',
      '2026-02-27',
    ]);
  });

  it('includes what the matches of a page refer to, after them and not in the total', async () => {
    const bundle = await get(
      'MedicationRequest?patient=p1&_include=MedicationRequest:medication&_include=MedicationRequest:requester',
    );
    assert.equal(bundle.total, 1);
    assert.deepEqual(keys(bundle), ['MedicationRequest/r1']);
    assert.deepEqual(keys(bundle, 'include'), ['Medication/m1', 'Practitioner/dr']);
    assert.equal(bundle.entry?.[1]?.fullUrl, `${base}/Medication/m1`);
    assert.deepEqual(keys(await get('Observation?_id=d1&_include=Observation:*'), 'include'), ['Patient/p1']);
  });

  it('pages by next links, each resource once, in one order', async () => {
    const seen: string[] = [];
    let pages = 0;
    let next: string | undefined = 'Observation?patient=p2&_sort=-_lastUpdated';
    while (next !== undefined) {
      const page: Bundle = await get(next);
      assert.equal(page.total, 131);
      assert.ok(keys(page).length <= 50);
      seen.push(...keys(page));
      next = page.link?.find(({ relation }) => relation === 'next')?.url;
      pages++;
    }
    assert.equal(pages, 3);
    assert.equal(seen.length, 131);
    assert.equal(new Set(seen).size, 131);
    assert.deepEqual(seen, keys(await get('Observation?patient=p2&_sort=-_lastUpdated&_count=500')));
  });

  it('takes _count up to 500, and 0 for the total alone', async () => {
    const few = await get('Observation?patient=p2&_count=7');
    assert.equal(few.entry?.length, 7);
    const none = await get('Observation?patient=p2&_count=0');
    assert.equal(none.entry, undefined);
    assert.equal(none.total, 131);
    assert.equal(none.link?.length, 1);
    assert.equal((await get('Observation?_count=9999')).entry?.length, 137);
  });

  describe('refuses', () => {
    const cases: [string, number, string][] = [
      ['Observation?patient=p1&colour=red', 400, 'not-supported'],
      ['Observation?patient.colour=red', 400, 'not-supported'],
      ['Observation?_has:Condition:subject:code=1', 400, 'not-supported'],
      ['Observation?code:above=1', 400, 'not-supported'],
      ['Observation?date:exact=2026', 400, 'not-supported'],
      ['Observation?code-value-quantity=1', 400, 'not-supported'],
      ['Observation?date=yesterday', 400, 'invalid'],
      ['Observation?patient=', 400, 'invalid'],
      ['Observation?_count=many', 400, 'invalid'],
      ['Observation?value-quantity=heavy', 400, 'invalid'],
      ['Observation?_sort=colour', 400, 'not-supported'],
      ['Observation?_include=Condition:subject', 400, 'not-supported'],
      ['Observation?_revinclude=Provenance:target', 400, 'not-supported'],
      ['Basket?patient=p1', 404, 'not-supported'],
      ['Basket/1', 404, 'not-supported'],
      ['Patient/nobody', 404, 'not-found'],
      ['Patient/p1/$everything', 404, 'not-supported'],
      ['Patient?_format=xml', 406, 'not-supported'],
    ];
    for (const [path, status, code] of cases) {
      it(`${path} with ${String(status)} ${code}`, async () => {
        const outcome = await get(path, status);
        assert.equal(outcome.resourceType, 'OperationOutcome');
        assert.equal((outcome['issue'] as { code: string }[])[0]?.code, code);
      });
    }

    it('writing, with 405', async () => {
      const response = await fetch(`${base}/Patient`, { method: 'POST', body: '{}' });
      assert.equal(response.status, 405);
    });

    it('XML, with 406', async () => {
      const response = await fetch(`${base}/Patient/p1`, { headers: { accept: 'application/fhir+xml' } });
      assert.equal(response.status, 406);
    });
  });

  it('reads a resource as it was given, and a Binary as FHIR JSON', async () => {
    assert.deepEqual(await get('Patient/p1'), RESOURCES[0]);
    assert.equal((await get('Binary/b1'))['data'], 'aGVsbG8=');
  });

  it('gives a known type that it holds none of as an empty Bundle', async () => {
    assert.equal((await get('Procedure?patient=p1')).total, 0);
  });

  it('says in metadata what it answers', async () => {
    const statement = (await get('metadata')) as Resource;
    const [rest] = statement['rest'] as {
      resource: { type: string; searchParam: { name: string; type: string }[] }[];
    }[];
    const offered = rest?.resource.find(({ type }) => type === 'Observation')?.searchParam ?? [];
    assert.ok(offered.some(({ name, type }) => name === 'patient' && type === 'reference'));
    assert.ok(offered.some(({ name, type }) => name === '_lastUpdated' && type === 'date'));
    for (const { name, type } of offered) {
      const value = type === 'date' ? '2026' : type === 'quantity' ? '1' : 'x';
      await get(`Observation?${name}=${value}`);
    }
  });

  it('asks its door-keeper first', async () => {
    const guarded = await serve((origin) =>
      createRecordServer({
        base: `${origin}/fhir`,
        resources: RESOURCES,
        authorise: (request) => request.get('authorization') === 'Bearer good',
      }),
    );
    try {
      assert.equal((await fetch(`${guarded.origin}/fhir/Patient/p1`)).status, 401);
      const headers = { authorization: 'Bearer good' };
      assert.equal((await fetch(`${guarded.origin}/fhir/Patient/p1`, { headers })).status, 200);
    } finally {
      await guarded.close();
    }
  });

  it('does not start with two resources of the same type and id', () => {
    const resources = [patient('p1', NUMBER), patient('p1', OTHER)];
    assert.throws(() => createRecordServer({ base: 'http://127.0.0.1:1/fhir', resources }), /Patient\/p1/);
  });
});
