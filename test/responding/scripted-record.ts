import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

import { nhsNumberToken } from '../../src/fhir/nhs-number.ts';
import { FHIR_JSON, type Bundle, type BundleEntry, type Resource } from '../../src/fhir/resource.ts';

export type Script = Resource | ((request: IncomingMessage, response: ServerResponse) => void);

/**
 * A regional record that answers as a test tells it to, by the path below its base: `Patient`, `Condition`,
 * `Binary/b1`. It looks at no parameter. What no script is for is not found.
 */
export class ScriptedRecord {
  scripts: Record<string, Script> = {};
  /** Paths with query, below the base, in the order of arrival. */
  readonly requests: string[] = [];

  readonly listener: RequestListener = (request, response) => {
    const path = (request.url ?? '').replace(/^\/fhir\//, '');
    this.requests.push(path);
    const script = this.scripts[path.split('?')[0] ?? ''];
    if (typeof script === 'function') script(request, response);
    else if (script !== undefined) sendJson(response, script);
    else sendJson(response, { resourceType: 'OperationOutcome' }, 404);
  };
}

export function sendJson(response: ServerResponse, resource: Resource, status = 200): void {
  response.writeHead(status, { 'Content-Type': FHIR_JSON });
  response.end(JSON.stringify(resource));
}

/** A searchset of matches; whole entries pass as they are. */
export function searchset(...entries: (Resource | BundleEntry)[]): Bundle {
  const entry = entries.map((one): BundleEntry =>
    'resourceType' in one ? { resource: one, search: { mode: 'match' } } : one,
  );
  const total = entry.filter(({ search }) => search?.mode === 'match').length;
  return { resourceType: 'Bundle', type: 'searchset', total, entry };
}

export function included(resource: Resource): BundleEntry {
  return { resource, search: { mode: 'include' } };
}

export function patientOf(id: string, nhsNumber: string, more: object = {}): Resource {
  const [system, value] = nhsNumberToken(nhsNumber).split('|');
  return { resourceType: 'Patient', id, identifier: [{ system, value }], ...more };
}

/** A `Patient` script that looks at the identifier, as a record should. */
export function patientsBy(patients: Readonly<Record<string, Resource>>): Script {
  return (request, response) => {
    const asked = new URL(request.url ?? '', 'http://record').searchParams.get('identifier') ?? '';
    const found = patients[asked.split('|')[1] ?? ''];
    sendJson(response, searchset(...(found === undefined ? [] : [found])));
  };
}

const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';

/** `meta` with one confidentiality label. */
export function labelled(code: string): { meta: Resource['meta'] } {
  return { meta: { security: [{ system: CONFIDENTIALITY, code }] } };
}

/** An allergy; `patient` is an id of the record's own Patient, or a whole reference. */
export function allergyOf(id: string, patient: string | object, more: object = {}): Resource {
  const reference = typeof patient === 'string' ? { reference: `Patient/${patient}` } : patient;
  return { resourceType: 'AllergyIntolerance', id, patient: reference, ...more };
}
