import { SEARCHABLE_TYPES } from './search-parameters.ts';

/** Types that are read because others refer to them. */
const REFERRED = ['Binary', 'Location', 'Medication', 'Organization', 'Practitioner', 'PractitionerRole'];
const TOLD: ReadonlySet<string> = new Set([...SEARCHABLE_TYPES, ...REFERRED]);

/** A resource type where it may be logged and counted: an address may have any word in a type's place. */
export function toldType(type: string): string {
  return TOLD.has(type) ? type : 'other';
}
