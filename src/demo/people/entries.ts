import type { Chart } from './chart.ts';
import { hl7, type Concept } from './codes.ts';
import type { Reference } from './ledger.ts';

/**
 * The kinds of entry that are made in a chart. `on`, `since`, `resolved` and the like are whole days before the
 * demo's now; the time of day is fixed.
 */

export function condition(
  chart: Chart,
  given: { code: Concept; on: number; resolved?: number; problem?: boolean },
): Reference {
  const { code, on, resolved, problem = false } = given;
  return chart.add('Condition', resolved ?? on, {
    clinicalStatus: hl7('condition-clinical', resolved === undefined ? 'active' : 'resolved'),
    verificationStatus: hl7('condition-ver-status', 'confirmed'),
    category: [hl7('condition-category', problem ? 'problem-list-item' : 'encounter-diagnosis')],
    code,
    ...chart.during(),
    onsetDateTime: chart.date(on),
    ...(resolved !== undefined && { abatementDateTime: chart.date(resolved) }),
    recordedDate: chart.date(on),
    ...chart.signed('recorder'),
  });
}

export function allergy(
  chart: Chart,
  given: { substance: Concept; on: number; reaction: Concept; severe?: boolean },
): Reference {
  const { substance, on, reaction, severe = false } = given;
  return chart.add('AllergyIntolerance', on, {
    clinicalStatus: hl7('allergyintolerance-clinical', 'active'),
    verificationStatus: hl7('allergyintolerance-verification', 'confirmed'),
    type: 'allergy',
    category: ['medication'],
    criticality: severe ? 'high' : 'low',
    code: substance,
    ...chart.during(),
    recordedDate: chart.date(on),
    ...chart.signed('recorder'),
    reaction: [{ manifestation: [reaction], severity: severe ? 'severe' : 'mild' }],
  });
}

export function prescription(
  chart: Chart,
  given: { medicine: Concept; on: number; dose: string; reason?: Reference; where?: string; ended?: boolean },
): Reference {
  const { medicine, on, dose, reason, where = 'community', ended = false } = given;
  return chart.add('MedicationRequest', on, {
    status: ended ? 'completed' : 'active',
    intent: 'order',
    category: [hl7('medicationrequest-category', where)],
    medicationCodeableConcept: medicine,
    ...chart.during(),
    authoredOn: chart.time(on),
    ...chart.signed('requester'),
    ...(reason !== undefined && { reasonReference: [reason] }),
    dosageInstruction: [{ text: dose }],
  });
}

export function medication(
  chart: Chart,
  given: { medicine: Concept; since: number; dose: string; stopped?: number; note?: string },
): Reference {
  const { medicine, since, dose, stopped, note } = given;
  return chart.add('MedicationStatement', stopped ?? since, {
    status: stopped === undefined ? 'active' : 'stopped',
    medicationCodeableConcept: medicine,
    ...chart.during('context'),
    effectivePeriod: {
      start: chart.date(since),
      ...(stopped !== undefined && { end: chart.date(stopped) }),
    },
    dateAsserted: chart.date(stopped ?? since),
    dosage: [{ text: dose }],
    ...(note !== undefined && { note: [{ text: note }] }),
  });
}

export function immunisation(chart: Chart, given: { vaccine: Concept; on: number }): Reference {
  return chart.add('Immunization', given.on, {
    status: 'completed',
    vaccineCode: given.vaccine,
    ...chart.during(),
    occurrenceDateTime: chart.time(given.on),
    primarySource: true,
    performer: [{ actor: chart.context.organisation }],
  });
}

export function observation(
  chart: Chart,
  given: { code: Concept; on: number; value: number; unit: string; laboratory?: boolean; time?: string },
): Reference {
  const { code, on, value, unit, laboratory = false, time } = given;
  return chart.add('Observation', on, {
    status: 'final',
    category: [hl7('observation-category', laboratory ? 'laboratory' : 'vital-signs')],
    code,
    ...chart.during(),
    effectiveDateTime: chart.time(on, time),
    performer: [chart.context.organisation],
    valueQuantity: { value, unit, system: 'http://unitsofmeasure.org', code: unit },
  });
}

export function report(
  chart: Chart,
  given: { code: Concept; on: number; results?: readonly Reference[]; conclusion: string },
): Reference {
  const { code, on, results = [], conclusion } = given;
  return chart.add('DiagnosticReport', on, {
    status: 'final',
    category: [hl7('v2-0074', results.length > 0 ? 'LAB' : 'RAD')],
    code,
    ...chart.during(),
    effectiveDateTime: chart.time(on),
    issued: chart.time(on, '16:00'),
    performer: [chart.context.organisation],
    ...(results.length > 0 && { result: results }),
    conclusion,
  });
}

export function procedure(chart: Chart, given: { code: Concept; on: number; reason?: Reference }): Reference {
  const { code, on, reason } = given;
  return chart.add('Procedure', on, {
    status: 'completed',
    code,
    ...chart.during(),
    performedDateTime: chart.time(on, '11:15'),
    performer: [{ actor: chart.context.clinician ?? chart.context.organisation }],
    ...(reason !== undefined && { reasonReference: [reason] }),
  });
}

/** @param given `on` is negative for an appointment to come */
export function appointment(chart: Chart, given: { on: number; what: string; missed?: boolean }): Reference {
  const { on, what, missed = false } = given;
  const clinician = chart.context.clinician ?? chart.context.organisation;
  const actors = clinician.reference.startsWith('Practitioner/')
    ? [chart.patient, clinician]
    : [chart.patient];
  return chart.add('Appointment', on, {
    status: on < 0 ? 'booked' : missed ? 'noshow' : 'fulfilled',
    description: what,
    start: chart.time(on, '10:00'),
    end: chart.time(on, '10:20'),
    minutesDuration: 20,
    participant: actors.map((actor) => ({ actor, status: 'accepted' })),
  });
}

export function flag(chart: Chart, given: { code: Concept; on: number; category?: string }): Reference {
  return chart.add('Flag', given.on, {
    status: 'active',
    category: [hl7('flag-category', given.category ?? 'clinical')],
    code: given.code,
    period: { start: chart.date(given.on) },
    ...chart.signed('author'),
  });
}

export function carePlan(
  chart: Chart,
  given: {
    title: string;
    category: Concept;
    on: number;
    activities: readonly string[];
    addresses?: Reference[];
  },
): Reference {
  const { title, category, on, activities, addresses } = given;
  return chart.add('CarePlan', on, {
    status: 'active',
    intent: 'plan',
    category: [category],
    title,
    period: { start: chart.date(on) },
    created: chart.time(on),
    ...chart.signed('author'),
    ...(addresses !== undefined && { addresses }),
    activity: activities.map((description) => ({ detail: { status: 'in-progress', description } })),
  });
}
