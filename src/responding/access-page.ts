import { newestAccesses, type AccessPlace, type ReportSources } from '../audit/questions/patient-report.ts';
import { toTold } from '../audit/questions/told-access.ts';
import type { Deadline } from '../deadline.ts';
import { DeliveryError, RequestError } from '../errors.ts';
import { MOST_ACCESSES, type AccessBody } from '../evidence/access-claims.ts';
import type { Sealer } from '../evidence/seal.ts';
import type { AccessPermission, AdmittedQuestion } from './decide-accesses.ts';

/** What pages of our own log stand on. */
export interface AccessPages {
  /** Those of all replicas. */
  readonly logs: ReportSources;
  readonly cursors: Sealer;
  readonly now: () => number;
}

/** How long the asker may take to come back for the next page. */
const CURSOR_LIFE_MS = 10 * 60_000;

/** Good for the same asker, patient and span only. @throws RequestError `page-unreadable` */
export function placeIn(question: AdmittedQuestion, { cursors, now }: AccessPages): AccessPlace | undefined {
  const { cursor } = question.claims;
  if (cursor === undefined) return undefined;
  const place = cursors.open(cursor, bindingOf(question), now());
  if (place === undefined) throw new RequestError('page-unreadable');
  return place as AccessPlace;
}

function bindingOf({ claims, nhsNumbers }: AdmittedQuestion): string[] {
  return ['accesses', claims.iss, claims.from, claims.to, ...nhsNumbers];
}

/** The newest accesses that the question has not been told yet, and where to go on. @throws DeliveryError when its time is over */
export async function accessPage(
  { question, organisations }: AccessPermission,
  place: AccessPlace | undefined,
  { logs, cursors, now }: AccessPages,
  deadline: Deadline,
): Promise<AccessBody> {
  const [nhsNumber = '', ...also] = question.nhsNumbers;
  const { from, to } = question.claims;
  const asked = { nhsNumber, also, from: Date.parse(from), to: Date.parse(to) };
  const { accesses, more, missing } = await newestAccesses(asked, place, MOST_ACCESSES, logs, () => {
    if (deadline.reason !== undefined) throw new DeliveryError(deadline.reason);
  });
  const last = accesses.at(-1);
  const told = accesses.map((access) => toTold(access, organisations));
  const page = { accesses: told, ...(missing === undefined ? {} : { missing }) };
  if (!more || last === undefined) return page;
  const next: AccessPlace = { at: last.at, exchange: last.exchange };
  return { ...page, next: cursors.seal(next, bindingOf(question), now() + CURSOR_LIFE_MS) };
}
