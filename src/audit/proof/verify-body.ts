import { resourceDigest, sha256 } from '../../evidence/digests.ts';
import { isNhsNumber } from '../../fhir/nhs-number.ts';
import {
  isBundle,
  isDeeperThan,
  MOST_LEVELS,
  isResource,
  nameOf,
  type BundleEntry,
  type Resource,
} from '../../fhir/resource.ts';
import { listedResources, type Listed, type ProvedEntry } from './proved-entry.ts';
import type { SelfSignedRegion } from './statements.ts';
import { beforeMerge, originOf, type Origin } from './unmerge.ts';
import { failed, notChecked, ok, type Step } from './verdict.ts';

const SUBSETTED = 'SUBSETTED';

/** What the entries' responses gave: by digest, the entry and the resource. */
type Given = ReadonlyMap<string, Listed & { readonly sequence: number; readonly region: string | undefined }>;

/**
 * Holds an answer against the resources that the exchange lists. It may be the body that travelled between the
 * brokers, a merged Bundle as a viewer saw it, or one resource of either. Ids are not said back: some are numbers of
 * patients.
 */
export function verifyBody(
  bytes: Uint8Array,
  entries: readonly ProvedEntry[],
  owner: SelfSignedRegion | undefined,
  regions: readonly SelfSignedRegion[],
): Step[] {
  const parsed = parseBody(bytes);
  if (parsed === undefined) return [failed('body', 'the body is no FHIR resource in JSON')];
  const given = givenBy(entries, owner);
  const whole = wholeBody(bytes, entries);
  const steps = parsed.map((entry, nth) => {
    const about = `the body's resource ${nth + 1} (${typeOf(entry)})`;
    return listedStep(about, entry, given, regions) ?? missingStep(about, entry, entries, owner);
  });
  const found = steps.filter(({ result }) => result === 'ok').length;
  const count = `${found} of the body's ${parsed.length} resources are among the ${given.size} that were given`;
  return [...whole, ...steps, found + whole.length > 0 ? ok('body', count) : notChecked('body', count)];
}

function parseBody(bytes: Uint8Array): BundleEntry[] | undefined {
  try {
    const body: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (isDeeperThan(MOST_LEVELS, body)) return undefined;
    if (isBundle(body)) return body.entry ?? [];
    return isResource(body) ? [{ resource: body }] : undefined;
  } catch {
    return undefined;
  }
}

function givenBy(entries: readonly ProvedEntry[], owner: SelfSignedRegion | undefined): Given {
  return new Map(
    entries.flatMap((entry) => {
      const { sequence, leaf } = entry;
      const region = leaf.event === 'response-believed' ? leaf.region : owner?.region;
      return (listedResources(entry) ?? []).map((one) => [one.digest, { ...one, sequence, region }] as const);
    }),
  );
}

/** The body's bytes are those that a response signs: then it is what travelled, to the last byte. */
function wholeBody(bytes: Uint8Array, entries: readonly ProvedEntry[]): Step[] {
  const digest = sha256(bytes);
  return entries.flatMap(({ sequence, values }): Step[] => {
    const claims = values?.['response']?.split('.')[1] ?? '';
    const signs = Buffer.from(claims, 'base64url').toString('utf8').includes(`"body_digest":"${digest}"`);
    return signs
      ? [ok('body-digest', `the body is, byte by byte, what entry ${sequence} signs`, sequence)]
      : [];
  });
}

function listedStep(
  about: string,
  { resource, fullUrl }: BundleEntry,
  given: Given,
  regions: readonly SelfSignedRegion[],
): Step | undefined {
  if (resource === undefined) return undefined;
  const as = (candidate: Resource, place: Origin | undefined): Step | undefined => {
    const found = given.get(resourceDigest(candidate));
    if (found === undefined || found.resource !== nameOf(candidate)) return undefined;
    // Who merges says where from: that it was given by another region or record is not the same thing.
    if (place !== undefined && (place.region !== found.region || place.record !== found.record))
      return undefined;
    const says = `${about} is what ${found.region}/${found.record} gave, listed in entry ${found.sequence}`;
    return ok('resource', says, found.sequence);
  };
  const place = originOf(resource);
  const region = regions.find((one) => one.region === place?.region);
  const before = region === undefined ? [] : beforeMerge(resource, region.entity, fullUrl);
  return (
    as(resource, undefined) ??
    before.map((candidate) => as(candidate, place)).find((step) => step !== undefined)
  );
}

/** Why a resource is not among what was given: only if nothing else explains it, it was changed or added. */
function missingStep(
  about: string,
  { resource }: BundleEntry,
  entries: readonly ProvedEntry[],
  owner: SelfSignedRegion | undefined,
): Step {
  const place = resource && originOf(resource);
  if (resource?.resourceType === 'OperationOutcome' || (resource && isIndexPatient(resource)))
    return notChecked('resource', `${about} was made by the asking broker itself: no region gave it`);
  if (resource && isShownInPart(resource))
    return notChecked('resource', `${about} was shown in part (_elements), and what was signed is the whole`);
  const isAsker = entries.some(({ leaf }) => leaf.event === 'query-sent');
  if (place !== undefined && place.region !== owner?.region && !isAsker)
    return notChecked('resource', `${about} is of another region, whose answer this file is not about`);
  const isListMissing = ({ leaf, values }: ProvedEntry): boolean =>
    leaf.response_digest !== undefined && values === undefined;
  if (entries.some(isListMissing))
    return notChecked('resource', `${about}: a list of resources is not there`);
  return failed('resource', `${about} is not among what was given, or was changed`);
}

/** The one Patient that stands for the regions' own: the number, and links to theirs. */
function isIndexPatient(resource: Resource): boolean {
  const known = ['resourceType', 'id', 'identifier', 'link', 'contained', 'extension'];
  return (
    resource.resourceType === 'Patient' &&
    isNhsNumber(resource.id ?? '') &&
    Object.keys(resource).every((name) => known.includes(name))
  );
}

function isShownInPart(resource: Resource): boolean {
  const tags = resource.meta?.tag ?? [];
  if (tags.at(-1)?.code !== SUBSETTED) return false;
  return originOf({ ...resource, meta: { ...resource.meta, tag: tags.slice(0, -1) } }) !== undefined;
}

function typeOf({ resource }: BundleEntry): string {
  return /^[A-Za-z]{1,40}$/.exec(resource?.resourceType ?? '')?.[0] ?? 'of no type';
}
