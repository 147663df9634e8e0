/** CodeableConcepts of the demo. A medicine whose dm+d code is not given is coded by its ATC class. */

export interface Concept {
  readonly coding?: readonly { readonly system: string; readonly code: string; readonly display?: string }[];
  readonly text: string;
}

export const SNOMED = 'http://snomed.info/sct';

export function snomed(code: string, display: string): Concept {
  return { coding: [{ system: SNOMED, code, display }], text: display };
}

/** A concept in words only. */
export function words(text: string): Concept {
  return { text };
}

export function hl7(system: string, code: string): Concept {
  return { coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code }], text: code };
}

/** A medicine by its dm+d code (a part of the UK edition of SNOMED CT). */
function dmd(code: string, name: string): Concept {
  return snomed(code, name);
}

/** A medicine by name, coded by the WHO's Anatomical Therapeutic Chemical class of its substance. */
function atc(code: string, name: string): Concept {
  return { coding: [{ system: 'http://www.whocc.no/atc', code }], text: name };
}

export const CONDITION = {
  epilepsy: snomed('84757009', 'Epilepsy'),
  seizure: snomed('91175000', 'Seizure'),
  hypertension: snomed('38341003', 'Hypertensive disorder'),
  diabetes2: snomed('44054006', 'Type 2 diabetes mellitus'),
  asthma: snomed('195967001', 'Asthma'),
  copd: snomed('13645005', 'Chronic obstructive pulmonary disease'),
  heartAttack: snomed('22298006', 'Myocardial infarction'),
  heartFailure: snomed('84114007', 'Heart failure'),
  atrialFibrillation: snomed('49436004', 'Atrial fibrillation'),
  kidneyDisease: snomed('709044004', 'Chronic kidney disease'),
  stroke: snomed('230690007', 'Cerebrovascular accident'),
  hypothyroidism: snomed('40930008', 'Hypothyroidism'),
  depression: snomed('35489007', 'Depressive disorder'),
  osteoarthritis: snomed('396275006', 'Osteoarthritis'),
  rheumatoidArthritis: snomed('69896004', 'Rheumatoid arthritis'),
  pneumonia: snomed('233604007', 'Pneumonia'),
  forearmFracture: snomed('65966004', 'Fracture of forearm'),
  appendicitis: snomed('74400008', 'Appendicitis'),
  urinaryInfection: snomed('68566005', 'Urinary tract infectious disease'),
  motorNeuroneDisease: snomed('37340000', 'Motor neuron disease'),
  hiv: snomed('86406008', 'Human immunodeficiency virus infection'),
  dementia: snomed('52448006', 'Dementia'),
  crohns: snomed('34000006', "Crohn's disease"),
  breastCancer: snomed('254837009', 'Malignant neoplasm of breast'),
} as const;

export const MEDICINE = {
  salbutamol: dmd('39113611000001102', 'Salbutamol 100micrograms/dose inhaler CFC free'),
  budesonide: dmd('320567001', 'Budesonide 200micrograms/dose dry powder inhaler'),
  furosemide: dmd('317972000', 'Furosemide 40mg tablets'),
  prednisolone: dmd('325427002', 'Prednisolone 5mg tablets'),
  paracetamol: dmd('322236009', 'Paracetamol 500mg tablets'),
  coCodamol: dmd('322341003', 'Co-codamol 30mg/500mg tablets'),
  amoxicillin: dmd('39732311000001104', 'Amoxicillin 250mg capsules'),
  morphine: dmd('36126511000001106', 'Morphine 10mg modified-release tablets'),
  methotrexate: dmd(
    '15517911000001104',
    'Methotrexate 10mg/0.2ml solution for injection pre-filled syringes',
  ),
  levetiracetam: atc('N03AX14', 'Levetiracetam 500mg tablets'),
  midazolam: atc('N05CD08', 'Midazolam 10mg/2ml oromucosal solution pre-filled oral syringes'),
  riluzole: atc('N07XX02', 'Riluzole 50mg tablets'),
  metformin: atc('A10BA02', 'Metformin 500mg tablets'),
  atorvastatin: atc('C10AA05', 'Atorvastatin 20mg tablets'),
  ramipril: atc('C09AA05', 'Ramipril 5mg capsules'),
  amlodipine: atc('C08CA01', 'Amlodipine 5mg tablets'),
  bisoprolol: atc('C07AB07', 'Bisoprolol 2.5mg tablets'),
  apixaban: atc('B01AF02', 'Apixaban 5mg tablets'),
  clopidogrel: atc('B01AC04', 'Clopidogrel 75mg tablets'),
  sertraline: atc('N06AB06', 'Sertraline 50mg tablets'),
  levothyroxine: atc('H03AA01', 'Levothyroxine sodium 100microgram tablets'),
  omeprazole: atc('A02BC01', 'Omeprazole 20mg gastro-resistant capsules'),
  letrozole: atc('L02BG04', 'Letrozole 2.5mg tablets'),
  adalimumab: atc('L04AB04', 'Adalimumab 40mg/0.4ml solution for injection pre-filled pens'),
  dolutegravir: atc('J05AJ03', 'Dolutegravir 50mg tablets'),
} as const;

export const ALLERGEN = {
  penicillin: snomed('764146007', 'Penicillin'),
  aspirin: snomed('387458008', 'Aspirin'),
  ibuprofen: snomed('387207008', 'Ibuprofen'),
  carbamazepine: snomed('387222003', 'Carbamazepine'),
} as const;

export const REACTION = {
  anaphylaxis: snomed('39579001', 'Anaphylaxis'),
  rash: snomed('271807003', 'Eruption of skin'),
  urticaria: snomed('126485001', 'Urticaria'),
} as const;

export const ENCOUNTER = {
  emergency: snomed('4525004', 'Emergency department patient visit'),
  admission: snomed('32485007', 'Hospital admission'),
  consultation: snomed('11429006', 'Consultation'),
  telephone: snomed('185317003', 'Telephone encounter'),
} as const;

export const PROCEDURE = {
  eeg: snomed('54550000', 'Electroencephalogram'),
  ctHead: snomed('303653007', 'Computed tomography of head'),
  ecg: snomed('29303009', 'Electrocardiographic procedure'),
  appendicectomy: snomed('80146002', 'Appendectomy'),
  hipReplacement: snomed('52734007', 'Total replacement of hip'),
  coronaryIntervention: snomed('415070008', 'Percutaneous coronary intervention'),
  chemotherapy: snomed('367336001', 'Chemotherapy'),
} as const;

export const MEASURE = {
  systolic: snomed('271649006', 'Systolic blood pressure'),
  weight: snomed('27113001', 'Body weight'),
  heartRate: snomed('364075005', 'Heart rate'),
  hba1c: snomed('999791000000106', 'Haemoglobin A1c level - IFCC standardised'),
  creatinine: snomed('1000731000000107', 'Serum creatinine level'),
  haemoglobin: snomed('1022431000000105', 'Haemoglobin estimation'),
  news2: snomed('1104051000000101', 'Royal College of Physicians NEWS2 total score'),
} as const;

export const DOCUMENT = {
  dischargeSummary: snomed('373942005', 'Discharge summary'),
  outpatientLetter: snomed('823681000000100', 'Outpatient letter'),
  urgentCarePlan: snomed('887701000000100', 'Emergency health care plan'),
  crisisPlan: snomed('736253002', 'Mental health crisis plan'),
  carePlan: snomed('734163000', 'Care plan'),
} as const;

export const VACCINE = {
  covid19: dmd('39115611000001103', 'COVID-19 mRNA Vaccine Comirnaty 30micrograms/0.3ml dose'),
  influenza: dmd(
    '39566211000001103',
    'Supemtek Quadrivalent vaccine (recombinant) 0.5ml pre-filled syringes',
  ),
} as const;
