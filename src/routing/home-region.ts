import type { Directory, PracticePlace } from './directory.ts';
import type { Registration } from './registration.ts';

/** Which written rule decided where the registration alone did not. */
export type RouteRule =
  | 'registered'
  | 'home-outside-federation'
  | 'practice-unknown'
  | 'practice-closed'
  | 'practice-in-wales'
  | 'practice-in-scotland'
  | 'practice-in-northern-ireland'
  | 'practice-in-crown-dependency'
  | 'practice-of-defence'
  | 'practice-special-allocation'
  | 'practice-national'
  | 'registration-ended'
  | 'no-practice'
  | 'not-known'
  | 'invalidated'
  | 'demographics-not-reached'
  | 'restricted'
  | 'restricted-before'
  | 'break-glass'
  | 'superseded'
  | StandInRule
  | NotLocatedRule;

/** What stood in for a registration, and what else is said beside it. */
export type StandInRule =
  | 'stated-by-viewer'
  | 'local-register'
  | 'ask-all-agreed'
  | 'ask-home-only'
  | 'ask-none'
  | 'temporary'
  | 'recently-registered'
  | 'handed-over'
  | 'region-unknown'
  | 'deceased';

/** Why the home region did not tell where else to look. */
export type NotLocatedRule = 'home-not-located' | 'locate-not-agreed';

/** The region where a patient is registered, or the rule that says why none is known. */
export type HomeRegion =
  | { readonly kind: 'region'; readonly region: string }
  | { readonly kind: 'none'; readonly rule: HomelessRule };
export type HomelessRule = Exclude<
  RouteRule,
  'registered' | 'break-glass' | 'superseded' | StandInRule | NotLocatedRule
>;

const RULE_OF = {
  ended: 'registration-ended',
  'no-practice': 'no-practice',
  unknown: 'not-known',
  invalidated: 'invalidated',
  'not-reached': 'demographics-not-reached',
  restricted: 'restricted',
  'restricted-before': 'restricted-before',
} as const satisfies Record<Exclude<Registration['kind'], 'registered'>, RouteRule>;

const RULE_OF_PLACE = {
  outside: 'home-outside-federation',
  unknown: 'practice-unknown',
  closed: 'practice-closed',
  wales: 'practice-in-wales',
  scotland: 'practice-in-scotland',
  'northern-ireland': 'practice-in-northern-ireland',
  'crown-dependency': 'practice-in-crown-dependency',
  defence: 'practice-of-defence',
  'special-allocation': 'practice-special-allocation',
  national: 'practice-national',
} as const satisfies Record<Exclude<PracticePlace['kind'], 'region'>, RouteRule>;

/** The rule that says where a practice leads. */
export function ruleOfPlace(place: PracticePlace): RouteRule {
  return place.kind === 'region' ? 'registered' : RULE_OF_PLACE[place.kind];
}

/** Registration, directory, region. Pure. @param at milliseconds since the epoch */
export function homeOf(registration: Registration, directory: Directory, at: number): HomeRegion {
  if (registration.kind !== 'registered') return { kind: 'none', rule: RULE_OF[registration.kind] };
  const place = directory.practice(registration.practice, at);
  if (place.kind === 'region') return { kind: 'region', region: place.region };
  return { kind: 'none', rule: RULE_OF_PLACE[place.kind] };
}
