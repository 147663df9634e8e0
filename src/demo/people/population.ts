import type { CareLocation, DemoData } from '../demo-data.ts';
import { HOSPITALS, PRACTICES, RECORD_IDS, RECORDS, type Practice, type RecordId } from '../places.ts';
import { testNhsNumbers } from '../test-nhs-number.ts';
import { Chart } from './chart.ts';
import {
  ALLERGEN,
  CONDITION,
  DOCUMENT,
  MEASURE,
  MEDICINE,
  REACTION,
  VACCINE,
  type Concept,
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
} from './entries.ts';
import { Ledger } from './ledger.ts';
import { pdsPatient, type Person } from './person.ts';
import { Chance } from './random.ts';

const FIRST_NHS_NUMBER = '9990001000';
/** Ids start well above those of the stories. */
const FIRST_ID = 100_001;

/** A long-term illness as it shows in a record: what it is, its usual medicine and what is measured for it. */
interface Illness {
  readonly code: Concept;
  readonly medicine: Concept;
  readonly dose: string;
  readonly measure: { code: Concept; from: number; to: number; unit: string; laboratory: boolean };
}

const ILLNESSES: readonly Illness[] = [
  illness(
    CONDITION.hypertension,
    MEDICINE.amlodipine,
    '5 mg once a day',
    MEASURE.systolic,
    118,
    165,
    'mm[Hg]',
  ),
  illness(CONDITION.diabetes2, MEDICINE.metformin, '500 mg twice a day', MEASURE.hba1c, 42, 86, 'mmol/mol'),
  illness(CONDITION.asthma, MEDICINE.salbutamol, 'Two puffs when needed', MEASURE.heartRate, 62, 98, '/min'),
  illness(CONDITION.copd, MEDICINE.budesonide, 'One puff twice a day', MEASURE.heartRate, 66, 104, '/min'),
  illness(CONDITION.heartFailure, MEDICINE.furosemide, '40 mg in the morning', MEASURE.weight, 58, 110, 'kg'),
  illness(
    CONDITION.atrialFibrillation,
    MEDICINE.apixaban,
    '5 mg twice a day',
    MEASURE.heartRate,
    60,
    120,
    '/min',
  ),
  illness(
    CONDITION.kidneyDisease,
    MEDICINE.ramipril,
    '5 mg once a day',
    MEASURE.creatinine,
    90,
    240,
    'umol/L',
  ),
  illness(
    CONDITION.hypothyroidism,
    MEDICINE.levothyroxine,
    '100 micrograms a day',
    MEASURE.weight,
    52,
    98,
    'kg',
  ),
  illness(CONDITION.depression, MEDICINE.sertraline, '50 mg once a day', MEASURE.weight, 50, 105, 'kg'),
  illness(
    CONDITION.osteoarthritis,
    MEDICINE.coCodamol,
    'Two tablets when needed',
    MEASURE.weight,
    55,
    115,
    'kg',
  ),
];

const EPISODES = [
  CONDITION.pneumonia,
  CONDITION.forearmFracture,
  CONDITION.urinaryInfection,
  CONDITION.stroke,
  CONDITION.heartAttack,
  CONDITION.appendicitis,
] as const;

const FEMALE = ['Alice', 'Bethan', 'Chloe', 'Fatima', 'Grace', 'Hannah', 'Leila', 'Mei', 'Olivia', 'Zofia'];
const MALE = ['Adam', 'Callum', 'David', 'Ewan', 'Hassan', 'Jacob', 'Kwame', 'Luca', 'Ravi', 'Thomas'];
const FAMILY =
  'Alder Barrow Carver Dale Elmore Farrow Garner Hale Ingram Jarvis Kemp Lowry Mercer Napier Orchard Pryor'.split(
    ' ',
  );
const STREETS = ['Mill Lane', 'Church Road', 'Station Road', 'Orchard Close', 'Park View', 'The Green'];

/**
 * Background patients, registered in turn at the demo's practices; a third of them were also treated in another
 * region. The same arguments give the same data.
 */
export function buildPopulation(given: { count?: number; seed?: number; now: Date }): DemoData {
  const { count = 300, seed = 1, now } = given;
  const ledger = new Ledger(now, FIRST_ID);
  const chance = new Chance(seed);
  for (const [index, nhsNumber] of testNhsNumbers(FIRST_NHS_NUMBER, count).entries()) {
    const practice = PRACTICES[index % PRACTICES.length];
    if (practice !== undefined)
      addPatient(ledger, chance, personAt(practice, nhsNumber, chance, now), practice);
  }
  return ledger.data();
}

function personAt(practice: Practice, nhsNumber: string, chance: Chance, now: Date): Person {
  const gender = chance.happens(0.5) ? 'female' : 'male';
  const born = new Date(
    now.getTime() - chance.between(18, 92) * 31_557_600_000 - chance.between(0, 364) * 86_400_000,
  );
  return {
    nhsNumber,
    given: chance.oneOf(gender === 'female' ? FEMALE : MALE),
    family: chance.oneOf(FAMILY),
    gender,
    birthDate: born.toISOString().slice(0, 10),
    line: `${String(chance.between(1, 180))} ${chance.oneOf(STREETS)}`,
    phone: `0${String(chance.between(200, 999))}`,
    practice: practice.ods,
    registered: `${String(chance.between(1995, 2022))}-0${String(chance.between(1, 9))}-15`,
  };
}

function addPatient(ledger: Ledger, chance: Chance, person: Person, practice: Practice): void {
  ledger.demographics({ nhsNumber: person.nhsNumber, patient: pdsPatient(person) });
  const home = Chart.open(ledger, practice.record, person, { setting: 'primary', organisation: practice });
  for (let visits = chance.between(1, 3); visits > 0; visits--) addIllness(home, chance);
  if (chance.happens(0.6)) immunisation(home, { vaccine: VACCINE.influenza, on: chance.between(20, 700) });
  if (chance.happens(0.4)) immunisation(home, { vaccine: VACCINE.covid19, on: chance.between(700, 2000) });
  if (chance.happens(0.25)) {
    const substance = chance.oneOf([ALLERGEN.penicillin, ALLERGEN.aspirin, ALLERGEN.ibuprofen]);
    allergy(home, { substance, on: chance.between(200, 6000), reaction: REACTION.rash });
  }
  if (chance.happens(0.3)) appointment(home, { on: -chance.between(1, 60), what: 'Practice appointment' });
  if (chance.happens(0.35)) addEpisode(home, practice.record, chance);
  if (chance.happens(0.35)) addEpisodeElsewhere(ledger, chance, person, practice.record);
}

function addIllness(chart: Chart, chance: Chance): void {
  const { code, medicine, dose, measure } = chance.oneOf(ILLNESSES);
  const since = chance.between(300, 5000);
  const reason = condition(chart, { code, on: since, problem: true });
  medication(chart, { medicine, since, dose });
  const on = chance.between(5, 290);
  const review = encounter(chart, { kind: 'AMB', from: on, reason: code });
  observation(review, { ...measure, on, value: chance.between(measure.from, measure.to) });
  prescription(review, { medicine, on, dose, reason });
}

/** Adds a hospital stay with its summary; says where and when it was. */
function addEpisode(chart: Chart, record: RecordId, chance: Chance): Omit<CareLocation, 'nhsNumber'> {
  const place = chance.oneOf(HOSPITALS[record]);
  const from = chance.between(10, 700);
  const to = from - chance.between(0, 6);
  const code = chance.oneOf(EPISODES);
  const stay = encounter(chart.at('acute', place), { kind: 'IMP', from, to, reason: code });
  const reason = condition(stay, { code, on: from });
  observation(stay, { code: MEASURE.news2, on: from, value: chance.between(0, 8), unit: '{score}' });
  prescription(stay, {
    medicine: MEDICINE.paracetamol,
    on: to,
    dose: '1 g up to four times a day',
    reason,
    where: 'discharge',
    ended: true,
  });
  document(stay, {
    type: DOCUMENT.dischargeSummary,
    on: to,
    title: 'Discharge summary',
    lines: [place.name, `Admitted with: ${code.text}.`],
    format: 'text',
  });
  return { organisation: place.ods, firstSeen: chart.date(from), lastSeen: chart.date(to) };
}

function addEpisodeElsewhere(ledger: Ledger, chance: Chance, person: Person, home: RecordId): void {
  const region = RECORDS[home].region;
  const record = chance.oneOf(RECORD_IDS.filter((candidate) => RECORDS[candidate].region !== region));
  const [organisation] = HOSPITALS[record];
  const chart = Chart.open(ledger, record, person, { setting: 'acute', organisation });
  ledger.careLocation(region, { nhsNumber: person.nhsNumber, ...addEpisode(chart, record, chance) });
}

function illness(
  code: Concept,
  medicine: Concept,
  dose: string,
  measured: Concept,
  from: number,
  to: number,
  unit: string,
): Illness {
  const laboratory = measured === MEASURE.hba1c || measured === MEASURE.creatinine;
  return { code, medicine, dose, measure: { code: measured, from, to, unit, laboratory } };
}
