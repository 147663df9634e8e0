import assert from 'node:assert/strict';
import fc from 'fast-check';

import { RequestError, type RequestCode } from '../../src/errors.ts';
import {
  checkSearch,
  countOf,
  LARGEST_PAGE,
  parseSearch,
  searchParametersOf,
  SEARCHABLE_TYPES,
  searchText,
  sortElement,
  sortOf,
} from '../../src/fhir/search-parameters.ts';

const refusedAs = (code: RequestCode) => (error: unknown) =>
  error instanceof RequestError && error.code === code;

describe('the allow-list of searches', () => {
  const TAKEN: [type: string, name: string, value: string][] = [
    ['AllergyIntolerance', 'clinical-status', 'active'],
    ['Observation', 'code', 'http://loinc.org|718-7,http://loinc.org|2160-0'],
    ['Observation', 'code:text', 'haemoglobin'],
    ['Observation', 'value-quantity', 'gt5.4||mmol/L'],
    ['Observation', 'date', 'ge2026-01-01'],
    ['Observation', '_lastUpdated', 'gt2026-01-01T00:00:00Z'],
    ['Observation', '_sort', '-date'],
    ['Observation', '_sort', '_lastUpdated'],
    ['Observation', '_count', '1'],
    ['Observation', '_count', String(LARGEST_PAGE)],
    ['Observation', '_include', 'Observation:encounter'],
    ['Condition', 'code:not', 'http://snomed.info/sct|195967001'],
  ];
  for (const [type, name, value] of TAKEN) {
    it(`takes ${type}?${name}=${value}`, () => {
      assert.deepEqual(checkSearch(type, [[name, value]]).parameters, [[name, value]]);
    });
  }

  const REFUSED: [code: RequestCode, type: string, name: string, value: string][] = [
    ['unknown-type', 'Foo', 'date', '2026'],
    ['unknown-type', 'constructor', 'date', '2026'],
    ['unknown-type', 'Binary', '_id', 'b1'],
    ['unknown-parameter', 'Observation', 'patient', 'Patient/2'],
    ['unknown-parameter', 'Observation', 'subject', 'Patient/2'],
    ['unknown-parameter', 'Observation', 'patient.identifier', '9990000026'],
    ['unknown-parameter', 'Observation', 'subject:Patient.name', 'a'],
    ['unknown-parameter', 'Observation', 'performer', 'Practitioner/1'],
    ['unknown-parameter', 'Observation', 'clinical-status', 'active'],
    ['unknown-parameter', 'Patient', 'name', 'Fenwick'],
    ['unknown-parameter', 'Patient', 'identifier', '9990000018'],
    ['unknown-parameter', 'Observation', '_id', 'o1'],
    ['unknown-parameter', 'Observation', '_revinclude', 'Provenance:target'],
    ['unknown-parameter', 'Observation', '_has:Patient:x', '1'],
    ['unknown-parameter', 'Observation', '_query', 'everything'],
    ['unknown-parameter', 'Observation', '_filter', 'x'],
    ['unknown-parameter', 'Observation', 'code:in', 'http://valueset.example'],
    ['unknown-parameter', 'Observation', 'code:text:exact', 'x'],
    ['unknown-parameter', 'Observation', '_count:exact', '5'],
    ['unknown-parameter', 'Observation', '', 'x'],
    ['unknown-parameter', 'Observation', '__proto__', 'x'],
    ['unknown-parameter', 'Observation', 'Date', '2026'],
    ['bad-parameter', 'Observation', 'date', ''],
    ['bad-parameter', 'Observation', 'code', 'a'.repeat(401)],
    ['bad-parameter', 'Observation', 'code', 'a\r\nb'],
    ['bad-parameter', 'Observation', 'code', 'a\u0000'],
    ['bad-parameter', 'Observation', '_count', '0'],
    ['bad-parameter', 'Observation', '_count', '-1'],
    ['bad-parameter', 'Observation', '_count', '1.5'],
    ['bad-parameter', 'Observation', '_count', String(LARGEST_PAGE + 1)],
    ['bad-parameter', 'Observation', '_count', '1e2'],
    ['bad-parameter', 'Observation', '_sort', 'status'],
    ['bad-parameter', 'Observation', '_sort', '--date'],
    ['bad-parameter', 'Observation', '_sort', 'date,-code'],
    ['bad-parameter', 'Observation', '_include', 'Observation:subject'],
    ['bad-parameter', 'Observation', '_include', 'Encounter:location'],
    ['bad-parameter', 'Observation', '_include', 'Observation:encounter:Encounter'],
    ['bad-parameter', 'Observation', '_include', '*'],
  ];
  for (const [code, type, name, value] of REFUSED) {
    it(`refuses ${type}?${name}=${JSON.stringify(value.slice(0, 30))} as ${code}`, () => {
      assert.throws(() => checkSearch(type, [[name, value]]), refusedAs(code));
    });
  }

  it('never gives back in an error what came from outside', () => {
    const secret = '9990000018';
    for (const name of [secret, `code:${secret}`]) {
      assert.throws(
        () => checkSearch('Observation', [[name, secret]]),
        (error: unknown) => error instanceof RequestError && !error.message.includes(secret),
      );
    }
  });

  it('reads page size and sort order', () => {
    const search = checkSearch('Observation', [
      ['_count', '20'],
      ['_sort', '-date'],
    ]);
    assert.equal(countOf(search), 20);
    assert.deepEqual(sortOf(search), { parameter: 'date', descending: true });
    assert.equal(countOf(checkSearch('Observation', [])), undefined);
    assert.equal(sortOf(checkSearch('Observation', [])), undefined);
  });

  it('offers to sort only by what it can merge by', () => {
    for (const type of SEARCHABLE_TYPES) {
      for (const name of searchParametersOf(type)) {
        const known = sortElement(type, name) !== undefined;
        const check = () => checkSearch(type, [['_sort', name]]);
        if (known) check();
        else assert.throws(check, refusedAs('bad-parameter'));
      }
    }
  });
});

describe('a search as it travels', () => {
  const anyType = fc.constantFrom(...SEARCHABLE_TYPES);
  const allowed = anyType.chain((type) => {
    const names = searchParametersOf(type).filter((name) => !name.startsWith('_'));
    const modifiers = ['', ':exact', ':contains', ':missing', ':not', ':text'];
    const name =
      names.length === 0
        ? fc.constant('_lastUpdated')
        : fc.tuple(fc.constantFrom(...names), fc.constantFrom(...modifiers)).map((parts) => parts.join(''));
    const value = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
      .filter((text) => !/[\u0000-\u001f\u007f]/.test(text));
    return fc.array(fc.tuple(name, value), { maxLength: 6 }).map((parameters) => ({ type, parameters }));
  });

  it('is the same search after it was written and read', () => {
    fc.assert(
      fc.property(allowed, (search) => {
        assert.deepEqual(parseSearch(searchText(search)), search);
      }),
    );
  });

  it('lets nothing pass that is not on the list, whatever the text', () => {
    const known = new Map(SEARCHABLE_TYPES.map((type) => [type, new Set(searchParametersOf(type))]));
    const names = fc.constantFrom(
      'patient',
      'subject',
      '_id',
      'code',
      'date',
      '_count',
      '_has',
      'code:in',
      '',
    );
    const pairs = fc.array(fc.tuple(fc.oneof(names, fc.string()), fc.string()), { maxLength: 4 });
    const text = fc.oneof(
      fc.string(),
      fc.tuple(anyType, fc.string()).map(([type, rest]) => `${type}?${rest}`),
      fc.tuple(anyType, pairs).map(([type, all]) => `${type}?${new URLSearchParams(all).toString()}`),
    );
    fc.assert(
      fc.property(text, (given) => {
        let search;
        try {
          search = parseSearch(given);
        } catch (error) {
          assert.ok(error instanceof RequestError);
          return;
        }
        for (const [name] of search.parameters) {
          assert.ok(known.get(search.type)?.has(name.split(':')[0] ?? ''), `${search.type} ${name}`);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('cannot smuggle a patient in: neither encoded, nor after a fragment, nor by a second question mark', () => {
    const SMUGGLED = [
      'Observation?p%61tient=Patient/2',
      'Observation?code=x&subject=Patient/2',
      'Observation?code=x&&patient=2',
      'Observation?code=x%26patient=2&patient.identifier=2',
      'Observation?patient:Patient=2',
    ];
    for (const text of SMUGGLED) {
      assert.throws(() => parseSearch(text), refusedAs('unknown-parameter'), text);
    }
    assert.throws(() => parseSearch('Observation/../Patient?x=1'), refusedAs('unknown-type'));
    // An ampersand inside a value stays inside the value.
    const inside = parseSearch('Observation?code=x%26patient%3D2');
    assert.deepEqual(inside.parameters, [['code', 'x&patient=2']]);
    assert.equal(new URLSearchParams(searchText(inside).split('?')[1]).get('patient'), null);
  });
});
