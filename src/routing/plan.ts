import type { Directory } from './directory.ts';
import { homeOf, type RouteRule } from './home-region.ts';
import type { Registration } from './registration.ts';

/** Why a region is asked. */
export type AskReason = 'registered' | 'care-location' | 'ask-all' | 'break-glass';
/** Why a region is not asked. */
export type NotAskedReason =
  'no-reason' | 'no-agreement' | 'restricted' | 'own-record' | 'other-record-named';

export type RegionPlan =
  | {
      readonly region: string;
      readonly ask: true;
      readonly reasons: readonly AskReason[];
      /** Only these records; absent: all that the region has. */
      readonly records?: readonly string[];
    }
  | { readonly region: string; readonly ask: false; readonly reason: NotAskedReason };

export interface Plan {
  /** The patient's current number. */
  readonly nhsNumber: string;
  /** The superseded number that was asked with, if it was one. */
  readonly also?: string;
  readonly rules: readonly RouteRule[];
  /** Every region of the federation, in the directory's order. */
  readonly regions: readonly RegionPlan[];
  /** Care locations that lie in no region: said to our own viewer, never to a neighbour. */
  readonly unknownOrganisations: readonly string[];
}

export interface RouteFacts {
  readonly nhsNumber: string;
  readonly registration: Registration;
  /** ODS codes of the organisations and sites where the patient was treated. */
  readonly careLocations: readonly string[];
  readonly own: {
    readonly region: string;
    readonly records: readonly string[];
    /** The records that the viewer shows by itself. */
    readonly shownByViewer: readonly string[];
  };
  /** Regions that are neighbours with an agreement in force. */
  readonly agreed: ReadonlySet<string>;
  /** Regions whose agreement lets the viewer's break-glass (its role and code) lift the ask-none rule. */
  readonly breakGlass: ReadonlySet<string>;
  readonly withoutRegistration: 'ask-all-agreed' | 'ask-home-only' | 'ask-none';
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/**
 * Decides whom to ask, and why: registration first, then care locations; where knowledge is missing a written
 * rule decides and the plan names it. Pure: the same facts give the same plan.
 */
export function planRoute(facts: RouteFacts, directory: Directory): Plan {
  const { home, rules, askAll, askNone } = readHome(facts, directory);
  const feeds = facts.careLocations.map((code) => ({ code, regions: directory.feeds(code, facts.at) }));
  const treatedIn = new Set(feeds.flatMap((feed) => feed.regions.map(({ region }) => region)));

  const regions = directory.regions().map(({ id }): RegionPlan => {
    if (askNone) return { region: id, ask: false, reason: 'restricted' };
    const reasons: AskReason[] = [];
    if (home === id) reasons.push('registered');
    if (treatedIn.has(id)) reasons.push('care-location');
    if (askAll !== undefined) reasons.push(askAll);
    return decide(id, reasons, facts);
  });

  const current = 'current' in facts.registration ? facts.registration.current : facts.nhsNumber;
  const superseded = current !== facts.nhsNumber;
  return {
    nhsNumber: current,
    ...(superseded ? { also: facts.nhsNumber } : {}),
    rules: superseded ? [...rules, 'superseded'] : rules,
    regions,
    unknownOrganisations: askNone
      ? []
      : feeds.filter((feed) => feed.regions.length === 0).map((feed) => feed.code),
  };
}

function decide(region: string, reasons: readonly AskReason[], facts: RouteFacts): RegionPlan {
  const agreed = reasons.includes('break-glass') ? facts.breakGlass : facts.agreed;
  if (region === facts.own.region) {
    const others = facts.own.records.filter((record) => !facts.own.shownByViewer.includes(record));
    if (others.length === 0) return { region, ask: false, reason: 'own-record' };
    if (reasons.length === 0) return { region, ask: false, reason: 'no-reason' };
    if (!agreed.has(region)) return { region, ask: false, reason: 'no-agreement' };
    return { region, ask: true, reasons, records: others };
  }
  if (reasons.length === 0) return { region, ask: false, reason: 'no-reason' };
  if (!agreed.has(region)) return { region, ask: false, reason: 'no-agreement' };
  return { region, ask: true, reasons };
}

interface Home {
  readonly home: string | undefined;
  readonly rules: readonly RouteRule[];
  readonly askAll: 'ask-all' | 'break-glass' | undefined;
  readonly askNone: boolean;
}

function readHome(facts: RouteFacts, directory: Directory): Home {
  const { registration } = facts;
  if (registration.kind === 'restricted') {
    return facts.breakGlass.size > 0
      ? { home: undefined, rules: ['restricted', 'break-glass'], askAll: 'break-glass', askNone: false }
      : { home: undefined, rules: ['restricted'], askAll: undefined, askNone: true };
  }
  const found = homeOf(registration, directory, facts.at);
  if (found.kind === 'none') return without(found.rule, facts);
  return { home: found.region, rules: ['registered'], askAll: undefined, askNone: false };
}

function without(rule: RouteRule, facts: RouteFacts): Home {
  switch (facts.withoutRegistration) {
    case 'ask-all-agreed':
      return { home: undefined, rules: [rule], askAll: 'ask-all', askNone: false };
    case 'ask-home-only':
      return { home: facts.own.region, rules: [rule], askAll: undefined, askNone: false };
    case 'ask-none':
      return { home: undefined, rules: [rule], askAll: undefined, askNone: false };
  }
}

/** The same plan narrowed to one record of one region, as a question about that record's own Patient asks. */
export function onlyRecord(plan: Plan, region: string, record: string): Plan {
  return {
    ...plan,
    regions: plan.regions.map((entry) => {
      if (!entry.ask) return entry;
      if (entry.region !== region) return { region: entry.region, ask: false, reason: 'other-record-named' };
      if (entry.records !== undefined && !entry.records.includes(record)) {
        return { region, ask: false, reason: 'own-record' };
      }
      return { ...entry, records: [record] };
    }),
  };
}
