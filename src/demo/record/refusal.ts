import type { Resource } from '../../fhir/resource.ts';

/** FHIR R4 issue types that this server answers with. */
type IssueType = 'invalid' | 'not-found' | 'not-supported' | 'login' | 'exception';

/** A request that is refused. `diagnostics` names parameters and types, never a value that was sent. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly issue: IssueType;

  constructor(status: number, issue: IssueType, diagnostics: string) {
    super(diagnostics);
    this.status = status;
    this.issue = issue;
  }
}

export function operationOutcome(code: IssueType, diagnostics: string): Resource {
  return { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code, diagnostics }] };
}
