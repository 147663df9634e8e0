import { EvidenceError } from '../errors.ts';
import { SUBJECT_ELEMENTS, SUPPORTING_TYPES } from './compartment.ts';
import { nhsNumbersOf } from './nhs-number.ts';
import { localReference, referencesIn } from './references.ts';
import { isObject, nameOf, type Resource } from './resource.ts';

/** Who the patient is within one record: either NHS number will do (one may be superseded). */
export interface Subject {
  readonly nhsNumbers: ReadonlySet<string>;
  /** Ids of this record's own Patient resources that carry one of the NHS numbers. */
  readonly patientIds: ReadonlySet<string>;
  /** Service bases under which an absolute reference still means this record. */
  readonly bases: readonly string[];
}

/** The ids of the Patient resources among `resources` that carry one of `nhsNumbers`. */
export function patientIdsIn(resources: readonly Resource[], nhsNumbers: ReadonlySet<string>): Set<string> {
  return new Set(
    resources
      .filter((resource) => resource.resourceType === 'Patient')
      .filter((patient) => nhsNumbersOf(patient['identifier']).some((number) => nhsNumbers.has(number)))
      .map((patient) => patient.id)
      .filter((id) => id !== undefined),
  );
}

/**
 * The subject check of `docs/protocol.md`, made at the responder and again at the requester: every resource in
 * a Patient compartment is about this patient, however it was reached, and any other resource is one that a
 * resource of this patient refers to.
 *
 * @param resources what one record released, whole
 * @throws EvidenceError `wrong-subject`, naming the resource type; nothing of that record may then be used
 */
export function checkSubjects(resources: readonly Resource[], subject: Subject): void {
  const ofPatient = resources.filter(isAboutAPatient);
  for (const resource of ofPatient) {
    if (!isAbout(resource, subject)) throw new EvidenceError('wrong-subject', resource.resourceType);
  }
  const others = resources.filter((resource) => !isAboutAPatient(resource));
  if (others.length === 0) return;
  const referred = new Set(ofPatient.flatMap((resource) => [...referencesIn(resource, subject.bases)]));
  for (const other of others) {
    const supports = SUPPORTING_TYPES.has(other.resourceType) && other.id !== undefined;
    if (!supports || !referred.has(nameOf(other))) {
      throw new EvidenceError('wrong-subject', other.resourceType);
    }
  }
}

/** True for Patient and for every type of the Patient compartment. */
export function isAboutAPatient(resource: { resourceType: string }): boolean {
  return resource.resourceType === 'Patient' || Object.hasOwn(SUBJECT_ELEMENTS, resource.resourceType);
}

function isAbout(resource: Resource, subject: Subject): boolean {
  if (resource.resourceType === 'Patient') {
    const numbers = nhsNumbersOf(resource['identifier']);
    const ours = numbers.some((number) => subject.nhsNumbers.has(number));
    return ours && resource.id !== undefined && subject.patientIds.has(resource.id);
  }
  const subjects = (SUBJECT_ELEMENTS[resource.resourceType] ?? [])
    .flatMap((path) =>
      valuesAt(resource, path.split('.')).map((reference) => {
        const verdict = whichPatient(reference, resource, subject);
        // Others take part in an appointment: who is named only in words or elsewhere is no patient of ours.
        return verdict === 'unknown' && path === 'participant.actor' ? 'no-patient' : verdict;
      }),
    )
    .filter((verdict) => verdict !== 'no-patient');
  return subjects.length > 0 && subjects.every((verdict) => verdict === 'this-patient');
}

type Verdict = 'this-patient' | 'another-patient' | 'no-patient' | 'unknown';

function whichPatient(reference: unknown, within: Resource, subject: Subject): Verdict {
  if (!isObject(reference)) return 'unknown';
  const verdicts: Verdict[] = [];
  const literal = reference['reference'];
  if (typeof literal === 'string') {
    verdicts.push(
      literal.startsWith('#') ? contained(literal.slice(1), within, subject) : byId(literal, subject),
    );
  }
  const numbers = nhsNumbersOf([reference['identifier']]);
  if (numbers.length > 0) {
    verdicts.push(
      numbers.every((number) => subject.nhsNumbers.has(number)) ? 'this-patient' : 'another-patient',
    );
  }
  // A reference that says nothing that can be held against the patient is not proof that it is this one.
  if (verdicts.includes('another-patient')) return 'another-patient';
  if (verdicts.length === 0 || verdicts.includes('unknown')) {
    return reference['type'] === 'Patient' ? 'another-patient' : 'unknown';
  }
  return verdicts.includes('this-patient') ? 'this-patient' : 'no-patient';
}

function byId(literal: string, subject: Subject): Verdict {
  const target = localReference(literal, subject.bases);
  if (target === undefined) return /(^|\/)Patient\/[^/]/.test(literal) ? 'another-patient' : 'unknown';
  if (target.type !== 'Patient') return 'no-patient';
  return subject.patientIds.has(target.id) ? 'this-patient' : 'another-patient';
}

function contained(id: string, within: Resource, subject: Subject): Verdict {
  const list: unknown = within['contained'];
  const found = (Array.isArray(list) ? (list as unknown[]) : []).find(
    (item): item is Resource => isObject(item) && item['id'] === id,
  );
  if (found === undefined) return 'another-patient';
  if (found.resourceType !== 'Patient') return 'no-patient';
  const numbers = nhsNumbersOf(found['identifier']);
  const same = numbers.length > 0 && numbers.every((number) => subject.nhsNumbers.has(number));
  return same ? 'this-patient' : 'another-patient';
}

function valuesAt(value: unknown, path: readonly string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, path));
  const [next, ...rest] = path;
  if (next === undefined) return value === undefined ? [] : [value];
  return isObject(value) ? valuesAt(value[next], rest) : [];
}
