/** The regions, records and organisations of the demo (ODS codes and names are real, the patients are not). */

export const REGION_IDS = ['herts-west-essex', 'london', 'essex-suffolk', 'west-midlands'] as const;
export type RegionId = (typeof REGION_IDS)[number];

export const RECORD_IDS = [
  'hwe-shared-care-record',
  'london-care-record',
  'mid-south-essex',
  'suffolk-north-east-essex',
  'one-health-and-care',
  'collaborative-care-record',
] as const;
export type RecordId = (typeof RECORD_IDS)[number];

/** The record of a region that joins the four while they run: `docs/trust.md`. It is none of the demo's own processes. */
export const FIFTH_RECORD = 'greater-manchester-record';
export const FIFTH_RECORD_PORT = 4611;
export type AnyRecordId = RecordId | typeof FIFTH_RECORD;

/** Where each record listens in the demo. */
export const RECORDS: Readonly<Record<RecordId, { readonly region: RegionId; readonly port: number }>> = {
  'hwe-shared-care-record': { region: 'herts-west-essex', port: 4111 },
  'london-care-record': { region: 'london', port: 4211 },
  'mid-south-essex': { region: 'essex-suffolk', port: 4311 },
  'suffolk-north-east-essex': { region: 'essex-suffolk', port: 4312 },
  'one-health-and-care': { region: 'west-midlands', port: 4411 },
  'collaborative-care-record': { region: 'west-midlands', port: 4412 },
};

export function recordBase(record: AnyRecordId): string {
  const port = record === FIFTH_RECORD ? FIFTH_RECORD_PORT : RECORDS[record].port;
  return `http://127.0.0.1:${String(port)}/fhir`;
}

/** The records of a region, in the order of `RECORD_IDS`. */
export function recordsOf(region: RegionId): RecordId[] {
  return RECORD_IDS.filter((record) => RECORDS[record].region === region);
}

export interface Surgery {
  readonly ods: string;
  readonly name: string;
  /** Postcode district of the practice; its patients are given addresses there. */
  readonly district: string;
  readonly town: string;
}

export interface Practice extends Surgery {
  /** The record that holds its patients' primary care. */
  readonly record: RecordId;
}

const practice = (ods: string, name: string, town: string, district: string, record: RecordId): Practice => ({
  ods,
  name,
  town,
  district,
  record,
});

/** Interleaved by region, so that taking them in turn spreads patients over the regions. */
export const PRACTICES: readonly Practice[] = [
  practice('F81027', 'Lister Medical Centre', 'Harlow', 'CM18', 'hwe-shared-care-record'),
  practice('F82005', "Dr M Goyal's Practice", 'Dagenham', 'RM10', 'london-care-record'),
  practice('F81122', 'Chelmer Medical Partnership', 'Chelmsford', 'CM1', 'mid-south-essex'),
  practice('M85172', 'Ridgacre House Surgery', 'Birmingham', 'B32', 'collaborative-care-record'),
  practice('E82006', 'The Limes Surgery', 'Hoddesdon', 'EN11', 'hwe-shared-care-record'),
  practice('H83006', 'New Addington Group Practice', 'Croydon', 'CR0', 'london-care-record'),
  practice('D83040', 'Victoria Surgery', 'Bury St Edmunds', 'IP33', 'suffolk-north-east-essex'),
  practice('M87006', 'Eve Hill Medical Practice', 'Dudley', 'DY1', 'one-health-and-care'),
  practice('E82069', 'The Elms Surgery', 'Watford', 'WD17', 'hwe-shared-care-record'),
  practice('E83007', 'Squires Lane Medical Practice', 'London', 'N3', 'london-care-record'),
  practice('F81133', 'Tiptree Medical Centre', 'Colchester', 'CO5', 'suffolk-north-east-essex'),
  practice('M84004', 'Whitehall Medical Practice', 'Rugby', 'CV21', 'collaborative-care-record'),
  practice('E82074', 'South Street Surgery', "Bishop's Stortford", 'CM23', 'hwe-shared-care-record'),
  practice('E84005', 'Kings Road Surgery', 'Harrow', 'HA2', 'london-care-record'),
  practice('D83049', 'Little St John Street Surgery', 'Woodbridge', 'IP12', 'suffolk-north-east-essex'),
  practice('M83028', 'Glebedale Medical Practice', 'Stoke-on-Trent', 'ST4', 'one-health-and-care'),
  practice('E82643', 'Archway Surgery', 'Hemel Hempstead', 'HP3', 'hwe-shared-care-record'),
  practice('G83006', 'The Albion Surgery', 'Bexleyheath', 'DA6', 'london-care-record'),
  practice('M82030', 'Pontesbury & Worthen Medical Practice', 'Shrewsbury', 'SY5', 'one-health-and-care'),
  practice('M81048', 'Nunwell Surgery', 'Bromyard', 'HR7', 'collaborative-care-record'),
];

/** In the fifth region. */
const FIFTH_PRACTICES: readonly Surgery[] = [
  { ods: 'P87004', name: '1/Salford Medical Practice', town: 'Salford', district: 'M6' },
];

/** @throws TypeError for a code that no practice of the demo or of the fifth region has */
export function practiceOf(ods: string): Surgery {
  const found = [...PRACTICES, ...FIFTH_PRACTICES].find((candidate) => candidate.ods === ods);
  if (found === undefined) throw new TypeError(`no practice ${ods} in the demo`);
  return found;
}

export interface Hospital {
  readonly ods: string;
  readonly name: string;
}

/** The hospital sites that feed each record, the busiest first. */
export const HOSPITALS: Readonly<Record<RecordId, readonly [Hospital, ...Hospital[]]>> = {
  'hwe-shared-care-record': [
    { ods: 'RWG02', name: 'Watford General Hospital' },
    { ods: 'RWH01', name: 'Lister Hospital' },
    { ods: 'RQWG0', name: 'Princess Alexandra Hospital' },
  ],
  'london-care-record': [
    { ods: 'RJ611', name: 'Croydon University Hospital' },
    { ods: 'RRV03', name: 'University College Hospital' },
    { ods: 'RAL26', name: 'Barnet Hospital' },
  ],
  'mid-south-essex': [{ ods: 'RAJ01', name: 'Southend Hospital' }],
  'suffolk-north-east-essex': [
    { ods: 'RDEE4', name: 'Colchester General Hospital' },
    { ods: 'RDE03', name: 'Ipswich Hospital' },
    { ods: 'RGR50', name: 'West Suffolk Hospital' },
  ],
  'one-health-and-care': [
    { ods: 'RNA01', name: 'Russells Hall Hospital' },
    { ods: 'RXWAS', name: 'Royal Shrewsbury Hospital' },
    { ods: 'RJE01', name: 'Royal Stoke University Hospital' },
  ],
  'collaborative-care-record': [
    { ods: 'RRK15', name: 'Queen Elizabeth Hospital Birmingham' },
    { ods: 'RKB01', name: 'University Hospital Coventry' },
    { ods: 'RWP50', name: 'Worcestershire Royal Hospital' },
  ],
};

const FIFTH_HOSPITALS: readonly Hospital[] = [
  { ods: 'RM301', name: 'Salford Royal' },
  { ods: 'R0A02', name: 'Manchester Royal Infirmary' },
];

/** @throws TypeError for a code that no hospital of the demo or of the fifth region has */
export function hospitalOf(ods: string): Hospital {
  const all = [...Object.values(HOSPITALS).flat(), ...FIFTH_HOSPITALS];
  const found = all.find((candidate) => candidate.ods === ods);
  if (found === undefined) throw new TypeError(`no hospital ${ods} in the demo`);
  return found;
}

/** A new object with one value per record, or per region. */
export function perRecord<T>(make: (record: RecordId) => T): Record<RecordId, T> {
  return Object.fromEntries(RECORD_IDS.map((id) => [id, make(id)])) as Record<RecordId, T>;
}

export function perRegion<T>(make: (region: RegionId) => T): Record<RegionId, T> {
  return Object.fromEntries(REGION_IDS.map((id) => [id, make(id)])) as Record<RegionId, T>;
}
