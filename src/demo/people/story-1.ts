import { hospitalOf, practiceOf } from '../places.ts';
import { Chart } from './chart.ts';
import {
  ALLERGEN,
  CONDITION,
  DOCUMENT,
  ENCOUNTER,
  MEASURE,
  MEDICINE,
  PROCEDURE,
  REACTION,
  VACCINE,
} from './codes.ts';
import { document, encounter } from './documents.ts';
import {
  allergy,
  appointment,
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
  nhsNumber: '9990000018',
  given: 'Amara',
  family: 'Fenwick',
  gender: 'female',
  birthDate: '1998-03-14',
  line: '12 Potter Street',
  phone: '0118',
  practice: 'F81027',
  registered: '2019-06-03',
};
const princessAlexandra = hospitalOf('RQWG0');
const croydon = hospitalOf('RJ611');

/**
 * A Harlow patient is brought to A&E at Princess Alexandra Hospital. Her own record knows of no fits; an
 * admission at Croydon half a year ago found epilepsy and began levetiracetam.
 */
export function story1(ledger: Ledger): void {
  ledger.demographics({ nhsNumber: PATIENT.nhsNumber, patient: pdsPatient(PATIENT) });
  atHome(ledger);
  inLondon(ledger);
}

function atHome(ledger: Ledger): void {
  const practice = practiceOf(PATIENT.practice);
  const home = Chart.open(ledger, 'hwe-shared-care-record', PATIENT, {
    setting: 'primary',
    organisation: practice,
  });
  const gp = home.by('Dr', 'Helen', 'Marsh');
  const asthma = condition(gp, { code: CONDITION.asthma, on: 4200, problem: true });
  prescription(gp, {
    medicine: MEDICINE.salbutamol,
    on: 60,
    dose: 'Two puffs when needed, up to four times a day',
    reason: asthma,
  });
  medication(gp, { medicine: MEDICINE.salbutamol, since: 4200, dose: 'Two puffs when needed' });
  immunisation(gp, { vaccine: VACCINE.covid19, on: 1900 });
  immunisation(gp, { vaccine: VACCINE.influenza, on: 410 });
  const review = encounter(gp, { kind: 'AMB', from: 60, reason: CONDITION.asthma });
  observation(review, { code: MEASURE.weight, on: 60, value: 63.5, unit: 'kg' });
  observation(review, { code: MEASURE.systolic, on: 60, value: 118, unit: 'mm[Hg]' });
  appointment(gp, { on: -12, what: 'Asthma review' });
  const emergency = encounter(home.at('acute', princessAlexandra).by('Dr', 'Owen', 'Tate'), {
    kind: 'EMER',
    from: 0,
    reason: CONDITION.seizure,
    ongoing: true,
  });
  observation(emergency, { code: MEASURE.heartRate, on: 0, value: 112, unit: '/min', time: '00:10' });
  observation(emergency, { code: MEASURE.news2, on: 0, value: 5, unit: '{score}', time: '00:10' });
}

function inLondon(ledger: Ledger): void {
  const chart = Chart.open(ledger, 'london-care-record', PATIENT, {
    setting: 'acute',
    organisation: croydon,
  });
  const neurology = chart.by('Dr', 'Ifeoma', 'Lacey');
  const stay = encounter(neurology, {
    kind: 'IMP',
    type: ENCOUNTER.admission,
    from: 186,
    to: 183,
    reason: CONDITION.seizure,
    service: 'Neurology',
  });
  const seizure = condition(stay, { code: CONDITION.seizure, on: 186, resolved: 183 });
  const epilepsy = condition(stay, { code: CONDITION.epilepsy, on: 184, problem: true });
  allergy(stay, { substance: ALLERGEN.carbamazepine, on: 185, reaction: REACTION.rash, severe: true });
  procedure(stay, { code: PROCEDURE.ctHead, on: 186, reason: seizure });
  procedure(stay, { code: PROCEDURE.eeg, on: 185, reason: seizure });
  report(stay, { code: PROCEDURE.ctHead, on: 186, conclusion: 'No bleed, no mass, no infarct.' });
  report(stay, {
    code: PROCEDURE.eeg,
    on: 185,
    conclusion: 'Generalised spike and wave discharges, in keeping with generalised epilepsy.',
  });
  const blood = [
    observation(stay, { code: MEASURE.creatinine, on: 186, value: 71, unit: 'umol/L', laboratory: true }),
    observation(stay, { code: MEASURE.haemoglobin, on: 186, value: 131, unit: 'g/L', laboratory: true }),
  ];
  report(stay, { code: MEASURE.creatinine, on: 186, results: blood, conclusion: 'Within reference range.' });
  chartedEveryFourHours(stay, [186, 185, 184]);
  prescription(stay, {
    medicine: MEDICINE.levetiracetam,
    on: 184,
    dose: 'One tablet (500 mg) twice a day',
    reason: epilepsy,
    where: 'discharge',
  });
  prescription(stay, {
    medicine: MEDICINE.midazolam,
    on: 183,
    dose: '10 mg into the cheek for a seizure longer than five minutes; call 999',
    reason: epilepsy,
    where: 'discharge',
  });
  document(stay, {
    type: DOCUMENT.dischargeSummary,
    on: 183,
    title: 'Discharge summary, neurology',
    lines: [
      'Croydon University Hospital - Discharge summary',
      'Two generalised tonic-clonic seizures. EEG: generalised epilepsy. CT head normal.',
      'Started levetiracetam 500 mg twice a day. Rash with carbamazepine: do not give.',
      'Typically recovers fully within 60 minutes of a seizure; admission not needed if so.',
      'Rescue: buccal midazolam 10 mg. Epilepsy nurse line on the patient card.',
    ],
  });
  const clinic = encounter(neurology, {
    kind: 'AMB',
    from: 96,
    reason: CONDITION.epilepsy,
    service: 'Neurology',
  });
  medication(clinic, { medicine: MEDICINE.levetiracetam, since: 184, dose: '500 mg twice a day' });
  document(clinic, {
    type: DOCUMENT.outpatientLetter,
    on: 95,
    title: 'Epilepsy clinic letter',
    lines: ['Seen in the epilepsy clinic.', 'One seizure since discharge, after missed doses.', 'Continue.'],
    format: 'text',
    link: 'absolute',
  });
  appointment(neurology, { on: -40, what: 'Epilepsy clinic' });
  ledger.careLocation('herts-west-essex', {
    nhsNumber: PATIENT.nhsNumber,
    organisation: croydon.ods,
    firstSeen: chart.date(186),
    lastSeen: chart.date(96),
  });
  const clinicVisit = encounter(chart.within({ setting: 'sexual-health', restricted: true }), {
    kind: 'AMB',
    from: 150,
    service: 'Sexual health',
  });
  condition(clinicVisit, { code: CONDITION.hiv, on: 150, problem: true });
  prescription(clinicVisit, {
    medicine: MEDICINE.dolutegravir,
    on: 150,
    dose: 'One tablet (50 mg) once a day',
    where: 'outpatient',
  });
}

/** Three measures at each round of the ward: more observations than one page of a search holds. */
function chartedEveryFourHours(stay: Chart, days: readonly number[]): void {
  for (const [day, on] of days.entries()) {
    for (const [round, time] of ['00:05', '04:05', '08:50', '12:05', '16:05', '20:05'].entries()) {
      const settling = day * 6 + round;
      observation(stay, { code: MEASURE.heartRate, on, time, value: 104 - 2 * settling, unit: '/min' });
      observation(stay, { code: MEASURE.systolic, on, time, value: 138 - settling, unit: 'mm[Hg]' });
      observation(stay, { code: MEASURE.news2, on, time, value: settling < 4 ? 4 : 1, unit: '{score}' });
    }
  }
}
