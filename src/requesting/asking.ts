import type { Asking } from '../audit/trail.ts';
import type { PlannedQuestion } from '../routing/plan-for.ts';
import type { Span } from '../span.ts';
import type { AuthenticatedViewer } from './authenticate-viewer.ts';

/** One request: whose it is, our id of it, and what is told of it to who watches. */
export interface AskedBy {
  readonly viewer: AuthenticatedViewer;
  /** Ties its audit entries together and travels as `X-Request-Id`. */
  readonly exchange: string;
  readonly span: Span<'viewer-request'>;
}

/** Who asks, about whom and what for, as every entry of one request says it. */
export function askingOf(
  { plan, relationship }: Pick<PlannedQuestion, 'plan' | 'relationship'>,
  { viewer, exchange }: Pick<AskedBy, 'viewer' | 'exchange'>,
): Asking {
  const { claims, role } = viewer;
  return {
    ...{ exchange, nhsNumber: plan.nhsNumber, also: plan.also, role, relationship },
    organisation: claims.requesting_organization,
    user: claims.requesting_user,
    purpose: claims.reason_for_request,
    breakGlass: claims.break_glass,
    viewer: viewer.viewer.id,
  };
}
