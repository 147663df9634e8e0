import assert from 'node:assert/strict';
import fc from 'fast-check';

import { localReference, moveBase, referencesIn } from '../../src/fhir/references.ts';

const BASE = 'https://london.wayleave.example/regions/london/london-care-record/fhir';

describe('references within one record', () => {
  const LOCAL: Record<string, [text: string, type: string, id: string]> = {
    relative: ['Patient/1001', 'Patient', '1001'],
    versioned: ['Patient/1001/_history/3', 'Patient', '1001'],
    'absolute under the base': [`${BASE}/Binary/a-b.c`, 'Binary', 'a-b.c'],
    'absolute and versioned': [`${BASE}/Binary/1/_history/2`, 'Binary', '1'],
  };
  for (const [what, [text, type, id]] of Object.entries(LOCAL)) {
    it(`reads a ${what} one`, () => assert.deepEqual(localReference(text, [BASE]), { type, id }));
  }

  const FOREIGN: Record<string, string> = {
    'another server': 'https://elsewhere.example/fhir/Patient/1001',
    'a base that only begins alike': `${BASE}x/Patient/1001`,
    'a base without its slash': `${BASE}-Patient/1001`,
    'a way out of the base': `${BASE}/../../Patient/1001`,
    'a fragment': '#p1',
    'a urn': 'urn:uuid:8e2a7e0e-0b0c-4c62-9d8e-0f1f6f0b7a11',
    'a search': 'Patient?identifier=1',
    'a query after it': 'Patient/1001?x=1',
    'no id': 'Patient/',
    'an id that is too long': `Patient/${'1'.repeat(65)}`,
    'a type in small letters': 'patient/1001',
    'a leading slash': '/Patient/1001',
    nothing: '',
  };
  for (const [what, text] of Object.entries(FOREIGN)) {
    it(`never follows ${what}`, () => assert.equal(localReference(text, [BASE]), undefined));
  }

  it('means nothing absolute when it knows no base', () => {
    assert.equal(localReference(`${BASE}/Binary/1`), undefined);
  });

  it('finds references and attachments at any depth, and nothing in other strings', () => {
    const resource = {
      resourceType: 'DocumentReference',
      description: 'Patient/5',
      subject: { reference: 'Patient/1' },
      author: [{ reference: 'Practitioner/2' }, { reference: 'https://elsewhere.example/Practitioner/9' }],
      content: [{ attachment: { url: `${BASE}/Binary/3` } }, { attachment: { url: 'Binary/4' } }],
      extension: [{ valueReference: { reference: 'Organization/6' } }],
    };
    const wanted = ['Binary/3', 'Binary/4', 'Organization/6', 'Patient/1', 'Practitioner/2'];
    assert.deepEqual([...referencesIn(resource, [BASE])].sort(), wanted);
  });
});

describe('moving a resource from one service base to another', () => {
  const FROM = 'http://127.0.0.1:4211/fhir';
  const move = <T>(value: T): T => moveBase(value, FROM, BASE);

  it('moves what lies below the base, wherever it stands', () => {
    assert.deepEqual(move({ a: [{ url: `${FROM}/Binary/1` }], b: { c: `${FROM}/Patient/2?x=1` } }), {
      a: [{ url: `${BASE}/Binary/1` }],
      b: { c: `${BASE}/Patient/2?x=1` },
    });
  });

  const STAYS: Record<string, unknown> = {
    'a relative reference': 'Patient/1',
    'another server': 'http://127.0.0.1:4212/fhir/Patient/1',
    'a base that only begins alike': 'http://127.0.0.1:4211/fhirx/Patient/1',
    'the base itself, which is no resource': FROM,
    'the base in the middle of a text': `see ${FROM}/Patient/1`,
    'numbers, truth and nothing': { n: 1.5, yes: true, no: null, list: [1, null] },
  };
  for (const [what, value] of Object.entries(STAYS)) {
    it(`leaves ${what} as it is, and the same object`, () => {
      const resource = { value };
      assert.equal(move(resource), resource);
    });
  }

  it('never changes the original', () => {
    const original = { list: [{ url: `${FROM}/Binary/1` }, { url: 'Binary/2' }] };
    const before = structuredClone(original);
    move(original);
    assert.deepEqual(original, before);
  });

  it('is the text replacement of every string that begins with the base, and comes back', () => {
    const below = fc.string().map((path) => `${FROM}/${path}`);
    const tree = fc.letrec((tie) => ({
      value: fc.oneof(below, fc.string(), fc.integer(), fc.constant(null), tie('list'), tie('map')),
      list: fc.array(tie('value'), { maxLength: 4 }),
      map: fc.dictionary(fc.string({ maxLength: 8 }), tie('value'), { maxKeys: 4, noNullPrototype: true }),
    })).map;
    fc.assert(
      fc.property(tree, (value) => {
        const there = move(value);
        assert.ok(!JSON.stringify(there).includes(`"${FROM}/`));
        assert.deepEqual(moveBase(there, BASE, FROM), value);
      }),
    );
  });
});
