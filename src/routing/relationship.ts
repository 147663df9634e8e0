import type { Registration } from './registration.ts';

export type Relationship = 'registered' | 'encounter' | 'referral' | 'asserted';

/** How the requesting organisation stands to the patient, as far as the broker itself knows. */
export function relationshipOf(
  organisation: string,
  registration: Registration,
  careLocations: readonly string[],
  register?: { readonly practice: string },
): Relationship {
  if (registration.kind === 'registered' && registration.practice === organisation) return 'registered';
  if (registration.kind !== 'restricted' && register?.practice === organisation) return 'registered';
  const trust = organisation.slice(0, 3);
  const treated = careLocations.some((code) => code === organisation || code.slice(0, 3) === trust);
  return treated ? 'encounter' : 'asserted';
}
