import { RequestError } from '../errors.ts';
import { parseSearch, searchText } from '../fhir/search-parameters.ts';
import type { AuthenticatedViewer } from './authenticate-viewer.ts';
import type { SourceState } from './paging.ts';
import type { PatientRef, SearchQuestion } from './question.ts';
import type { Requesting } from './requesting.ts';

const PAGE_LIFE_MS = 10 * 60_000;

/** A page link as it was opened: the question again, and where each source stopped. */
export interface OpenPage {
  readonly question: SearchQuestion;
  readonly states: readonly SourceState[];
  readonly total: number | undefined;
}

/** What a page link seals; short names, because it travels in a URL. */
interface Sealed {
  p: PatientRef;
  q: string[];
  e?: readonly string[];
  r?: true;
  t?: number;
  s: [region: string, record: string, search: string, skip: number, cursor?: string][];
}

/**
 * The opaque link to the next page: encrypted, expiring, good for the same viewer and patient only. It carries
 * no clinical content and the broker keeps nothing for it.
 */
export function nextLink(
  states: readonly SourceState[],
  { question, viewer }: { question: SearchQuestion; viewer: AuthenticatedViewer },
  total: number | undefined,
  broker: Requesting,
): string | undefined {
  if (states.length === 0) return undefined;
  const sealed: Sealed = {
    p: question.patient,
    q: question.searches.map(searchText),
    ...(question.shape.elements === undefined ? {} : { e: question.shape.elements }),
    ...(question.referenced === undefined ? {} : { r: question.referenced }),
    ...(total === undefined ? {} : { t: total }),
    s: states.map(({ region, record, search, skip, cursor }) =>
      cursor === undefined ? [region, record, search, skip] : [region, record, search, skip, cursor],
    ),
  };
  const page = broker.pages.seal(sealed, bindingOf(viewer), broker.now() + PAGE_LIFE_MS);
  return `${broker.publicBase()}/fhir?_page=${page}`;
}

/** @throws RequestError `page-unreadable` for a link that is expired, another's, or not ours */
export function openPage(page: string, viewer: AuthenticatedViewer, broker: Requesting): OpenPage {
  const sealed = broker.pages.open(page, bindingOf(viewer), broker.now()) as Sealed | undefined;
  if (sealed === undefined) throw new RequestError('page-unreadable');
  return {
    question: {
      patient: sealed.p,
      searches: sealed.q.map(parseSearch),
      index: false,
      ...(sealed.r === undefined ? {} : { referenced: sealed.r }),
      shape: { elements: sealed.e, countOnly: false },
    },
    states: sealed.s.map(([region, record, search, skip, cursor]) => ({
      region,
      record,
      search,
      skip,
      cursor,
    })),
    total: sealed.t,
  };
}

function bindingOf({ viewer, nhsNumber }: AuthenticatedViewer): string[] {
  return ['page', viewer.id, nhsNumber];
}
