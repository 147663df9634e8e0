import type { Directory } from './directory.ts';
import { readHome } from './read-home.ts';
import type { RouteRule } from './home-region.ts';
import type { RouteFacts } from './route-facts.ts';

export type { RouteFacts } from './route-facts.ts';

/** Why a region is asked. */
export type AskReason =
  | ('registered' | 'care-location' | 'notice' | 'handover' | 'located' | 'continued')
  | ('ask-all' | 'ask-own' | 'break-glass');
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

/**
 * Decides whom to ask, and why: registration first, then care locations and what other regions told; where knowledge is
 * missing a written rule decides and the plan names it. Pure: the same facts give the same plan.
 */
export function planRoute(facts: RouteFacts, directory: Directory): Plan {
  const { homes, rules, askAll, askOwn, askNone } = readHome(facts, directory);
  const feeds = facts.careLocations.map((code) => ({ code, regions: directory.feeds(code, facts.at) }));
  const treatedIn = new Set(feeds.flatMap((feed) => feed.regions.map(({ region }) => region)));

  const isOurs = homes.includes(facts.own.region);
  const known = facts.known.filter(({ undecided }) => undecided !== true || isOurs);
  const listed = directory.regions().map(({ id }) => id);
  const isUnlisted = !askNone && known.some(({ region }) => !listed.includes(region));
  const said: readonly RouteRule[] = isUnlisted ? [...rules, 'region-unknown'] : rules;
  const regions = listed.map((id): RegionPlan => {
    if (askNone) return { region: id, ask: false, reason: 'restricted' };
    const reasons: AskReason[] = [];
    if (homes.includes(id)) reasons.push('registered');
    if (treatedIn.has(id)) reasons.push('care-location');
    for (const { region, how } of known) {
      if (region === id && !reasons.includes(how)) reasons.push(how);
    }
    if (askOwn && id === facts.own.region) reasons.push('ask-own');
    if (askAll !== undefined) reasons.push(askAll);
    return decide(id, reasons, facts);
  });

  const current = 'current' in facts.registration ? facts.registration.current : facts.nhsNumber;
  const superseded = current !== facts.nhsNumber;
  return {
    nhsNumber: current,
    ...(superseded ? { also: facts.nhsNumber } : {}),
    rules: superseded ? [...said, 'superseded'] : said,
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
