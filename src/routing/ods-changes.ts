import { isObject } from '../fhir/resource.ts';
import { isDay, ODS_CODE, told } from './directory-files/cells.ts';
import type { DirectoryKind, OrganisationFacts } from './directory-files/facts.ts';
import type { ImportedDirectory } from './imported-directory.ts';

/** Under which name its imports are kept. */
export const ODS_CHANGES = 'ods-changes';

const EXTENSION = 'https://fhir.nhs.uk/England/StructureDefinition/Extension-England-';

/** Relationships that lead somewhere: who commissions a practice, and who operates a site. */
const COMMISSIONED_BY = 'RE4';
const OPERATED_BY = 'RE6';

/** The kind of file that an organisation of a primary role stands in. */
const KIND_OF_ROLE: readonly (readonly [role: string, kind: DirectoryKind])[] = [
  ['RO177', 'cost-centres'],
  ['RO197', 'trusts'],
  ['RO98', 'sub-icbs'],
];
const PRIMARY_ROLES: ReadonlySet<string> = new Set(KIND_OF_ROLE.map(([role]) => role));
const KINDS: readonly DirectoryKind[] = ['cost-centres', 'trusts', 'sub-icbs', 'sites'];

/** Of what is of a kind: the relationship that leads from it, and where that stands. */
const LEADING: ReadonlyMap<DirectoryKind | undefined, readonly [relationship: string, 'subIcb' | 'parent']> =
  new Map([
    ['cost-centres', [COMMISSIONED_BY, 'subIcb']],
    ['sites', [OPERATED_BY, 'parent']],
  ]);

export interface OdsChanged {
  /** As files of these kinds would say it, of the changed codes alone. */
  readonly organisations: ReadonlyMap<DirectoryKind, ReadonlyMap<string, OrganisationFacts>>;
  /** Resources that cannot be read. */
  readonly refused: number;
}

/**
 * Reads what the Organisation Data Service's FHIR R4 server lists as changed: Organization (code, name, whether it is active,
 * roles, operational or else legal period) and OrganizationAffiliation (who commissions or operates whom). What a resource does not
 * say stays as it is known; organisations of kinds that lead nowhere are left out.
 *
 * @param day ISO date
 */
export function readOdsChanges(
  resources: readonly unknown[],
  known: ImportedDirectory,
  day: string,
): OdsChanged {
  const organisations = new Map<DirectoryKind, Map<string, OrganisationFacts>>();
  let refused = 0;
  const put = (kind: DirectoryKind, code: string, facts: OrganisationFacts): void => {
    const ofKind = organisations.get(kind) ?? new Map<string, OrganisationFacts>();
    organisations.set(kind, ofKind.set(code, told(facts)));
  };
  const knownFacts = (kind: DirectoryKind, code: string): OrganisationFacts | undefined =>
    organisations.get(kind)?.get(code) ?? known.factsOf(kind, code);
  const kindOf = (code: string): DirectoryKind | undefined =>
    KINDS.find((kind) => knownFacts(kind, code) !== undefined);
  for (const resource of resources.filter((one) => isType(one, 'Organization'))) {
    const read = readOrganization(resource);
    if (read === undefined) refused += 1;
    else {
      const kind = kindOf(read.code) ?? KIND_OF_ROLE.find(([role]) => read.roles.includes(role))?.[1];
      if (kind !== undefined) put(kind, read.code, changedFacts(kind, knownFacts(kind, read.code), read));
    }
  }
  const affiliations: ReadAffiliation[] = [];
  for (const resource of resources.filter((one) => isType(one, 'OrganizationAffiliation'))) {
    const read = readAffiliation(resource, day);
    if (read === undefined) refused += 1;
    else if (read !== 'of no interest') affiliations.push(read);
  }
  for (const [code, listed] of Map.groupBy(affiliations, (one) => one.code)) {
    const kind = kindOf(code);
    const facts = kind === undefined ? undefined : knownFacts(kind, code);
    const [relationship, leads] = LEADING.get(kind) ?? [];
    if (kind === undefined || facts === undefined || leads === undefined) continue;
    const taken = takenOf(
      listed.filter((one) => one.relationship === relationship),
      { to: known.at(code, day)?.[leads], announced: (facts.joined ?? '') > day },
      day,
    );
    if (taken !== undefined) put(kind, code, movedFacts(facts, leads, taken));
  }
  return { organisations, refused };
}

interface ReadOrganization {
  readonly code: string;
  readonly name: string;
  readonly active: boolean;
  readonly roles: readonly string[];
  readonly opened: string | undefined;
  readonly closed: string | undefined;
}

function changedFacts(
  kind: DirectoryKind,
  before: OrganisationFacts | undefined,
  { name, active, roles, opened, closed }: ReadOrganization,
): OrganisationFacts {
  const { closed: _, ...rest } = before ?? { name };
  const settings = roles.filter((role) => !PRIMARY_ROLES.has(role));
  return {
    ...{ ...rest, name },
    ...(kind === 'cost-centres' ? { status: active ? 'open' : 'closed' } : {}),
    ...(settings.length === 0 ? {} : { roles: settings }),
    ...(opened === undefined ? {} : { opened }),
    ...(closed === undefined ? {} : { closed }),
  };
}

function readOrganization(resource: Record<string, unknown>): ReadOrganization | undefined {
  const { id: code, name, active } = resource;
  if (typeof code !== 'string' || !ODS_CODE.test(code)) return undefined;
  if (typeof name !== 'string' || name === '' || typeof active !== 'boolean') return undefined;
  const extensions = listOf(resource['extension']);
  const roles = extensions
    .filter(
      (one) =>
        one['url'] === `${EXTENSION}OrganisationRole` && partOf(one, 'active')?.['valueBoolean'] !== false,
    )
    .flatMap((one) => codeIn(partOf(one, 'roleCode')?.['valueCodeableConcept']) ?? []);
  const periods = extensions.filter((one) => one['url'] === `${EXTENSION}TypedPeriod`);
  const typed = (type: string): Record<string, unknown> | undefined =>
    periods.find(
      (one) => (partOf(one, 'dateType')?.['valueCoding'] as { code?: unknown } | undefined)?.code === type,
    );
  const found = typed('Operational') ?? typed('Legal');
  const period = found === undefined ? undefined : partOf(found, 'period')?.['valuePeriod'];
  const [opened, closed] = [dayIn(period, 'start'), dayIn(period, 'end')];
  if (opened === 'wrong' || closed === 'wrong') return undefined;
  return { code, name, active, roles, opened, closed };
}

interface ReadAffiliation {
  readonly code: string;
  readonly to: string;
  readonly relationship: string;
  readonly from: string | undefined;
}

function readAffiliation(
  resource: Record<string, unknown>,
  day: string,
): ReadAffiliation | 'of no interest' | undefined {
  const relationship = codeIn(listOf(resource['code'])[0]);
  const code = codeOfReference(resource['participatingOrganization']);
  const to = codeOfReference(resource['organization']);
  const [from, until] = [dayIn(resource['period'], 'start'), dayIn(resource['period'], 'end')];
  if (relationship === undefined || code === undefined || to === undefined) return undefined;
  if (from === 'wrong' || until === 'wrong') return undefined;
  const isCurrent = resource['active'] !== false && (until === undefined || until >= day);
  return isCurrent ? { code, to, relationship, from } : 'of no interest';
}

/**
 * Of several relationships of one organisation the one in force that began last. Where that is known already, the one that comes
 * next: a relationship that is announced is not listed again when its day comes.
 *
 * @param known where it leads to on that day, and whether another is announced: what is in force does not withdraw that
 */
function takenOf(
  listed: readonly ReadAffiliation[],
  known: { readonly to: string | undefined; readonly announced: boolean },
  day: string,
): ReadAffiliation | undefined {
  const byStart = listed.toSorted((one, other) => ((one.from ?? '') < (other.from ?? '') ? -1 : 1));
  const inForce = byStart.findLast(({ from = '' }) => from <= day);
  const next = byStart.find(({ from = '' }) => from > day);
  if (inForce !== undefined && inForce.to !== known.to) return inForce;
  return next ?? (known.announced ? undefined : inForce);
}

function movedFacts(
  before: OrganisationFacts,
  leads: 'subIcb' | 'parent',
  { to, from }: ReadAffiliation,
): OrganisationFacts {
  const { joined, ...rest } = before;
  const since = from ?? (before[leads] === to ? joined : undefined);
  return { ...rest, [leads]: to, ...(since === undefined ? {} : { joined: since }) };
}

function isType(resource: unknown, type: string): resource is Record<string, unknown> {
  return isObject(resource) && resource['resourceType'] === type;
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? (value as unknown[]).filter(isObject) : [];
}

function partOf(extension: Record<string, unknown>, url: string): Record<string, unknown> | undefined {
  return listOf(extension['extension']).find((one) => one['url'] === url);
}

function codeIn(concept: unknown): string | undefined {
  const code = isObject(concept) ? listOf(concept['coding'])[0]?.['code'] : undefined;
  return typeof code === 'string' ? code : undefined;
}

function codeOfReference(value: unknown): string | undefined {
  if (!isObject(value)) return undefined;
  const reference = value['reference'];
  const identifier = isObject(value['identifier']) ? value['identifier']['value'] : undefined;
  const code = typeof reference === 'string' ? reference.split('/').at(-1) : identifier;
  return typeof code === 'string' && ODS_CODE.test(code) ? code : undefined;
}

/** The day of a Period's end, without its time. */
function dayIn(period: unknown, end: 'start' | 'end'): string | undefined {
  const value = isObject(period) ? period[end] : undefined;
  if (value === undefined) return undefined;
  const day = typeof value === 'string' ? value.slice(0, 10) : '';
  return isDay(day) ? day : 'wrong';
}
