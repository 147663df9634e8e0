import { hospitalOf, practiceOf } from '../places.ts';
import { testNhsNumbers } from '../test-nhs-number.ts';
import { Chart } from './chart.ts';
import { CONDITION, MEDICINE } from './codes.ts';
import { encounter } from './documents.ts';
import { condition, medication } from './entries.ts';
import type { Ledger } from './ledger.ts';
import { pdsPatient, type Person } from './person.ts';

const [superseded = '', current = '', invalidated = '', withoutPractice = '', ended = ''] = testNhsNumbers(
  '9990000078',
  5,
);

/** NHS numbers for which PDS has another answer than a plain registration. */
export const EDGE_NUMBERS = { superseded, current, invalidated, withoutPractice, ended } as const;

const DAY = 86_400_000;

export function edgeCases(ledger: Ledger): void {
  moved(ledger);
  merged(ledger);
  unregistered(ledger);
  ledger.demographics({ nhsNumber: invalidated, invalidated: true });
}

/** Two numbers became one; London's record still has the older number. */
function merged(ledger: Ledger): void {
  const person: Person = {
    nhsNumber: current,
    given: 'Iris',
    family: 'Bowden',
    gender: 'female',
    birthDate: '1983-02-11',
    line: '5 South Street',
    phone: '0185',
    practice: 'E82074',
    registered: '2011-07-04',
  };
  ledger.demographics({ nhsNumber: current, patient: pdsPatient(person) });
  ledger.demographics({ nhsNumber: superseded, supersededBy: current });
  const home = Chart.open(ledger, 'hwe-shared-care-record', person, {
    setting: 'primary',
    organisation: practiceOf(person.practice),
  });
  condition(home, { code: CONDITION.crohns, on: 1500, problem: true });
  const organisation = hospitalOf('RRV03');
  const chart = Chart.open(
    ledger,
    'london-care-record',
    person,
    { setting: 'acute', organisation },
    {
      nhsNumber: superseded,
    },
  );
  const clinic = encounter(chart, { kind: 'AMB', from: 130, service: 'Gastroenterology' });
  medication(clinic, { medicine: MEDICINE.adalimumab, since: 130, dose: '40 mg every two weeks' });
  ledger.careLocation('herts-west-essex', {
    nhsNumber: current,
    organisation: organisation.ods,
    firstSeen: chart.date(130),
    lastSeen: chart.date(130),
  });
}

/** PDS knows the patient but no practice: nobody can say where home is. */
function unregistered(ledger: Ledger): void {
  const person: Person = {
    nhsNumber: withoutPractice,
    given: 'Tomasz',
    family: 'Weir',
    gender: 'male',
    birthDate: '1979-09-27',
    line: 'No fixed abode',
    phone: '0186',
    practice: 'M87006',
    registered: '2015-01-19',
  };
  const patient = pdsPatient(person, { withoutPractice: true });
  ledger.demographics({ nhsNumber: withoutPractice, patient });
  const at = { setting: 'urgent', organisation: hospitalOf('RNA01') } as const;
  const chart = Chart.open(ledger, 'one-health-and-care', person, at);
  const visit = encounter(chart, { kind: 'EMER', from: 75, reason: CONDITION.pneumonia });
  condition(visit, { code: CONDITION.pneumonia, on: 75, resolved: 60 });
}

/** The registration ended: the practice says where home was. */
function moved(ledger: Ledger): void {
  const person: Person = {
    nhsNumber: ended,
    given: 'Nadia',
    family: 'Storr',
    gender: 'female',
    birthDate: '1995-06-16',
    line: '140 Kings Road',
    phone: '0187',
    practice: 'E84005',
    registered: '2016-09-26',
  };
  const until = new Date(ledger.now.getTime() - 100 * DAY).toISOString().slice(0, 10);
  ledger.demographics({ nhsNumber: ended, patient: pdsPatient(person, { ended: until }) });
  const home = Chart.open(ledger, 'london-care-record', person, {
    setting: 'primary',
    organisation: practiceOf(person.practice),
  });
  condition(home, { code: CONDITION.asthma, on: 3000, problem: true });
  const at = { setting: 'urgent', organisation: hospitalOf('RAJ01') } as const;
  const chart = Chart.open(ledger, 'mid-south-essex', person, at);
  const visit = encounter(chart, { kind: 'EMER', from: 28, reason: CONDITION.asthma });
  medication(visit, { medicine: MEDICINE.prednisolone, since: 28, stopped: 23, dose: '40 mg once a day' });
}
