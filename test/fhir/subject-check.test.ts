import assert from 'node:assert/strict';

import { EvidenceError } from '../../src/errors.ts';
import { SUBJECT_ELEMENTS } from '../../src/fhir/compartment.ts';
import { NHS_NUMBER_SYSTEM } from '../../src/fhir/nhs-number.ts';
import type { Resource } from '../../src/fhir/resource.ts';
import { checkSubjects, patientIdsIn, type Subject } from '../../src/fhir/subject-check.ts';

const BASE = 'https://london.wayleave.example/regions/london/london-care-record/fhir';
const NUMBER = '9990000018';
const SUPERSEDED = '9990000034';
const OTHER = '9990000026';
const SUBJECT: Subject = {
  nhsNumbers: new Set([NUMBER, SUPERSEDED]),
  patientIds: new Set(['1', '1-old']),
  bases: [BASE],
};

const identifier = (value: string) => ({ system: NHS_NUMBER_SYSTEM, value });
const patient = (id: string, ...numbers: string[]): Resource => ({
  resourceType: 'Patient',
  id,
  identifier: numbers.map(identifier),
});
const condition = (subject: unknown, more: object = {}): Resource => ({
  resourceType: 'Condition',
  id: 'c1',
  subject,
  ...more,
});
const refused = (resources: Resource[]): void => {
  assert.throws(
    () => checkSubjects(resources, SUBJECT),
    (error: unknown) => error instanceof EvidenceError && error.code === 'wrong-subject',
  );
};

describe('the subject check: whom a resource is about', () => {
  it('a Patient with the right id and somebody else’s number is somebody else', () => {
    checkSubjects([patient('1', NUMBER)], SUBJECT);
    refused([patient('1', OTHER)]);
    refused([patient('1')]);
  });

  const THIS_PATIENT: Record<string, object> = {
    'a relative reference': { reference: 'Patient/1' },
    'a versioned reference': { reference: 'Patient/1/_history/4' },
    'an absolute reference into the record': { reference: `${BASE}/Patient/1` },
    'the Patient with the superseded number': { reference: 'Patient/1-old' },
    'an identifier alone': { identifier: identifier(NUMBER) },
    'the superseded number as identifier': { identifier: identifier(SUPERSEDED) },
    'a reference and an identifier that agree': { reference: 'Patient/1', identifier: identifier(NUMBER) },
  };
  for (const [what, reference] of Object.entries(THIS_PATIENT)) {
    it(`takes ${what}`, () => checkSubjects([condition(reference)], SUBJECT));
  }

  const NOT_THIS_PATIENT: Record<string, unknown> = {
    'another id': { reference: 'Patient/2' },
    'the same id on another server': { reference: 'https://elsewhere.example/fhir/Patient/1' },
    'a urn': { reference: 'urn:uuid:8e2a7e0e-0b0c-4c62-9d8e-0f1f6f0b7a11' },
    'another number': { identifier: identifier(OTHER) },
    'the right id beside another number': { reference: 'Patient/1', identifier: identifier(OTHER) },
    'another id beside the right number': { reference: 'Patient/2', identifier: identifier(NUMBER) },
    'an identifier of another system': { identifier: { system: 'https://example.org', value: NUMBER } },
    'only a display': { display: 'Amara Fenwick' },
    'an empty reference': {},
    'a contained Patient that is not there': { reference: '#p' },
    'a text in the place of a reference': 'Patient/1',
    'a Group': { reference: 'Group/1' },
    'a list with another patient in it': [{ reference: 'Patient/1' }, { reference: 'Patient/2' }],
    nothing: undefined,
    null: null,
  };
  for (const [what, subject] of Object.entries(NOT_THIS_PATIENT)) {
    it(`refuses ${what}`, () => refused([condition(subject)]));
  }

  it('looks into a contained Patient: this number, another, none', () => {
    const within = (...numbers: string[]) =>
      condition({ reference: '#p' }, { contained: [patient('p', ...numbers)] });
    checkSubjects([within(NUMBER)], SUBJECT);
    refused([within(OTHER)]);
    refused([within(NUMBER, OTHER)]);
    refused([within()]);
  });

  it('takes a Patient by the ids found for the number, and no other', () => {
    checkSubjects([patient('1', NUMBER)], SUBJECT);
    refused([patient('2', OTHER)]);
    refused([{ resourceType: 'Patient', identifier: [identifier(NUMBER)] }]);
  });

  it('fails a record as a whole for one wrong resource among right ones', () => {
    const right = condition({ reference: 'Patient/1' });
    refused([right, right, condition({ reference: 'Patient/2' }), right]);
  });

  it('looks for this patient among the other participants of an appointment', () => {
    const appointment = (...actors: string[]): Resource => ({
      resourceType: 'Appointment',
      id: 'a1',
      participant: actors.map((reference) => ({ actor: { reference } })),
    });
    checkSubjects([appointment('Practitioner/7', 'Patient/1', 'Location/3')], SUBJECT);
    refused([appointment('Practitioner/7', 'Location/3')]);
    refused([appointment('Patient/1', 'Patient/2')]);
  });

  const TAKING_PART: Record<string, object> = {
    'somebody named only in words': { display: 'The daughter' },
    'somebody by a local number': { identifier: { system: 'https://example.org', value: '7' } },
    'a practitioner elsewhere': { reference: 'https://elsewhere.example/fhir/Practitioner/7' },
  };
  for (const [what, actor] of Object.entries(TAKING_PART)) {
    it(`lets ${what} take part in this patient’s appointment, and not stand for the patient`, () => {
      const appointment = (...actors: object[]): Resource => ({
        resourceType: 'Appointment',
        id: 'a1',
        participant: actors.map((one) => ({ actor: one })),
      });
      checkSubjects([appointment(actor, { reference: 'Patient/1' })], SUBJECT);
      refused([appointment(actor)]);
    });
  }

  it('lets no other patient take part, however it is named', () => {
    for (const actor of [
      { reference: 'https://elsewhere.example/fhir/Patient/1' },
      { type: 'Patient', display: 'Somebody else' },
      { type: 'Patient', identifier: { system: 'https://example.org', value: '7' } },
      { identifier: identifier(OTHER) },
    ]) {
      const participant = [{ actor }, { actor: { reference: 'Patient/1' } }];
      refused([{ resourceType: 'Appointment', id: 'a1', participant }]);
    }
  });

  it('does not take the author of something about somebody else for its subject', () => {
    const questionnaire = { resourceType: 'QuestionnaireResponse', id: 'q1' };
    refused([{ ...questionnaire, subject: { reference: 'Patient/2' }, author: { reference: 'Patient/1' } }]);
  });
});

describe('the subject check: every type of the Patient compartment', () => {
  for (const [type, [path = '']] of Object.entries(SUBJECT_ELEMENTS)) {
    const about = (reference: string): Resource => {
      const [outer = '', inner] = path.split('.');
      const value = inner === undefined ? { reference } : [{ [inner]: { reference } }];
      return { resourceType: type, id: 'x', [outer]: value };
    };
    it(`${type} by ${path}`, () => {
      checkSubjects([about('Patient/1')], SUBJECT);
      refused([about('Patient/2')]);
      refused([{ resourceType: type, id: 'x' }]);
    });
  }
});

describe('the subject check: what is about no patient', () => {
  const document: Resource = {
    resourceType: 'DocumentReference',
    id: 'd1',
    subject: { reference: 'Patient/1' },
    content: [{ attachment: { url: `${BASE}/Binary/b1` } }],
    custodian: { reference: 'Organization/o1' },
  };
  const binary = (id?: string): Resource =>
    id === undefined ? { resourceType: 'Binary' } : { resourceType: 'Binary', id };

  it('is taken where a resource of the patient refers to it', () => {
    checkSubjects([document, binary('b1'), { resourceType: 'Organization', id: 'o1' }], SUBJECT);
  });

  it('is refused where nobody refers to it', () => {
    refused([document, binary('b2')]);
    refused([binary('b1')]);
    refused([document, binary()]);
  });

  it('is refused where only another such resource refers to it', () => {
    const organisation = { resourceType: 'Organization', id: 'o1', partOf: { reference: 'Organization/o2' } };
    refused([document, organisation, { resourceType: 'Organization', id: 'o2' }]);
  });

  for (const type of ['Bundle', 'Group', 'Person', 'Provenance', 'AuditEvent', 'Library', 'Foo']) {
    it(`is refused as a ${type}, which may hold other patients, also where it is referred to`, () => {
      const referring = { ...document, context: { related: [{ reference: `${type}/x` }] } };
      refused([referring, { resourceType: type, id: 'x' }]);
    });
  }

  it('is not known by a type that an object happens to inherit', () => {
    refused([{ resourceType: 'constructor', id: 'x', subject: { reference: 'Patient/1' } }]);
  });
});

describe('the ids of a record’s own Patient resources', () => {
  it('are those whose valid NHS number is one that was asked for', () => {
    const resources = [
      patient('1', NUMBER),
      patient('2', OTHER),
      patient('3'),
      patient('4', OTHER, SUPERSEDED),
      { resourceType: 'Patient', id: '5', identifier: { system: NHS_NUMBER_SYSTEM, value: NUMBER } },
      { resourceType: 'Person', id: '6', identifier: [identifier(NUMBER)] },
    ];
    assert.deepEqual([...patientIdsIn(resources, SUBJECT.nhsNumbers)], ['1', '4']);
  });
});
