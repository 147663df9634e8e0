import { BALP } from '../audit/balp/balp-table.ts';
import { PUBLIC_FORM, RequestError } from '../errors.ts';
import { CODE_SYSTEM_BASE, OUTCOMES, REASONS, RULES } from '../fhir/codes.ts';
import { FHIR_JSON, type Resource } from '../fhir/resource.ts';
import { SEARCHABLE_TYPES, searchParametersOf } from '../fhir/search-parameters.ts';
import { AUDIT_PARAMETERS } from './audit-question.ts';

const SECURITY = {
  certificate: 'Mutual TLS and a bearer token signed by the viewer, for one patient.',
  'single-use': 'A bearer token signed by the viewer, for one patient and one request.',
} as const;

/** For auditors. Each event conforms to a profile of IHE BALP, or says that it does not. */
const AUDIT_EVENT = {
  type: 'AuditEvent',
  supportedProfile: Object.values(BALP),
  interaction: [{ code: 'search-type' }, { code: 'read' }],
  searchParam: Object.entries(AUDIT_PARAMETERS).map(([name, type]) => ({ name, type })),
};

/**
 * `metadata` (FHIR R4 CapabilityStatement): what can be asked here, whoever can answer it.
 *
 * @param audited some viewer here has auditors
 */
export function capabilityStatement(
  base: string,
  binding: 'certificate' | 'single-use',
  audited: boolean,
): Resource {
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: '2026-11-22',
    kind: 'instance',
    software: { name: 'Wayleave' },
    implementation: { description: 'Neighbouring shared care records, as one server', url: `${base}/fhir` },
    fhirVersion: '4.0.1',
    format: [FHIR_JSON],
    rest: [
      {
        mode: 'server',
        security: { description: SECURITY[binding] },
        resource: [
          ...SEARCHABLE_TYPES.map((type) => ({
            type,
            interaction: [{ code: 'search-type' }, { code: 'read' }],
            searchParam: parametersOf(type).map((name) => ({
              name,
              type: name === '_count' ? 'number' : 'string',
            })),
            ...(type === 'Patient'
              ? {
                  operation: [
                    {
                      name: 'everything',
                      definition: 'http://hl7.org/fhir/OperationDefinition/Patient-everything',
                    },
                  ],
                }
              : {}),
          })),
          ...(audited ? [AUDIT_EVENT] : []),
        ],
      },
    ],
  };
}

const TABLES: Readonly<Record<string, { title: string; codes: Readonly<Record<string, string>> }>> = {
  outcome: { title: 'Outcome of asking a region, a record or for a type', codes: OUTCOMES },
  reason: { title: 'Why a region was asked, was not asked or did not answer in full', codes: REASONS },
  rule: { title: 'The rule that decided which regions to ask', codes: RULES },
  error: {
    title: 'Why a request was not served',
    codes: Object.fromEntries(Object.entries(PUBLIC_FORM).map(([code, { text }]) => [code, text])),
  },
};

/** The published code systems. @throws RequestError `not-found` */
export function codeSystem(id: string): Resource {
  const table = Object.hasOwn(TABLES, id) ? TABLES[id] : undefined;
  if (table === undefined) throw new RequestError('not-found');
  return {
    resourceType: 'CodeSystem',
    id,
    url: `${CODE_SYSTEM_BASE}/${id}`,
    name: `Wayleave${id.charAt(0).toUpperCase()}${id.slice(1)}`,
    title: table.title,
    status: 'active',
    content: 'complete',
    caseSensitive: true,
    count: Object.keys(table.codes).length,
    concept: Object.entries(table.codes).map(([code, display]) => ({ code, display })),
  };
}

function parametersOf(type: string): string[] {
  return type === 'Patient'
    ? ['identifier', ...searchParametersOf(type)]
    : ['patient', 'subject', 'patient.identifier', ...searchParametersOf(type)];
}
