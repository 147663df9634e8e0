import { REASONS, RULES } from '../../fhir/codes.ts';
import { isComplete, type RegionOutcome, type RollCall } from './all-regions.ts';
import { named, type Names } from './report-words.ts';

const UNKNOWN = 'what it showed is not known';

const SAYS: Readonly<Record<RegionOutcome, string>> = {
  home: "This region's own logs",
  answered: 'Told what it showed',
  none: 'Says that it showed nothing in that time',
  partial: 'Told a part: what else it showed is not known',
  withheld: `Was asked and says nothing: ${UNKNOWN}`,
  refused: `Refused to say: ${UNKNOWN}`,
  'not-reached': `Was not reached: ${UNKNOWN}`,
  'not-agreed': `Was not asked, because no agreement allows that: ${UNKNOWN}`,
  'not-asked': `Was not asked: ${UNKNOWN}`,
};

const WHY: Readonly<Record<string, string>> = {
  ...RULES,
  ...REASONS,
  'outside-coverage': 'the organisation is not one of ours to it',
  'no-agreement': 'no agreement is in force',
  'purpose-not-agreed': 'its agreement does not cover this purpose',
  'role-not-agreed': 'its agreement does not cover this role',
  paging: 'it holds more than is followed',
  archived: 'older entries are archived and were not looked at',
  unreadable: 'entries about it are broken',
};

/** What every form of the report says of one region: the outcome's code, and a sentence for the patient. */
export interface RegionWords {
  readonly name: string;
  readonly says: string;
  readonly count: string;
}

export function regionSays({ region, outcome, reason, count }: RollCall[number], names: Names): RegionWords {
  const why = reason === undefined ? '' : ` (${named(WHY, reason)})`;
  const looks = count === 1 ? '1 line' : `${count} lines`;
  const told = outcome === 'home' || outcome === 'answered' || outcome === 'partial';
  return { name: names.region(region), says: `${SAYS[outcome]}${why}`, count: told ? looks : '' };
}

/** One sentence that nobody can miss, where some region's part is not known; undefined where all told. */
export function whatIsMissing(regions: RollCall, names: Names): string | undefined {
  const open = regions.filter((region) => !isComplete(region));
  if (open.length === 0) return undefined;
  const list = open.map(({ region }) => names.region(region)).join(', ');
  return `This report is not complete. What was shown is not known, or not all of it, for: ${list}.`;
}
