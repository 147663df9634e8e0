import type { Directory } from './directory.ts';
import { homeOf, type HomelessRule, type RouteRule } from './home-region.ts';
import { isRestricted } from './registration.ts';
import type { RouteFacts } from './route-facts.ts';

/** Where the patient belongs, as far as it is known, and which written rules said so. */
export interface Home {
  /** Regions that count the patient as theirs. */
  readonly homes: readonly string[];
  readonly rules: readonly RouteRule[];
  /** Asked of every region, whatever leads there. */
  readonly askAll?: 'ask-all' | 'break-glass';
  /** Asked of our own region, in the place of a home that is not known. */
  readonly askOwn?: true;
  readonly askNone?: true;
}

/** Where demographics do not say a current practice. Where they say no more of a number, or hide it, nothing stands in. */
const STANDS_IN: ReadonlySet<RouteRule> = new Set([
  'registration-ended',
  'no-practice',
  'not-known',
  'demographics-not-reached',
]);

/** A handover may come before the register, or demographics, knows the patient. */
const EARLY_HANDOVER_MS = 31 * 86_400_000;

/** Registration, then what stands in for it in the written order, then the policy. Pure. */
export function readHome(facts: RouteFacts, directory: Directory): Home {
  const { registration, at } = facts;
  if (isRestricted(registration)) {
    const { kind: rule } = registration;
    return facts.breakGlass.size > 0
      ? { homes: [], rules: [rule, 'break-glass'], askAll: 'break-glass' }
      : { homes: [], rules: [rule], askNone: true };
  }
  const found = homeOf(registration, directory, at);
  const home =
    found.kind === 'region'
      ? { homes: [found.region], rules: ['registered'] as const }
      : homeWithout(found.rule, facts, directory);
  const here = registration.kind === 'registered' ? registerRegion(facts, directory) : undefined;
  const isTwice = here !== undefined && !home.homes.includes(here);
  const twice: Home = isTwice
    ? { ...home, homes: [...home.homes, here], rules: [...home.rules, 'temporary'] }
    : home;
  return { ...twice, rules: [...twice.rules, ...lately(twice, facts), ...died(facts)] };
}

function homeWithout(rule: HomelessRule, facts: RouteFacts, directory: Directory): Home {
  if (rule === 'invalidated') return { homes: [], rules: [rule] };
  if (!STANDS_IN.has(rule)) return byPolicy([rule], facts);
  const { stated, at } = facts;
  if (stated !== undefined) {
    const found = homeOf({ kind: 'registered', practice: stated, current: facts.nhsNumber }, directory, at);
    if (found.kind === 'region') return { homes: [found.region], rules: [rule, 'stated-by-viewer'] };
    if (found.rule !== 'practice-unknown') return byPolicy([rule, 'stated-by-viewer', found.rule], facts);
  }
  const here = registerRegion(facts, directory);
  if (here !== undefined) return { homes: [here], rules: [rule, 'local-register'] };
  return byPolicy([rule], facts);
}

function byPolicy(rules: readonly RouteRule[], { withoutRegistration: policy }: RouteFacts): Home {
  const home = { homes: [], rules: [...rules, policy] };
  switch (policy) {
    case 'ask-all-agreed':
      return { ...home, askAll: 'ask-all' };
    case 'ask-home-only':
      return { ...home, askOwn: true };
    case 'ask-none':
      return home;
  }
}

/** Whom our own register has is ours, whether or not the directory knows the practice. */
function registerRegion(
  { register, nhsNumber, own, at }: RouteFacts,
  directory: Directory,
): string | undefined {
  if (register === undefined) return undefined;
  const found = homeOf(
    { kind: 'registered', practice: register.practice, current: nhsNumber },
    directory,
    at,
  );
  return found.kind === 'region' ? found.region : own.region;
}

/** Ours since a short time: what is known here is not all, unless a region that says it was home before told the rest. */
function lately({ homes, rules }: Home, facts: RouteFacts): RouteRule[] {
  const { registration, register, own, known, at } = facts;
  if (!homes.includes(own.region) || rules.includes('stated-by-viewer')) return [];
  const told = 'since' in registration ? Date.parse(registration.since ?? '') : Number.NaN;
  const began = register?.from ?? told;
  if (!(began > monthsBefore(at, facts.recentMonths))) return [];
  // A former home names itself. Nothing proves that it was: the rule says on whose word the warning is gone.
  const handedOver = known.some(
    ({ region, how, from, lastTold = Infinity }) =>
      how === 'handover' && from === region && lastTold >= began - EARLY_HANDOVER_MS,
  );
  return [handedOver ? 'handed-over' : 'recently-registered'];
}

function died({ registration }: RouteFacts): RouteRule[] {
  return 'deceased' in registration && registration.deceased ? ['deceased'] : [];
}

function monthsBefore(at: number, months: number): number {
  const date = new Date(at);
  return date.setUTCMonth(date.getUTCMonth() - months);
}
