import type { RequestListener } from 'node:http';

import { NHS_NUMBER_SYSTEM } from '../../src/fhir/nhs-number.ts';
import { testNhsNumbers } from '../../src/demo/test-nhs-number.ts';

/** What demographics say of one patient: a practice's ODS code, or `restricted`, `no-practice`, `unknown`. */
export type Told =
  | string
  | { readonly current: string; readonly practice: string }
  | { readonly current: string; readonly restricted: true };

/** Demographics whose every answer a test chooses, and which it may take away. */
export class ScriptedPds {
  readonly told = new Map<string, Told>();
  /** Numbers in the order in which they were asked for. */
  readonly asked: string[] = [];
  isDown = false;

  readonly listener: RequestListener = (request, response) => {
    const nhsNumber = /\/Patient\/(\d{10})$/.exec(request.url ?? '')?.[1];
    if (nhsNumber !== undefined) this.asked.push(nhsNumber);
    if (this.isDown) return void response.destroy();
    const told = this.told.get(nhsNumber ?? '') ?? 'unknown';
    const [status, body] = answerTo(nhsNumber ?? '', told);
    const mirrored = { 'X-Request-ID': request.headers['x-request-id'] ?? '' };
    response.writeHead(status, { 'Content-Type': 'application/fhir+json', ...mirrored });
    response.end(JSON.stringify(body));
  };

  /** Numbers that no story uses, each registered with that practice. */
  patients(first: string, practices: readonly Told[]): string[] {
    const numbers = testNhsNumbers(first, practices.length);
    numbers.forEach((number, nth) => this.told.set(number, practices[nth] ?? 'unknown'));
    return numbers;
  }
}

function answerTo(nhsNumber: string, told: Told): [number, object] {
  if (told === 'unknown') {
    const details = { coding: [{ code: 'RESOURCE_NOT_FOUND' }] };
    return [
      404,
      { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'not_found', details }] },
    ];
  }
  const id = typeof told === 'object' ? told.current : nhsNumber;
  const patient = {
    ...{ resourceType: 'Patient', id, identifier: [{ system: NHS_NUMBER_SYSTEM, value: id }] },
    meta: { security: [{ code: 'U' }] },
  };
  const isRestricted = told === 'restricted' || (typeof told === 'object' && 'restricted' in told);
  if (isRestricted) return [200, { ...patient, meta: { security: [{ code: 'R' }] } }];
  if (told === 'no-practice') return [200, patient];
  const value = typeof told === 'object' ? told.practice : told;
  const identifier = { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value };
  return [200, { ...patient, generalPractitioner: [{ type: 'Organization', identifier }] }];
}
