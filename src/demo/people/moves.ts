import { hospitalOf, practiceOf } from '../places.ts';
import { testNhsNumbers } from '../test-nhs-number.ts';
import { Chart } from './chart.ts';
import { ALLERGEN, CONDITION, MEDICINE, REACTION } from './codes.ts';
import { encounter } from './documents.ts';
import { allergy, condition, prescription } from './entries.ts';
import type { Ledger } from './ledger.ts';
import { pdsPatient, type Person } from './person.ts';

const [threeRegions = '', handedOver = '', notHandedOver = ''] = testNhsNumbers('9990000124', 3);

/** NHS numbers of patients whose records only another region's word leads to. */
export const MOVE_NUMBERS = { threeRegions, handedOver, notHandedOver } as const;

const MOVED_DAYS_AGO = 30;

/** What regions tell each other: by a notice, and by a handover. */
export function moves(ledger: Ledger): void {
  treatedFarFromHome(ledger);
  movedTo(ledger, handedOver, { given: 'Aisha', family: 'Rahman', phone: '0191' });
  movedTo(ledger, notHandedOver, { given: 'Callum', family: 'Beddoes', phone: '0192' });
  ledger.registered('west-midlands', {
    ...{ nhsNumber: handedOver, practice: 'M85172', from: '2009-03-02' },
    until: dayOf(ledger, MOVED_DAYS_AGO),
  });
}

/** From Suffolk, treated in Birmingham last year; in A&E in Harlow today. Nobody but Birmingham knows of it by itself. */
function treatedFarFromHome(ledger: Ledger): void {
  const person: Person = {
    nhsNumber: threeRegions,
    ...{ given: 'Edward', family: 'Thurlow', gender: 'male', birthDate: '1971-12-05' },
    ...{ line: '27 Whiting Street', phone: '0190', practice: 'D83040', registered: '1998-05-11' },
  };
  ledger.demographics({ nhsNumber: threeRegions, patient: pdsPatient(person) });
  const practice = practiceOf(person.practice);
  const home = Chart.open(ledger, 'suffolk-north-east-essex', person, {
    ...{ setting: 'primary', organisation: practice },
  });
  condition(home, { code: CONDITION.hypertension, on: 2100, problem: true });
  const birmingham = hospitalOf('RRK15');
  const chart = Chart.open(ledger, 'collaborative-care-record', person, {
    ...{ setting: 'acute', organisation: birmingham },
  });
  const stay = encounter(chart, { kind: 'IMP', from: 371, to: 366, reason: CONDITION.pneumonia });
  condition(stay, { code: CONDITION.pneumonia, on: 371, resolved: 340 });
  allergy(stay, { substance: ALLERGEN.penicillin, on: 371, reaction: REACTION.anaphylaxis });
  ledger.careLocation('west-midlands', {
    ...{ nhsNumber: threeRegions, organisation: birmingham.ods },
    ...{ firstSeen: chart.date(371), lastSeen: chart.date(366) },
  });
}

/** From Birmingham to Harlow last month: what the surgery in Birmingham knows has not come along. */
function movedTo(ledger: Ledger, nhsNumber: string, names: Pick<Person, 'given' | 'family' | 'phone'>): void {
  const person: Person = {
    ...{ nhsNumber, ...names, gender: 'female', birthDate: '1988-08-23' },
    ...{ line: '4 Second Avenue', practice: 'F81027', registered: dayOf(ledger, MOVED_DAYS_AGO) },
  };
  ledger.demographics({ nhsNumber, patient: pdsPatient(person) });
  const before = Chart.open(ledger, 'collaborative-care-record', person, {
    ...{ setting: 'primary', organisation: practiceOf('M85172') },
  });
  const asthma = condition(before, { code: CONDITION.asthma, on: 4000, problem: true });
  prescription(before, { medicine: MEDICINE.prednisolone, on: 60, dose: '40 mg once a day', reason: asthma });
}

function dayOf({ now }: Ledger, daysAgo: number): string {
  return new Date(now.getTime() - daysAgo * 86_400_000).toISOString().slice(0, 10);
}
