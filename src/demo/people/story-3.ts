import { hospitalOf, practiceOf } from '../places.ts';
import { Chart } from './chart.ts';
import { CONDITION, DOCUMENT, MEASURE, MEDICINE, snomed, words } from './codes.ts';
import { composition, document, encounter } from './documents.ts';
import {
  appointment,
  carePlan,
  condition,
  flag,
  medication,
  observation,
  prescription,
  procedure,
  report,
} from './entries.ts';
import type { Ledger } from './ledger.ts';
import { pdsPatient, type Person } from './person.ts';

const PATIENT: Person = {
  nhsNumber: '9990000034',
  given: 'Margaret',
  family: 'Ashdown',
  gender: 'female',
  birthDate: '1961-07-19',
  line: '3 Conduit Lane',
  phone: '0134',
  practice: 'E82006',
  registered: '1988-09-12',
};
const universityCollege = hospitalOf('RRV03');

/**
 * A Hoddesdon patient with motor neurone disease is looked after at University College Hospital; what she wants
 * done in an emergency stands in her London Urgent Care Plan.
 */
export function story3(ledger: Ledger): void {
  ledger.demographics({ nhsNumber: PATIENT.nhsNumber, patient: pdsPatient(PATIENT) });
  atHome(ledger);
  const chart = Chart.open(ledger, 'london-care-record', PATIENT, {
    setting: 'acute',
    organisation: universityCollege,
  }).by('Prof', 'Daniel', 'Roth');
  const clinic = encounter(chart, {
    kind: 'AMB',
    from: 72,
    reason: CONDITION.motorNeuroneDisease,
    service: 'Neuromuscular clinic',
  });
  const disease = condition(clinic, { code: CONDITION.motorNeuroneDisease, on: 610, problem: true });
  const riluzole = prescription(clinic, {
    medicine: MEDICINE.riluzole,
    on: 72,
    dose: '50 mg twice a day',
    reason: disease,
    where: 'outpatient',
  });
  observation(clinic, { code: MEASURE.weight, on: 72, value: 54.2, unit: 'kg' });
  const ventilation = procedure(clinic, {
    code: snomed('428311008', 'Noninvasive ventilation'),
    on: 72,
    reason: disease,
  });
  report(clinic, {
    code: words('Lung function'),
    on: 72,
    conclusion: 'Vital capacity 48% of predicted; night-time ventilation at home since this visit.',
  });
  document(clinic, {
    type: DOCUMENT.outpatientLetter,
    on: 70,
    title: 'Neuromuscular clinic letter',
    lines: ['University College Hospital', 'Slow progression. Ventilation tolerated six hours a night.'],
  });
  urgentCarePlan(chart.within({ setting: 'urgent' }), { disease, riluzole, ventilation });
  appointment(chart, { on: -20, what: 'Neuromuscular clinic' });
  ledger.careLocation('herts-west-essex', {
    nhsNumber: PATIENT.nhsNumber,
    organisation: universityCollege.ods,
    firstSeen: chart.date(610),
    lastSeen: chart.date(72),
  });
}

type Entry = ReturnType<typeof condition>;

function urgentCarePlan(chart: Chart, care: { disease: Entry; riluzole: Entry; ventilation: Entry }): void {
  const notForResuscitation = flag(chart, {
    code: snomed('450476008', 'Not for attempted cardiopulmonary resuscitation'),
    on: 40,
    category: 'advance-directive',
  });
  const plan = carePlan(chart, {
    title: 'Urgent Care Plan',
    category: DOCUMENT.urgentCarePlan,
    on: 40,
    activities: [
      'Keep on the home ventilator; no intubation',
      'Chest infection: oral antibiotics at home first, hospital only if comfort cannot be kept',
      'Preferred place of care and of death: home',
    ],
    addresses: [care.disease],
  });
  composition(chart, {
    type: DOCUMENT.urgentCarePlan,
    on: 40,
    title: 'Urgent Care Plan',
    sections: [
      { title: 'Diagnosis', text: 'Motor neurone disease', entry: [care.disease] },
      { title: 'Resuscitation', text: 'Not for attempted CPR', entry: [notForResuscitation] },
      {
        title: 'Treatment',
        text: 'Ventilation at night, riluzole',
        entry: [care.ventilation, care.riluzole],
      },
      { title: 'Plan', text: 'Ceiling of treatment and preferred place of care', entry: [plan] },
    ],
  });
}

function atHome(ledger: Ledger): void {
  const organisation = practiceOf(PATIENT.practice);
  const home = Chart.open(ledger, 'hwe-shared-care-record', PATIENT, { setting: 'primary', organisation });
  const gp = home.by('Dr', 'Ruth', 'Kember');
  condition(gp, { code: CONDITION.hypothyroidism, on: 6100, problem: true });
  medication(gp, { medicine: MEDICINE.levothyroxine, since: 6100, dose: '100 micrograms in the morning' });
  prescription(gp, { medicine: MEDICINE.levothyroxine, on: 21, dose: '100 micrograms in the morning' });
  const visit = encounter(gp, { kind: 'HH', from: 21, service: 'Home visit' });
  observation(visit, { code: MEASURE.systolic, on: 21, value: 124, unit: 'mm[Hg]' });
  encounter(home.within({ setting: 'community' }), { kind: 'HH', from: 8, service: 'Community nursing' });
  carePlan(home.within({ setting: 'social' }), {
    title: 'Care and support plan',
    category: DOCUMENT.carePlan,
    on: 120,
    activities: ['Carer visits four times a day', 'Hoist and profiling bed in place'],
  });
}
