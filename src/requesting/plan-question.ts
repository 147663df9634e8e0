import type { Deadline } from '../deadline.ts';
import { onlyRecord } from '../routing/plan.ts';
import { planFor, type PlannedQuestion, type Planning } from '../routing/plan-for.ts';
import type { AuthenticatedViewer } from './authenticate-viewer.ts';
import type { PatientRef } from './question.ts';

/** Plans one viewer's question; a question about one record's own Patient asks that record alone. */
export async function planQuestion(
  { viewer, claims, nhsNumber, role }: AuthenticatedViewer,
  patient: PatientRef,
  broker: Planning,
  deadline: Deadline,
): Promise<PlannedQuestion> {
  const { break_glass: glass, requesting_organization: organisation } = claims;
  const breakGlass = glass === undefined ? {} : { breakGlass: { code: glass.code, role } };
  const stated = claims.registered_practice;
  const asker = { nhsNumber, shownByViewer: viewer.own_records, organisation, stated, ...breakGlass };
  const planned = await planFor(asker, broker, deadline);
  if (patient.kind !== 'regional') return planned;
  return { ...planned, plan: onlyRecord(planned.plan, patient.region, patient.record) };
}
