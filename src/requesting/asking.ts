import type { Asking } from '../audit/trail.ts';
import type { PlannedQuestion } from '../routing/plan-for.ts';
import type { AuthenticatedViewer } from './authenticate-viewer.ts';

/** One request: whose it is, our id of it, and the trace that it belongs to. */
export interface AskedBy {
  readonly viewer: AuthenticatedViewer;
  /** Ties its audit entries together and travels as `X-Request-Id`. */
  readonly exchange: string;
  /** W3C trace context, handed on as it is. */
  readonly traceparent: string;
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
