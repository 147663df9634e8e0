import { hospitalOf, practiceOf } from '../places.ts';
import { Chart } from './chart.ts';
import { CONDITION, DOCUMENT, MEASURE, MEDICINE, VACCINE } from './codes.ts';
import { document, encounter } from './documents.ts';
import {
  appointment,
  condition,
  immunisation,
  medication,
  observation,
  prescription,
  report,
} from './entries.ts';
import type { Ledger } from './ledger.ts';
import { pdsPatient, type Person } from './person.ts';

const PATIENT: Person = {
  nhsNumber: '9990000050',
  given: 'George',
  family: 'Tuddenham',
  gender: 'male',
  birthDate: '1949-05-08',
  line: '9 Victoria Street',
  phone: '0150',
  practice: 'D83040',
  registered: '1979-10-01',
};
/** Addenbrooke's, in Cambridge: no region of the demo covers it. */
const ADDENBROOKES = 'RGT01';
const southend = hospitalOf('RAJ01');

/** A Suffolk patient was treated where nobody in the federation can be asked: the answer has to say so. */
export function story5(ledger: Ledger): void {
  ledger.demographics({ nhsNumber: PATIENT.nhsNumber, patient: pdsPatient(PATIENT) });
  const organisation = practiceOf(PATIENT.practice);
  const home = Chart.open(ledger, 'suffolk-north-east-essex', PATIENT, { setting: 'primary', organisation });
  const gp = home.by('Dr', 'Frances', 'Lomax');
  const failure = condition(gp, { code: CONDITION.heartFailure, on: 900, problem: true });
  const fibrillation = condition(gp, { code: CONDITION.atrialFibrillation, on: 1400, problem: true });
  prescription(gp, { medicine: MEDICINE.furosemide, on: 18, dose: '40 mg in the morning', reason: failure });
  prescription(gp, { medicine: MEDICINE.apixaban, on: 18, dose: '5 mg twice a day', reason: fibrillation });
  medication(gp, { medicine: MEDICINE.bisoprolol, since: 1400, dose: '2.5 mg once a day' });
  immunisation(gp, { vaccine: VACCINE.influenza, on: 35 });
  const review = encounter(gp, { kind: 'AMB', from: 18, reason: CONDITION.heartFailure });
  observation(review, { code: MEASURE.weight, on: 18, value: 88.1, unit: 'kg' });
  const results = [
    observation(review, { code: MEASURE.creatinine, on: 18, value: 121, unit: 'umol/L', laboratory: true }),
  ];
  report(review, { code: MEASURE.creatinine, on: 17, results, conclusion: 'Stable.' });
  document(gp, {
    type: DOCUMENT.outpatientLetter,
    on: 200,
    title: "Letter received from Addenbrooke's",
    lines: ['Transplant assessment in progress.', 'Full notes are held in Cambridge.'],
    format: 'text',
  });
  appointment(gp, { on: 75, what: 'Heart failure nurse', missed: true });

  const seaside = Chart.open(ledger, 'mid-south-essex', PATIENT, {
    setting: 'urgent',
    organisation: southend,
  });
  const visit = encounter(seaside, { kind: 'EMER', from: 480, reason: CONDITION.atrialFibrillation });
  observation(visit, { code: MEASURE.heartRate, on: 480, value: 138, unit: '/min' });
  ledger.careLocation('essex-suffolk', {
    nhsNumber: PATIENT.nhsNumber,
    organisation: ADDENBROOKES,
    firstSeen: home.date(230),
    lastSeen: home.date(44),
  });
}
