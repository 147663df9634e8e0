import { hospitalOf } from '../places.ts';
import { Chart } from './chart.ts';
import { CONDITION, MEASURE, MEDICINE, words } from './codes.ts';
import { encounter } from './documents.ts';
import { condition, flag, observation, prescription } from './entries.ts';
import type { Ledger } from './ledger.ts';
import { pdsPatient, type Person } from './person.ts';

const PATIENT: Person = {
  nhsNumber: '9990000069',
  given: 'Joanna',
  family: 'Pell',
  gender: 'female',
  birthDate: '1990-12-05',
  line: 'Not to be disclosed',
  phone: '0169',
  practice: 'G83006',
  registered: '2021-03-15',
};
const barnet = hospitalOf('RAL26');

/** A patient whose whereabouts PDS keeps secret. London holds a record; no answer may show even that. */
export function story6(ledger: Ledger): void {
  ledger.demographics({ nhsNumber: PATIENT.nhsNumber, patient: pdsPatient(PATIENT, { restricted: true }) });
  const at = { setting: 'acute', organisation: barnet } as const;
  const chart = Chart.open(ledger, 'london-care-record', PATIENT, at, { restricted: true });
  const visit = encounter(chart.by('Dr', 'Neil', 'Sharpe'), {
    kind: 'EMER',
    from: 22,
    reason: CONDITION.forearmFracture,
  });
  const fracture = condition(visit, { code: CONDITION.forearmFracture, on: 22 });
  observation(visit, { code: MEASURE.heartRate, on: 22, value: 96, unit: '/min' });
  prescription(visit, {
    medicine: MEDICINE.paracetamol,
    on: 22,
    dose: '1 g four times a day',
    reason: fracture,
  });
  flag(chart, { code: words('Do not disclose whereabouts'), on: 22, category: 'safety' });
  ledger.careLocation('herts-west-essex', {
    nhsNumber: PATIENT.nhsNumber,
    organisation: barnet.ods,
    firstSeen: chart.date(22),
    lastSeen: chart.date(22),
  });
}
