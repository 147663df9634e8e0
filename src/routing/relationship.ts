import type { Directory } from './directory.ts';
import { isRestricted, type Registration } from './registration.ts';

export type Relationship = 'registered' | 'encounter' | 'referral' | 'asserted';

/** What a broker knows of a patient when it is asked. */
export interface KnownOfPatient {
  readonly registration: Registration;
  /** Codes of organisations and sites. */
  readonly careLocations: readonly string[];
  readonly register?: { readonly practice: string } | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/**
 * How the requesting organisation stands to the patient, as far as the broker itself knows. A patient whom one site of an
 * organisation sees is a patient of all of it; a practice is nobody's site.
 */
export function relationshipOf(
  organisation: string,
  { registration, careLocations, register, at }: KnownOfPatient,
  directory: Pick<Directory, 'organisationOf'>,
): Relationship {
  if (registration.kind === 'registered' && registration.practice === organisation) return 'registered';
  if (!isRestricted(registration) && register?.practice === organisation) return 'registered';
  const whole = directory.organisationOf(organisation, at);
  const treated = careLocations.some((code) => directory.organisationOf(code, at) === whole);
  return treated ? 'encounter' : 'asserted';
}
