import type { WayleaveError } from '../errors.ts';
import { SYSTEM } from './codes.ts';
import type { Coding, Resource } from './resource.ts';

export interface Issue {
  readonly severity: 'error' | 'warning' | 'information';
  readonly code: string;
  readonly details: { readonly coding?: readonly Coding[]; readonly text: string };
  readonly diagnostics?: string;
}

export interface OperationOutcome extends Resource {
  resourceType: 'OperationOutcome';
  issue: Issue[];
}

export function operationOutcome(issue: readonly Issue[]): OperationOutcome {
  return { resourceType: 'OperationOutcome', issue: [...issue] };
}

/** The public form of an error: its fixed sentence, its code and the name of the part at fault. */
export function errorOutcome(error: WayleaveError): OperationOutcome {
  const { issue, text } = error.publicForm;
  return operationOutcome([
    {
      severity: 'error',
      code: issue,
      details: { coding: [{ system: SYSTEM.error, code: error.code }], text },
      ...(error.detail === undefined ? {} : { diagnostics: error.detail }),
    },
  ]);
}
