import { EvidenceError } from '../errors.ts';
import type { Source } from '../evidence/claims.ts';
import type { ResourceRef } from '../audit/trail.ts';
import { resourceDigest, resourcesDigest } from '../evidence/digests.ts';
import type { SignedQuery } from '../evidence/query.ts';
import { verifyResponse, type BelievedResponse } from '../evidence/response.ts';
import { fromNhsNumberToken } from '../fhir/nhs-number.ts';
import { recordBase } from '../fhir/record-base.ts';
import {
  isBundle,
  isDeeperThan,
  MOST_LEVELS,
  nameOf,
  versionOf,
  type BundleEntry,
  type Resource,
} from '../fhir/resource.ts';
import { parseSearch } from '../fhir/search-parameters.ts';
import { checkSubjects, patientIdsIn } from '../fhir/subject-check.ts';
import type { Neighbour, Neighbours } from '../trust/neighbours.ts';
import type { NeighbourAnswer } from '../upstream/neighbour-link.ts';

/** A record that is not approved is named to the viewer: an id is all that its name can be. */
const RECORD_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

/**
 * A response that is believed, with the entries of each of its sources, subject-checked. A source of a record that
 * is not approved here is there without its entries: `not-reached`, `record-not-approved`.
 */
export interface CheckedResponse {
  readonly response: BelievedResponse;
  readonly sources: readonly {
    readonly source: Source;
    readonly matches: BundleEntry[];
    readonly includes: BundleEntry[];
  }[];
  /** Everything that may be used, each with its digest. */
  readonly resources: readonly ResourceRef[];
}

/**
 * Decides whether an answer is believed: evidence first (signature to body digest), then its form, then the
 * subject check again, record by record. If anything fails none of it is used.
 *
 * @throws EvidenceError with one code per check
 */
export async function believe(
  answer: NeighbourAnswer,
  query: SignedQuery,
  neighbours: Neighbours,
  now: number,
): Promise<CheckedResponse> {
  const { response: token, body, status, peer } = answer;
  const response = await verifyResponse(token, body, status, query, peer, neighbours, now);
  const { outcome, sources } = response.claims;
  if (outcome === 'refused' || outcome === 'withheld') {
    if (sources !== undefined) throw new EvidenceError('bad-claims', 'sources');
    return { response, sources: [], resources: [] };
  }
  if (sources === undefined) throw new EvidenceError('bad-claims', 'sources');
  checkAnswersQuestion(sources, query);
  const entries = parseEntries(body);
  const digests = checkResources(response, entries);
  const shared = distribute(sources, entries, query, wireBaseOf(query, peer.neighbour.region));
  checkEachRecord(shared, query, peer.neighbour.region);
  const used = withoutUnapproved(shared, peer.neighbour);
  return { response, sources: used, resources: refsOf(used, digests) };
}

/** Every source answers a search that was asked, of a record that was meant, once. */
function checkAnswersQuestion(sources: readonly Source[], query: SignedQuery): void {
  const { search, read } = query.claims;
  const seen = new Set<string>();
  for (const { record, search: id } of sources) {
    const asked =
      read === undefined
        ? search?.some((one) => one.id === id && (one.record === undefined || one.record === record))
        : read.record === record;
    const key = `${record} ${id}`;
    if (!asked || seen.has(key) || !RECORD_ID.test(record)) throw new EvidenceError('bad-bundle', 'sources');
    seen.add(key);
  }
}

function parseEntries(body: Buffer): BundleEntry[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new EvidenceError('bad-bundle', 'not JSON', { cause: error });
  }
  // What comes after goes through every level by recursion: no neighbour may choose how deep that is.
  if (isDeeperThan(MOST_LEVELS, parsed)) throw new EvidenceError('bad-bundle', 'too deep');
  if (!isBundle(parsed) || parsed.type !== 'searchset') throw new EvidenceError('bad-bundle', 'searchset');
  return parsed.entry ?? [];
}

type Digests = ReadonlyMap<BundleEntry, string>;

function checkResources(response: BelievedResponse, entries: readonly BundleEntry[]): Digests {
  const digests = entries.map((entry) => resourceDigest(entry.resource ?? {}));
  if (response.claims.resources_digest !== resourcesDigest(digests)) {
    throw new EvidenceError('wrong-body', 'resources');
  }
  return new Map(entries.map((entry, nth) => [entry, digests[nth] ?? '']));
}

function refsOf(sources: Shared, digests: Digests): ResourceRef[] {
  return sources.flatMap(({ source, matches, includes }) =>
    [...matches, ...includes].flatMap((entry) =>
      entry.resource === undefined
        ? []
        : {
            record: source.record,
            resource: nameOf(entry.resource),
            version: versionOf(entry.resource),
            digest: digests.get(entry) ?? '',
          },
    ),
  );
}

type Shared = CheckedResponse['sources'];

/** Entries come in the order of the sources: each source's matches, then what they include. */
function distribute(
  sources: readonly Source[],
  entries: readonly BundleEntry[],
  query: SignedQuery,
  base: (record: string) => string,
): Shared {
  const types = new Map(query.claims.search?.map(({ id, query: text }) => [id, parseSearch(text).type]));
  let next = 0;
  const isIn = (entry: BundleEntry | undefined, record: string, mode: 'match' | 'include'): boolean =>
    entry?.search?.mode === mode &&
    entry.fullUrl === `${base(record)}/${entry.resource?.resourceType}/${entry.resource?.id}`;
  const shared = sources.map((source) => {
    const matches = entries.slice(next, next + source.count);
    next += source.count;
    if (matches.length < source.count || !matches.every((entry) => isIn(entry, source.record, 'match'))) {
      throw new EvidenceError('bad-bundle', 'count');
    }
    const type = types.get(source.search);
    if (type !== undefined && matches.some((entry) => entry.resource?.resourceType !== type)) {
      throw new EvidenceError('bad-bundle', 'type');
    }
    const includes: BundleEntry[] = [];
    for (
      let entry = entries[next];
      entry !== undefined && isIn(entry, source.record, 'include');
      entry = entries[++next]
    ) {
      includes.push(entry);
    }
    return { source, matches, includes };
  });
  if (next !== entries.length) throw new EvidenceError('bad-bundle', 'entries without a source');
  return shared;
}

function checkEachRecord(shared: Shared, query: SignedQuery, region: string): void {
  const { patient, patient_also: also } = query.claims;
  const numbers = [patient, also].map((token) =>
    token === undefined ? undefined : fromNhsNumberToken(token),
  );
  const nhsNumbers = new Set(numbers.filter((number) => number !== undefined));
  const base = wireBaseOf(query, region);
  for (const record of new Set(shared.map(({ source }) => source.record))) {
    const resources = shared
      .filter(({ source }) => source.record === record)
      .flatMap(({ matches, includes }) => [...matches, ...includes])
      .map((entry) => entry.resource)
      .filter((resource): resource is Resource => resource !== undefined);
    const patientIds = patientIdsIn(resources, nhsNumbers);
    checkSubjects(resources, { nhsNumbers, patientIds, bases: [base(record)] });
  }
}

/**
 * A neighbour may have added a record that its approved statement does not list yet. Nothing of that record is
 * used, whatever it says, and what it holds is not known; the neighbour's other records are as good as before.
 */
function withoutUnapproved(shared: Shared, { broker }: Pick<Neighbour, 'broker'>): Shared {
  const approved = new Set(broker.records.map(({ id }) => id));
  return shared.map((one) => {
    const { record, search, outcome } = one.source;
    if (approved.has(record)) return one;
    const empty = { matches: [], includes: [] };
    if (outcome === 'not-offered') return { source: { record, search, outcome, count: 0 }, ...empty };
    const left = { outcome: 'not-reached', count: 0, reason: 'record-not-approved' } as const;
    return { source: { record, search, ...left }, ...empty };
  });
}

function wireBaseOf(query: SignedQuery, region: string): (record: string) => string {
  return (record) => recordBase(query.audience, region, record);
}
