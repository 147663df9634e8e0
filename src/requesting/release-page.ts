import type { Asking, AuditTrail, Received } from '../audit/trail.ts';
import { nameOf } from '../fhir/resource.ts';
import type { SelectedPage } from './paging.ts';
import type { RegionAnswer } from './region-answer.ts';

declare const released: unique symbol;
/** A page whose every entry is on the disk as shown to this viewer: only such a page becomes an answer. */
export type ReleasedPage = SelectedPage & { readonly [released]: true };

/** @throws HouseError `audit-unavailable`: then nothing may be shown */
export type Release = (page: SelectedPage) => Promise<ReleasedPage>;

export const NOTHING_SHOWN: SelectedPage = { entries: [], next: [] };

/** @param last nothing more of this request will be shown */
export function releaseWith(
  audit: AuditTrail,
  asking: Asking,
  answers: readonly RegionAnswer[],
  last: boolean,
): Release {
  return async (page) => {
    const resources = page.entries.flatMap(({ source, entry }) =>
      entry.resource === undefined
        ? []
        : { region: source.region, record: source.record, resource: nameOf(entry.resource) },
    );
    const count = page.entries.filter(({ mode }) => mode === 'match').length;
    await audit.released(asking, answers.map(receivedFrom), { resources, count }, last);
    return page as ReleasedPage;
  };
}

/** What the audit keeps of one region's answer: outcomes and digests, nothing clinical. */
export function receivedFrom(answer: RegionAnswer): Received {
  const { region, jti, outcome, reason, fault, ms, believed, unbelieved } = answer;
  const sources = answer.sources.map(({ matches, ...source }) => ({
    ...{ record: source.record, search: source.search, outcome: source.outcome, reason: source.reason },
    count: matches.length,
  }));
  const event = answer.responded
    ? 'response-believed'
    : reason === 'not-believed'
      ? 'response-not-believed'
      : 'not-reached';
  const count = sources.reduce((sum, source) => sum + source.count, 0);
  return { event, region, jti, outcome, reason, fault, count, ms, sources, unbelieved, ...believed };
}
