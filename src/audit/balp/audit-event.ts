import type { Coding, Identifier, Resource } from '../../fhir/resource.ts';
import { NHS_NUMBER_SYSTEM } from '../../fhir/nhs-number.ts';
import { SYSTEM } from '../../fhir/codes.ts';

/** The parts of a FHIR R4 AuditEvent, as far as ours have them. */

interface Concept {
  readonly coding?: readonly Coding[];
  readonly text?: string;
}

interface Reference {
  readonly type?: string;
  readonly reference?: string;
  readonly identifier?: Identifier;
}

export interface Agent {
  readonly type: Concept;
  readonly who: Reference;
  readonly requestor: boolean;
  readonly role?: readonly Concept[];
  readonly network?: { readonly address: string; readonly type: '5' };
  readonly purposeOfUse?: readonly Concept[];
}

export interface EventEntity {
  readonly type: Coding;
  readonly role?: Coding;
  readonly what?: Reference;
  readonly description?: string;
  /** base64 */
  readonly query?: string;
  readonly detail?: readonly { readonly type: string; readonly valueString: string }[];
}

export type Action = 'C' | 'R' | 'E';
/** FHIR R4 audit-event-outcome: success; refused or withheld (as HTTP 4xx); went wrong (as HTTP 5xx). */
export type EventOutcome = '0' | '4' | '8';

export interface AuditEvent extends Resource {
  readonly resourceType: 'AuditEvent';
  readonly id: string;
  readonly type: Coding;
  readonly subtype?: readonly Coding[];
  readonly action: Action;
  /** FHIR instant. */
  readonly recorded: string;
  readonly outcome: EventOutcome;
  readonly outcomeDesc?: string;
  readonly purposeOfEvent?: readonly Concept[];
  readonly agent: readonly Agent[];
  readonly source: { readonly site: string; readonly observer: Reference; readonly type: readonly Coding[] };
  readonly entity?: readonly EventEntity[];
}

const HL7 = 'http://terminology.hl7.org/CodeSystem';
const DCM = 'http://dicom.nema.org/resources/ontology/DCM';
const ACT_REASON = `${HL7}/v3-ActReason`;
const SDS_JOB_ROLE = 'https://fhir.hl7.org.uk/CodeSystem/UKCore-SDSJobRoleName';
const URI = 'urn:ietf:rfc:3986';

const coding = (system: string, code: string, display: string): Coding => ({ system, code, display });

export const CODE = {
  rest: coding(`${HL7}/audit-event-type`, 'rest', 'Restful Operation'),
  logUsed: coding(DCM, '110101', 'Audit Log Used'),
  query: coding(DCM, '110112', 'Query'),
  export: coding(DCM, '110106', 'Export'),
  import: coding(DCM, '110107', 'Import'),
  search: coding('http://hl7.org/fhir/restful-interaction', 'search', 'search'),
  read: coding('http://hl7.org/fhir/restful-interaction', 'read', 'read'),
  disclose: coding(`${HL7}/iso-21089-lifecycle`, 'disclose', 'Disclose Record Lifecycle Event'),
  source: coding(DCM, '110153', 'Source Role ID'),
  destination: coding(DCM, '110152', 'Destination Role ID'),
  application: coding(DCM, '110150', 'Application'),
  server: coding(`${HL7}/security-source-type`, '4', 'Application Server'),
  redacted: coding(`${HL7}/v3-ObservationValue`, 'REDACTED', 'redacted'),
} as const;

const USER = coding(`${HL7}/v3-ParticipationType`, 'IRCP', 'information recipient');
const PROVIDER = coding(`${HL7}/v3-RoleClass`, 'PROV', 'healthcare provider');
const PERSON = coding(`${HL7}/audit-entity-type`, '1', 'Person');
const SYSTEM_OBJECT = coding(`${HL7}/audit-entity-type`, '2', 'System Object');
const OTHER = coding(`${HL7}/audit-entity-type`, '4', 'Other');
const PATIENT = coding(`${HL7}/object-role`, '1', 'Patient');
const DOMAIN_RESOURCE = coding(`${HL7}/object-role`, '4', 'Domain Resource');
const QUERY = coding(`${HL7}/object-role`, '24', 'Query');
/** A code system of BALP's own. */
const REQUEST_ID: Coding = {
  system: 'https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType',
  code: 'XrequestId',
};
const BREAK_GLASS = coding(ACT_REASON, 'BTG', 'break the glass');
const PURPOSES: Readonly<Record<string, Coding>> = {
  directcare: coding(ACT_REASON, 'TREAT', 'treatment'),
  audit: coding(ACT_REASON, 'HCOMPL', 'health compliance'),
  accessreport: coding(ACT_REASON, 'PATRQT', 'patient requested'),
};

/** A broker or a viewer, by the URI that is its name. The log keeps no network addresses. */
export function system(role: Coding, uri: string, requestor = false): Agent {
  const who = { identifier: { system: URI, value: uri } };
  return { type: { coding: [role] }, who, requestor, network: { address: uri, type: '5' } };
}

/** One whose URI is not known any more: it left the configuration. */
export function formerSystem(role: Coding, identifier: Identifier): Agent {
  return { type: { coding: [role] }, who: { identifier }, requestor: false };
}

/** @param user `system|id` @param role SDS job role, or what was claimed to be one */
export function person(user: string, role: string | undefined, purposeOfUse: readonly Concept[]): Agent {
  const cut = user.lastIndexOf('|');
  const identifier =
    cut < 1 ? { value: user } : { system: user.slice(0, cut), value: user.slice(cut + 1) || '-' };
  return {
    ...{ type: { coding: [USER] }, who: { identifier }, requestor: true },
    ...(role === undefined ? {} : { role: [jobRole(role)] }),
    ...(purposeOfUse.length === 0 ? {} : { purposeOfUse }),
  };
}

/** @param code ODS code */
export function organisation(code: string): Agent {
  const identifier = { system: SYSTEM.organisation, value: code };
  return { type: { coding: [PROVIDER] }, who: { type: 'Organization', identifier }, requestor: false };
}

function jobRole(role: string): Concept {
  return /^R\d{4}$/.test(role) ? { coding: [{ system: SDS_JOB_ROLE, code: role }] } : { text: role };
}

export function purposesOf(purpose: string | undefined, breakGlass: true | undefined): Concept[] {
  const known = purpose !== undefined && Object.hasOwn(PURPOSES, purpose) ? PURPOSES[purpose] : undefined;
  return [
    ...(purpose === undefined ? [] : [known === undefined ? { text: purpose } : { coding: [known] }]),
    ...(breakGlass === undefined ? [] : [{ coding: [BREAK_GLASS] }]),
  ];
}

export function patient(nhsNumber: string): EventEntity {
  const identifier = { system: NHS_NUMBER_SYSTEM, value: nhsNumber };
  return { type: PERSON, role: PATIENT, what: { type: 'Patient', identifier } };
}

/** Whom an event is about; undefined where nobody is named. */
export function patientOf({ entity = [] }: AuditEvent): string | undefined {
  return entity.find(({ role }) => role === PATIENT)?.what?.identifier?.value;
}

/** @param text what was asked, as it was asked */
export function query(text: string): EventEntity {
  return { type: SYSTEM_OBJECT, role: QUERY, query: Buffer.from(text).toString('base64') };
}

/** One resource that was read, given or shown; its version and digest as the log has them. */
export function data(reference: string, version?: string, digest?: string): EventEntity {
  const detail = Object.entries({ version, digest }).flatMap(([type, valueString]) =>
    valueString === undefined ? [] : [{ type, valueString }],
  );
  const what = { reference };
  return { type: SYSTEM_OBJECT, role: DOMAIN_RESOURCE, what, ...(detail.length === 0 ? {} : { detail }) };
}

export function requestId(value: string): EventEntity {
  return { type: REQUEST_ID, what: { identifier: { value } } };
}

/** The signed query that both ends keep: with its `jti` the other end's log is found. */
export function signedQuery(jti: string): EventEntity {
  return { type: OTHER, what: { identifier: { value: jti } }, description: 'jti of the signed query' };
}
