import type { Resource } from '../../fhir/resource.ts';
import type { DemoData } from '../demo-data.ts';
import { FIFTH_RECORD, hospitalOf, practiceOf } from '../places.ts';
import { testNhsNumbers } from '../test-nhs-number.ts';
import { Chart } from './chart.ts';
import { ALLERGEN, CONDITION, DOCUMENT, MEASURE, MEDICINE, PROCEDURE, REACTION } from './codes.ts';
import { document, encounter } from './documents.ts';
import { allergy, condition, medication, observation, prescription, procedure } from './entries.ts';
import { Ledger } from './ledger.ts';
import { pdsPatient, type Person } from './person.ts';

/** Ids start well above those of the stories and of the population. */
const FIRST_ID = 500_001;
const [salford = '', watford = ''] = testNhsNumbers('9990000500', 2);

/** NHS numbers: of a patient of the fifth region, and of one of ours who was treated there. */
export const FIFTH_NUMBERS = { salford, watford } as const;

export interface FifthRegion {
  /** What the four regions and demographics know of these patients, whether the fifth has joined or not. */
  readonly data: DemoData;
  /** What the fifth region's own record holds. */
  readonly record: readonly Resource[];
}

/** Two patients whose care has to do with Greater Manchester, dated relative to `now`. The same `now` gives the same data. */
export function buildFifth(now: Date): FifthRegion {
  const ledger = new Ledger(now, FIRST_ID);
  visitor(ledger);
  student(ledger);
  return { data: ledger.data(), record: ledger.heldBy(FIFTH_RECORD) };
}

/** From Salford, in A&E at Watford: what thins her blood, and what she must not be given, is in her own region's record. */
function visitor(ledger: Ledger): void {
  const person: Person = {
    nhsNumber: salford,
    given: 'Maureen',
    family: 'Hesketh',
    gender: 'female',
    birthDate: '1949-08-30',
    line: '21 Langworthy Road',
    phone: '0506',
    practice: 'P87004',
    registered: '1988-05-09',
  };
  ledger.demographics({ nhsNumber: person.nhsNumber, patient: pdsPatient(person) });
  const practice = { setting: 'primary', organisation: practiceOf(person.practice) } as const;
  const gp = Chart.open(ledger, FIFTH_RECORD, person, practice).by('Dr', 'Farah', 'Siddall');
  const fibrillation = condition(gp, { code: CONDITION.atrialFibrillation, on: 1300, problem: true });
  prescription(gp, {
    medicine: MEDICINE.apixaban,
    on: 20,
    dose: '5 mg twice a day',
    reason: fibrillation,
  });
  medication(gp, { medicine: MEDICINE.bisoprolol, since: 1300, dose: '2.5 mg once a day' });
  allergy(gp, { substance: ALLERGEN.penicillin, on: 9000, reaction: REACTION.anaphylaxis, severe: true });
  const clinic = encounter(gp.at('acute', hospitalOf('RM301')), {
    kind: 'AMB',
    from: 75,
    reason: CONDITION.atrialFibrillation,
    service: 'Cardiology',
  });
  observation(clinic, { code: MEASURE.heartRate, on: 75, value: 72, unit: '/min' });
  document(clinic, {
    type: DOCUMENT.outpatientLetter,
    on: 74,
    title: 'Cardiology clinic letter',
    lines: ['Salford Royal', 'Permanent atrial fibrillation, rate controlled. Continue apixaban.'],
  });
  const here = { setting: 'acute', organisation: hospitalOf('RWG02') } as const;
  const emergency = encounter(Chart.open(ledger, 'hwe-shared-care-record', person, here), {
    kind: 'EMER',
    from: 0,
    ongoing: true,
  });
  observation(emergency, { code: MEASURE.news2, on: 0, value: 4, unit: '{score}', time: '00:10' });
}

/** From Watford, and once a student in Manchester: operated on there. */
function student(ledger: Ledger): void {
  const person: Person = {
    nhsNumber: watford,
    given: 'Rowan',
    family: 'Attwell',
    gender: 'male',
    birthDate: '2004-01-17',
    line: '7 Cassio Road',
    phone: '0514',
    practice: 'E82069',
    registered: '2004-02-02',
  };
  ledger.demographics({ nhsNumber: person.nhsNumber, patient: pdsPatient(person) });
  const practice = { setting: 'primary', organisation: practiceOf(person.practice) } as const;
  const gp = Chart.open(ledger, 'hwe-shared-care-record', person, practice);
  condition(gp, { code: CONDITION.asthma, on: 4100, problem: true });
  const infirmary = hospitalOf('R0A02');
  const there = { setting: 'acute', organisation: infirmary } as const;
  const chart = Chart.open(ledger, FIFTH_RECORD, person, there).by('Mr', 'Idris', 'Bellamy');
  const stay = encounter(chart, { kind: 'IMP', from: 240, to: 237, reason: CONDITION.appendicitis });
  const reason = condition(stay, { code: CONDITION.appendicitis, on: 240, resolved: 237 });
  procedure(stay, { code: PROCEDURE.appendicectomy, on: 240, reason });
  allergy(stay, { substance: ALLERGEN.ibuprofen, on: 238, reaction: REACTION.urticaria });
  ledger.careLocation('herts-west-essex', {
    nhsNumber: person.nhsNumber,
    organisation: infirmary.ods,
    firstSeen: chart.date(240),
    lastSeen: chart.date(237),
  });
}
