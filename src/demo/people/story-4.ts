import { hospitalOf, practiceOf } from '../places.ts';
import { Chart } from './chart.ts';
import { ALLERGEN, CONDITION, DOCUMENT, MEASURE, MEDICINE, PROCEDURE, REACTION } from './codes.ts';
import { document, encounter } from './documents.ts';
import {
  allergy,
  appointment,
  condition,
  medication,
  observation,
  prescription,
  procedure,
  report,
} from './entries.ts';
import type { Ledger } from './ledger.ts';
import { pdsPatient, type Person } from './person.ts';

const PATIENT: Person = {
  nhsNumber: '9990000042',
  given: 'Shazia',
  family: 'Hollis',
  gender: 'female',
  birthDate: '1976-01-30',
  line: '27 Ridgacre Road',
  phone: '0142',
  practice: 'M85172',
  registered: '2008-04-07',
};
const dudley = hospitalOf('RNA01');
const shrewsbury = hospitalOf('RXWAS');
const birmingham = hospitalOf('RRK15');
const lister = hospitalOf('RWH01');

/**
 * A Birmingham patient whose episodes lie in three integrated care systems and under both of the region's
 * suppliers; she was also treated once at Lister Hospital in Stevenage.
 */
export function story4(ledger: Ledger): void {
  ledger.demographics({ nhsNumber: PATIENT.nhsNumber, patient: pdsPatient(PATIENT) });
  const birminghamChart = inBirmingham(ledger);
  inBlackCountryAndShropshire(ledger);
  atLister(ledger);
  ledger.careLocation('west-midlands', {
    nhsNumber: PATIENT.nhsNumber,
    organisation: lister.ods,
    firstSeen: birminghamChart.date(57),
    lastSeen: birminghamChart.date(57),
  });
}

function inBirmingham(ledger: Ledger): Chart {
  const organisation = practiceOf(PATIENT.practice);
  const home = Chart.open(ledger, 'collaborative-care-record', PATIENT, { setting: 'primary', organisation });
  const gp = home.by('Dr', 'Martin', 'Oakes');
  const arthritis = condition(gp, { code: CONDITION.rheumatoidArthritis, on: 2600, problem: true });
  allergy(gp, { substance: ALLERGEN.penicillin, on: 5000, reaction: REACTION.anaphylaxis, severe: true });
  prescription(gp, { medicine: MEDICINE.omeprazole, on: 26, dose: '20 mg in the morning' });
  const rheumatology = encounter(home.at('acute', birmingham).by('Dr', 'Anjali', 'Mehta'), {
    kind: 'AMB',
    from: 64,
    reason: CONDITION.rheumatoidArthritis,
    service: 'Rheumatology',
  });
  prescription(rheumatology, {
    medicine: MEDICINE.methotrexate,
    on: 64,
    dose: '10 mg under the skin once a WEEK',
    reason: arthritis,
    where: 'outpatient',
  });
  const results = [
    observation(rheumatology, {
      code: MEASURE.creatinine,
      on: 64,
      value: 68,
      unit: 'umol/L',
      laboratory: true,
    }),
    observation(rheumatology, {
      code: MEASURE.haemoglobin,
      on: 64,
      value: 118,
      unit: 'g/L',
      laboratory: true,
    }),
  ];
  report(rheumatology, { code: MEASURE.haemoglobin, on: 63, results, conclusion: 'Safe to go on.' });
  document(rheumatology, {
    type: DOCUMENT.outpatientLetter,
    on: 62,
    title: 'Rheumatology clinic letter',
    lines: ['Queen Elizabeth Hospital Birmingham', 'Methotrexate 10 mg weekly. Bloods every month.'],
  });
  appointment(home.at('acute', birmingham), { on: -30, what: 'Rheumatology clinic' });
  return home;
}

function inBlackCountryAndShropshire(ledger: Ledger): void {
  const chart = Chart.open(ledger, 'one-health-and-care', PATIENT, {
    setting: 'urgent',
    organisation: dudley,
  });
  const emergency = encounter(chart.by('Dr', 'Callum', 'Price'), {
    kind: 'EMER',
    from: 140,
    reason: CONDITION.pneumonia,
  });
  const pneumonia = condition(emergency, { code: CONDITION.pneumonia, on: 140, resolved: 128 });
  observation(emergency, { code: MEASURE.news2, on: 140, value: 6, unit: '{score}' });
  prescription(emergency, {
    medicine: MEDICINE.prednisolone,
    on: 140,
    dose: '30 mg once a day for five days',
    reason: pneumonia,
    ended: true,
  });
  const stay = encounter(chart.at('acute', shrewsbury).by('Miss', 'Eleri', 'Vaughan'), {
    kind: 'IMP',
    from: 301,
    to: 298,
    reason: CONDITION.appendicitis,
    service: 'General surgery',
  });
  const appendicitis = condition(stay, { code: CONDITION.appendicitis, on: 301, resolved: 298 });
  procedure(stay, { code: PROCEDURE.appendicectomy, on: 300, reason: appendicitis });
  document(stay, {
    type: DOCUMENT.dischargeSummary,
    on: 298,
    title: 'Discharge summary, surgery',
    lines: ['Royal Shrewsbury Hospital', 'Laparoscopic appendicectomy, uneventful.', 'Penicillin avoided.'],
    format: 'text',
  });
  const service = chart.within({ setting: 'mental-health' });
  const talk = encounter(service, { kind: 'AMB', from: 210, service: 'Talking therapies' });
  condition(talk, { code: CONDITION.depression, on: 210, problem: true });
  medication(talk, { medicine: MEDICINE.sertraline, since: 210, dose: '50 mg once a day' });
}

function atLister(ledger: Ledger): void {
  const chart = Chart.open(ledger, 'hwe-shared-care-record', PATIENT, {
    setting: 'acute',
    organisation: lister,
  });
  const visit = encounter(chart.by('Dr', 'Yusuf', 'Grant'), {
    kind: 'EMER',
    from: 57,
    reason: CONDITION.forearmFracture,
  });
  condition(visit, { code: CONDITION.forearmFracture, on: 57 });
  prescription(visit, {
    medicine: MEDICINE.coCodamol,
    on: 57,
    dose: 'Two tablets up to four times a day',
    ended: true,
  });
}
