import type { Deadline } from '../deadline.ts';
import { onlyRecord } from '../routing/plan.ts';
import { planFor, type PlannedQuestion } from '../routing/plan-for.ts';
import { step } from '../span.ts';
import type { AskedBy } from './asking.ts';
import { locate } from './locate.ts';
import type { PatientRef } from './question.ts';
import type { Requesting } from './requesting.ts';

/** A question as far as the plan depends on it. */
export interface Planning extends AskedBy {
  readonly patient: PatientRef;
  /** Regions that an earlier page began with, and that have more to tell. */
  readonly continued?: readonly string[];
}

/**
 * Plans one viewer's question. One about a record's own Patient asks that record alone; where nothing that we know leads
 * there the patient's home region is asked first.
 */
export async function planQuestion(
  request: Planning,
  broker: Requesting,
  deadline: Deadline,
): Promise<PlannedQuestion> {
  const { patient, continued } = request;
  const { viewer, claims, nhsNumber, role } = request.viewer;
  const { break_glass: glass, requesting_organization: organisation } = claims;
  const asker = {
    ...{ nhsNumber, shownByViewer: viewer.own_records, organisation },
    ...(glass === undefined ? {} : { breakGlass: { code: glass.code, role } }),
    ...{ stated: claims.registered_practice, continued },
  };
  const planned = await step(request.span, 'plan', () => planFor(asker, broker, deadline));
  if (patient.kind !== 'regional') return planned;
  const { region, record } = patient;
  const whole = nothingLeadsTo(region, planned) ? await locate(planned, request, broker, deadline) : planned;
  return { ...whole, plan: onlyRecord(whole.plan, region, record) };
}

function nothingLeadsTo(region: string, { plan }: PlannedQuestion): boolean {
  return plan.regions.some((one) => one.region === region && !one.ask && one.reason === 'no-reason');
}
