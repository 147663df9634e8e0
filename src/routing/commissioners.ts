/** Where a practice's patients live is not told by a region of England: each is a written outcome. */
export type Elsewhere =
  | 'wales'
  | 'scotland'
  | 'northern-ireland'
  | 'crown-dependency'
  | 'defence'
  | 'special-allocation'
  | 'national';

/** The health boards of Wales: the commissioners of its practices. */
const HEALTH_BOARD_OF_WALES = /^7A[1-7]$/;

/** NHS England's hub that commissions the medical centres of the armed forces, and nothing else. */
const DEFENCE_HUB = '13Q';

/**
 * NHS England's other commissioning hubs, which commission for the whole country or a part of it: what prisons and other secure
 * settings have for a practice. Imported sub-ICB locations name them by their role too.
 */
const NATIONAL_HUBS: ReadonlySet<string> = new Set([
  ...['13R', '14A', '14E', '14F', '14G', '14M', '14Q', '14R', '14T'],
  ...['15L', '27T', '32T', '76A', '85J', '97T'],
]);

/** The ODS role of a commissioning hub. */
export const HUB_ROLE = 'RO218';

/** @returns undefined for a sub-ICB location, or a code that is not known */
export function elsewhereBy(commissioner: string, roles: readonly string[] = []): Elsewhere | undefined {
  if (HEALTH_BOARD_OF_WALES.test(commissioner)) return 'wales';
  if (commissioner === DEFENCE_HUB) return 'defence';
  return NATIONAL_HUBS.has(commissioner) || roles.includes(HUB_ROLE) ? 'national' : undefined;
}

/** By the form of a code, of practices that no imported file names: each country has a form of its own. */
export function elsewhereByForm(practice: string): Elsewhere | undefined {
  if (/^W\d{5}$/.test(practice)) return 'wales';
  if (/^S\d{5}$/.test(practice)) return 'scotland';
  if (/^Z\d{5}$/.test(practice)) return 'northern-ireland';
  if (/^A91\d{3}$/.test(practice)) return 'defence';
  return /^(?:ALD|GUE|JER)\d{3}$/.test(practice) ? 'crown-dependency' : undefined;
}

/** Practices for patients whom no other practice takes: no file has a code for them, but they are called so. */
export function isSpecialAllocation(name: string, roles: readonly string[] = []): boolean {
  // The same three letters are the sexual assault services'.
  return /\bSAS\b|\bSPECIAL ALLOCATION\b/i.test(name) && !roles.includes('RO258');
}
