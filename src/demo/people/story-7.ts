import { hospitalOf, practiceOf } from '../places.ts';
import { Chart } from './chart.ts';
import { CONDITION, DOCUMENT, MEASURE, MEDICINE, PROCEDURE } from './codes.ts';
import { dissent, document, encounter } from './documents.ts';
import { condition, observation, prescription, procedure } from './entries.ts';
import type { Ledger } from './ledger.ts';
import { pdsPatient, type Person } from './person.ts';

const PATIENT: Person = {
  nhsNumber: '9990000077',
  given: 'Peter',
  family: 'Ludlow',
  gender: 'male',
  birthDate: '1968-08-23',
  line: '71 The Avenue',
  phone: '0177',
  practice: 'E82069',
  registered: '2001-05-28',
};
const barnet = hospitalOf('RAL26');

/** A Watford patient who objected, in London, to sharing what London holds about him. */
export function story7(ledger: Ledger): void {
  ledger.demographics({ nhsNumber: PATIENT.nhsNumber, patient: pdsPatient(PATIENT) });
  const organisation = practiceOf(PATIENT.practice);
  const home = Chart.open(ledger, 'hwe-shared-care-record', PATIENT, { setting: 'primary', organisation });
  const gp = home.by('Dr', 'Laura', 'Finch');
  const pressure = condition(gp, { code: CONDITION.hypertension, on: 1800, problem: true });
  prescription(gp, { medicine: MEDICINE.ramipril, on: 52, dose: '5 mg once a day', reason: pressure });
  observation(gp, { code: MEASURE.systolic, on: 52, value: 139, unit: 'mm[Hg]' });

  const london = Chart.open(ledger, 'london-care-record', PATIENT, {
    setting: 'acute',
    organisation: barnet,
  });
  const stay = encounter(london.by('Mr', 'Hugh', 'Corran'), {
    kind: 'IMP',
    from: 260,
    to: 256,
    reason: CONDITION.osteoarthritis,
    service: 'Orthopaedics',
  });
  const hip = condition(stay, { code: CONDITION.osteoarthritis, on: 800, problem: true });
  procedure(stay, { code: PROCEDURE.hipReplacement, on: 259, reason: hip });
  document(stay, {
    type: DOCUMENT.dischargeSummary,
    on: 256,
    title: 'Discharge summary, orthopaedics',
    lines: ['Barnet Hospital', 'Right total hip replacement.'],
  });
  dissent(london, { on: 250 });
  ledger.objection({
    nhsNumber: PATIENT.nhsNumber,
    region: 'london',
    kind: 'objection',
    from: london.date(250),
    reason: 'The patient objects to sharing outside London',
  });
  ledger.careLocation('herts-west-essex', {
    nhsNumber: PATIENT.nhsNumber,
    organisation: barnet.ods,
    firstSeen: london.date(260),
    lastSeen: london.date(256),
  });
}
