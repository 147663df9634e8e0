import { hospitalOf, practiceOf } from '../places.ts';
import { Chart } from './chart.ts';
import {
  ALLERGEN,
  CONDITION,
  DOCUMENT,
  MEASURE,
  MEDICINE,
  PROCEDURE,
  REACTION,
  snomed,
  VACCINE,
} from './codes.ts';
import { document, encounter } from './documents.ts';
import {
  allergy,
  appointment,
  carePlan,
  condition,
  immunisation,
  medication,
  observation,
  prescription,
  procedure,
  report,
} from './entries.ts';
import type { Ledger } from './ledger.ts';
import { pdsPatient, type Person } from './person.ts';

const PATIENT: Person = {
  nhsNumber: '9990000026',
  given: 'Desmond',
  family: 'Clarke',
  gender: 'male',
  birthDate: '1957-11-02',
  line: '48 Church Elm Lane',
  phone: '0126',
  practice: 'F82005',
  registered: '1994-02-21',
};
const watford = hospitalOf('RWG02');

/** A Londoner has a heart attack at his daughter's in Watford; London's viewer asks Hertfordshire for it. */
export function story2(ledger: Ledger): void {
  ledger.demographics({ nhsNumber: PATIENT.nhsNumber, patient: pdsPatient(PATIENT) });
  atHome(ledger);
  const chart = Chart.open(ledger, 'hwe-shared-care-record', PATIENT, {
    setting: 'acute',
    organisation: watford,
  }).by('Dr', 'Priya', 'Nair');
  const stay = encounter(chart, {
    kind: 'IMP',
    from: 34,
    to: 30,
    reason: CONDITION.heartAttack,
    service: 'Cardiology',
  });
  const attack = condition(stay, { code: CONDITION.heartAttack, on: 34 });
  allergy(stay, { substance: ALLERGEN.aspirin, on: 34, reaction: REACTION.urticaria });
  procedure(stay, { code: PROCEDURE.ecg, on: 34, reason: attack });
  procedure(stay, { code: PROCEDURE.coronaryIntervention, on: 34, reason: attack });
  observation(stay, { code: MEASURE.systolic, on: 33, value: 146, unit: 'mm[Hg]' });
  observation(stay, { code: MEASURE.news2, on: 31, value: 1, unit: '{score}' });
  for (const [medicine, dose] of [
    [MEDICINE.clopidogrel, '75 mg once a day for a year'],
    [MEDICINE.bisoprolol, '2.5 mg once a day'],
    [MEDICINE.ramipril, '5 mg once a day'],
  ] as const) {
    prescription(stay, { medicine, on: 30, dose, reason: attack, where: 'discharge' });
  }
  document(stay, {
    type: DOCUMENT.dischargeSummary,
    on: 30,
    title: 'Discharge summary, cardiology',
    lines: [
      'Watford General Hospital - Discharge summary',
      'Inferior MI, one stent. Urticaria with aspirin.',
    ],
  });
  appointment(chart, { on: -9, what: 'Cardiac rehabilitation' });
  ledger.careLocation('london', {
    nhsNumber: PATIENT.nhsNumber,
    organisation: watford.ods,
    firstSeen: chart.date(34),
    lastSeen: chart.date(30),
  });
}

function atHome(ledger: Ledger): void {
  const organisation = practiceOf(PATIENT.practice);
  const home = Chart.open(ledger, 'london-care-record', PATIENT, { setting: 'primary', organisation });
  const gp = home.by('Dr', 'Samuel', 'Adeyemi');
  const pressure = condition(gp, { code: CONDITION.hypertension, on: 5200, problem: true });
  const diabetes = condition(gp, { code: CONDITION.diabetes2, on: 2900, problem: true });
  prescription(gp, { medicine: MEDICINE.amlodipine, on: 45, dose: '5 mg once a day', reason: pressure });
  prescription(gp, { medicine: MEDICINE.metformin, on: 45, dose: '500 mg twice a day', reason: diabetes });
  medication(gp, { medicine: MEDICINE.atorvastatin, since: 2100, dose: '20 mg at night' });
  immunisation(gp, { vaccine: VACCINE.influenza, on: 50 });
  const review = encounter(gp, { kind: 'AMB', from: 90, reason: CONDITION.diabetes2 });
  const results = [
    observation(review, { code: MEASURE.hba1c, on: 90, value: 58, unit: 'mmol/mol', laboratory: true }),
    observation(review, { code: MEASURE.creatinine, on: 90, value: 96, unit: 'umol/L', laboratory: true }),
  ];
  report(review, { code: MEASURE.hba1c, on: 89, results, conclusion: 'HbA1c above target.' });
  carePlan(home.within({ setting: 'community' }), {
    title: 'Diabetes care plan',
    category: snomed('734163000', 'Care plan'),
    on: 90,
    activities: ['Foot check every year', 'Retinal screening every year', 'Weight management programme'],
    addresses: [diabetes],
  });
}
