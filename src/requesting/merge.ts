import { nhsNumberToken, NHS_NUMBER_SYSTEM } from '../fhir/nhs-number.ts';
import { SYSTEM } from '../fhir/codes.ts';
import { operationOutcome, type Issue } from '../fhir/operation-outcome.ts';
import { recordBase } from '../fhir/record-base.ts';
import { moveBase } from '../fhir/references.ts';
import { nameOf, type Bundle, type BundleEntry, type Coding, type Resource } from '../fhir/resource.ts';
import type { ReleasedPage } from './release-page.ts';
import type { Shape } from './question.ts';
import type { SourceAnswer } from './region-answer.ts';
import type { Requesting } from './requesting.ts';

const SUBSETTED: Coding = {
  system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue',
  code: 'SUBSETTED',
};

/** What the viewer gets: one searchset, every entry at its own record's base, tagged with where it came from. */
export function mergedBundle(
  page: ReleasedPage,
  issues: readonly Issue[],
  links: { self: string; next: string | undefined },
  total: number | undefined,
  shape: Shape,
  broker: Requesting,
): Bundle {
  const seen = new Set<string>();
  const entries: BundleEntry[] = [];
  for (const { source, entry, mode } of page.entries) {
    const merged = mergedEntry(source, entry, mode, shape, broker);
    // The same Patient is included by every search of its record: once is enough.
    if (merged.fullUrl === undefined || seen.has(merged.fullUrl)) continue;
    seen.add(merged.fullUrl);
    entries.push(merged);
  }
  if (issues.length > 0) entries.push({ resource: operationOutcome(issues), search: { mode: 'outcome' } });
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    ...(total === undefined ? {} : { total }),
    link: [
      { relation: 'self', url: links.self },
      ...(links.next === undefined ? [] : [{ relation: 'next', url: links.next }]),
    ],
    ...(entries.length === 0 ? {} : { entry: entries }),
  };
}

/** One entry in the merged copy: ids and references stay, addresses and tags are ours. */
export function mergedEntry(
  source: Pick<SourceAnswer, 'region' | 'record'>,
  entry: BundleEntry,
  mode: 'match' | 'include',
  shape: Shape,
  broker: Requesting,
): BundleEntry {
  const neighbour = broker.links.get(source.region)?.neighbour;
  const base = recordBase(broker.publicBase(), source.region, source.record);
  const resource = entry.resource ?? { resourceType: 'Basic' };
  const moved =
    neighbour === undefined
      ? resource
      : moveBase(resource, recordBase(neighbour.entity, source.region, source.record), base);
  const setting = neighbour?.broker.records.find((record) => record.id === source.record)?.care_setting;
  const tagged = withTags(moved, [
    { system: SYSTEM.region, code: source.region },
    { system: SYSTEM.record, code: source.record },
    ...(setting === undefined || hasSetting(moved) ? [] : [{ system: SYSTEM.careSetting, code: setting }]),
  ]);
  return {
    fullUrl: `${base}/${nameOf(resource)}`,
    resource: mode === 'match' ? onlyElements(tagged, shape.elements) : tagged,
    search: { mode },
  };
}

/** The index Patient: the NHS number and nothing else of its own, with a link to each region's Patient. */
export function indexPatient(
  nhsNumber: string,
  also: string | undefined,
  patientUrls: readonly string[],
): Resource {
  const identifiers = [nhsNumber, ...(also === undefined ? [] : [also])];
  return {
    resourceType: 'Patient',
    id: nhsNumber,
    identifier: identifiers.map((value, position) => ({
      ...(position === 0 ? {} : { use: 'old' }),
      system: NHS_NUMBER_SYSTEM,
      value,
    })),
    ...(patientUrls.length === 0
      ? {}
      : { link: patientUrls.map((reference) => ({ other: { reference }, type: 'seealso' })) }),
  };
}

/** The search that finds the index Patient, for its self link. */
export function indexSearch(nhsNumber: string): string {
  return `Patient?identifier=${encodeURIComponent(nhsNumberToken(nhsNumber))}`;
}

function withTags(resource: Resource, tags: readonly Coding[]): Resource {
  return { ...resource, meta: { ...resource.meta, tag: [...(resource.meta?.tag ?? []), ...tags] } };
}

function hasSetting(resource: Resource): boolean {
  return (resource.meta?.tag ?? []).some((tag) => tag.system === SYSTEM.careSetting);
}

/** `_elements` (FHIR R4, 3.1.1.5.8): the named ones, with what identifies the resource, marked as a subset. */
function onlyElements(resource: Resource, elements: readonly string[] | undefined): Resource {
  if (elements === undefined) return resource;
  const kept = Object.entries(resource).filter(
    ([name]) => ['resourceType', 'id', 'meta'].includes(name) || elements.includes(name),
  );
  return withTags(Object.fromEntries(kept) as Resource, [SUBSETTED]);
}
