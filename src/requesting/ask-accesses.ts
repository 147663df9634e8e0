import type { Access } from '../audit/questions/access.ts';
import type { RegionTold } from '../audit/questions/all-regions.ts';
import { ACCESS_REPORT } from '../config/agreements.ts';
import type { Agreement } from '../config/schema.ts';
import { startDeadline, type Deadline } from '../deadline.ts';
import type { Reason } from '../fhir/codes.ts';
import {
  askPage,
  type AccessQuestion,
  type Asked,
  type AskingAccesses,
  type Place,
} from './ask-access-page.ts';

/** Pages that one region is followed for; one that has more told a part. */
export const MOST_PAGES = 20;

/**
 * As the patient's home region, asks every other region who there received the record. Each is asked by itself, side
 * by side, with a budget of its own; whatever fails is that region's own *not reached*.
 *
 * @returns one for each region of the directory but our own, in its order
 * @throws HouseError `audit-unavailable`: then nothing of any answer may be used
 */
export function askForAccesses(question: AccessQuestion, broker: AskingAccesses): Promise<RegionTold[]> {
  const others = broker.directory.regions().filter(({ id }) => id !== broker.region);
  return Promise.all(others.map(({ id }) => askOne(id, question, broker)));
}

async function askOne(region: string, question: AccessQuestion, broker: AskingAccesses): Promise<RegionTold> {
  const nothing = { region, accesses: [] };
  const link = broker.links.get(region);
  const agreement = broker.agreementWith(region);
  if (link === undefined || agreement === undefined) {
    return { ...nothing, outcome: 'not-agreed', reason: 'no-agreement' satisfies Reason };
  }
  if (!isAgreed(agreement, question.role)) {
    return { ...nothing, outcome: 'not-agreed', reason: 'agreement' satisfies Reason };
  }
  const notAsked = broker.neighbours.notAsked(region, broker.now());
  if (notAsked !== undefined) return { ...nothing, outcome: 'not-reached', reason: notAsked };
  using deadline = startDeadline(broker.budgetMs);
  return await everyPage({ link, agreement, region }, question, broker, deadline);
}

/** What we would refuse from them, we do not ask of them. */
function isAgreed({ purposes, access_report: report }: Agreement, role: string): boolean {
  return purposes.includes(ACCESS_REPORT) && report?.roles.includes(role) === true;
}

async function everyPage(
  asked: Asked,
  question: AccessQuestion,
  broker: AskingAccesses,
  deadline: Deadline,
): Promise<RegionTold> {
  const { region } = asked;
  const accesses: Access[] = [];
  let place: Place = { newest: question.to - 1 };
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const told = await askPage(asked, place, question, broker, deadline);
    if (told.kind === 'untold') {
      const { outcome, reason } = told;
      return page === 1
        ? { region, outcome, reason, accesses }
        : { region, outcome: 'partial', reason: reason ?? outcome, accesses };
    }
    accesses.push(...told.accesses);
    if (told.next === undefined) {
      if (told.missing !== undefined) return { region, outcome: 'partial', reason: told.missing, accesses };
      return { region, outcome: accesses.length === 0 ? 'none' : 'answered', accesses };
    }
    place = { newest: told.accesses.at(-1)?.at ?? place.newest, cursor: told.next };
  }
  return { region, outcome: 'partial', reason: 'paging' satisfies Reason, accesses };
}
