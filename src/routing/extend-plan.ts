import type { Directory } from './directory.ts';
import type { NotLocatedRule } from './home-region.ts';
import type { PlannedQuestion } from './plan-for.ts';
import { planRoute, type RouteFacts } from './plan.ts';

/** What the patient's home region told of where else to look, or why it told nothing. */
export type Located =
  | { readonly kind: 'told'; readonly regions: readonly string[] }
  | { readonly kind: 'not-told'; readonly rule: NotLocatedRule };

/**
 * The plan with the regions that the home region named; where it named none because it was not to be asked, the
 * written rule for that decides. Pure, and never asks fewer than before.
 */
export function extendPlan(
  planned: PlannedQuestion,
  located: Located,
  withoutLocate: 'ask-known' | 'ask-all-agreed',
  directory: Directory,
): PlannedQuestion {
  const { facts } = planned;
  if (located.kind === 'told' && located.regions.length === 0) return planned;
  const extended = { ...facts, known: [...facts.known, ...moreKnown(located, withoutLocate, facts)] };
  const plan = planRoute(extended, directory);
  const rules = located.kind === 'told' ? plan.rules : [...plan.rules, located.rule];
  return { ...planned, facts: extended, plan: { ...plan, rules } };
}

function moreKnown(
  located: Located,
  withoutLocate: 'ask-known' | 'ask-all-agreed',
  { agreed }: RouteFacts,
): RouteFacts['known'] {
  if (located.kind === 'told') return located.regions.map((region) => ({ region, how: 'located' }));
  return withoutLocate === 'ask-known' ? [] : [...agreed].map((region) => ({ region, how: 'ask-all' }));
}
