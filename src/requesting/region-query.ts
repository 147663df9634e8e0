import type { SearchClaim } from '../evidence/claims.ts';
import { signQuery, type QueryBody, type SignedQuery } from '../evidence/query.ts';
import { nhsNumberToken } from '../fhir/nhs-number.ts';
import { searchText, type Search } from '../fhir/search-parameters.ts';
import type { AskReason, Plan, RegionPlan } from '../routing/plan.ts';
import type { Relationship } from '../routing/relationship.ts';
import type { NeighbourLink } from '../upstream/neighbour-link.ts';
import type { AuthenticatedViewer } from './authenticate-viewer.ts';
import type { SourceState } from './paging.ts';
import type { Requesting } from './requesting.ts';

/** One region's part of a question: one signed query, or why none is sent. */
export type RegionQuery = {
  readonly region: string;
  readonly asked: readonly AskReason[];
  /** Searches of types that the region does not offer, and so does not hear of. */
  readonly notOffered: readonly { record: string; search: string }[];
} & ({ readonly link: NeighbourLink; readonly query: SignedQuery } | { readonly query: undefined });

type Asked = Extract<RegionPlan, { ask: true }>;

/**
 * Signs one query for each region of the plan.
 *
 * @param states where each source of an earlier page stopped; absent for a first page
 * @param referenced what the resources refer to directly, and is about no patient, is wanted with them
 */
export function signSearches(
  planned: { plan: Plan; relationship: Relationship },
  searches: readonly Search[],
  states: readonly SourceState[] | undefined,
  viewer: AuthenticatedViewer,
  broker: Requesting,
  referenced?: true,
): RegionQuery[] {
  const asked = planned.plan.regions.filter((region) => region.ask);
  return asked
    .filter(({ region }) => states === undefined || states.some((state) => state.region === region))
    .map((region): RegionQuery => {
      const link = broker.links.get(region.region);
      const records = recordsOf(region, link);
      const wanted = searches.flatMap((search) => records.map((record) => ({ search, record })));
      const offered = wanted.filter(({ search, record }) => record.offers.includes(search.type));
      const notOffered = wanted
        .filter(({ search, record }) => !record.offers.includes(search.type))
        .map(({ search, record }) => ({ record: record.id, search: search.type }));
      const claims =
        states === undefined ? firstSearches(offered, region) : nextSearches(searches, region.region, states);
      const head = { region: region.region, asked: region.reasons, notOffered };
      if (link === undefined || claims.length === 0) return { ...head, query: undefined };
      const asking = { search: claims, ...(referenced === undefined ? {} : { referenced }) };
      const body = { ...commonClaims(planned, viewer), ...asking };
      const query = signQuery(broker.sender, link.neighbour.entity, body, broker.now());
      return { ...head, link, query };
    });
}

function recordsOf(
  region: Asked,
  link: NeighbourLink | undefined,
): { id: string; offers: readonly string[] }[] {
  const records = link?.neighbour.broker.records ?? [];
  return records.filter((record) => region.records === undefined || region.records.includes(record.id));
}

/** A search for all records of the region travels once; one that is for some of them names each. */
function firstSearches(
  offered: readonly { search: Search; record: { id: string } }[],
  region: Asked,
): SearchClaim[] {
  if (region.records !== undefined) {
    return offered.map(({ search, record }) => ({
      id: search.type,
      query: searchText(search),
      record: record.id,
    }));
  }
  const searches = new Map(offered.map(({ search }) => [search.type, search]));
  return [...searches.values()].map((search) => ({ id: search.type, query: searchText(search) }));
}

function nextSearches(
  searches: readonly Search[],
  region: string,
  states: readonly SourceState[],
): SearchClaim[] {
  return states
    .filter((state) => state.region === region)
    .flatMap((state) => {
      const search = searches.find((one) => one.type === state.search);
      if (search === undefined) return [];
      const cursor = state.cursor === undefined ? {} : { cursor: state.cursor };
      return [{ id: state.search, query: searchText(search), record: state.record, ...cursor }];
    });
}

/** What every query of one viewer request says: the patient and the audit claims. */
export function commonClaims(
  planned: { plan: Plan; relationship: Relationship },
  viewer: AuthenticatedViewer,
): QueryBody {
  const { nhsNumber, also } = planned.plan;
  return {
    patient: nhsNumberToken(nhsNumber),
    ...(also === undefined ? {} : { patient_also: nhsNumberToken(also) }),
    ...auditClaimsOf(planned, viewer),
  };
}

/** Who asks, for whom and on what ground: what every message about a patient says, whatever it asks. */
export function auditClaimsOf(
  { relationship }: { relationship: Relationship },
  { claims, role, origin }: AuthenticatedViewer,
) {
  return {
    reason_for_request: claims.reason_for_request,
    scope: claims.scope,
    requesting_system: claims.requesting_system,
    requesting_organization: claims.requesting_organization,
    requesting_user: claims.requesting_user,
    requesting_user_role: role,
    ...(claims.break_glass === undefined ? {} : { break_glass: claims.break_glass }),
    relationship,
    origin,
  };
}
