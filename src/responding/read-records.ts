import type { Deadline } from '../deadline.ts';
import { DeliveryError, EvidenceError, RequestError, type DeliveryCode } from '../errors.ts';
import type { SearchClaim } from '../evidence/claims.ts';
import { parseSearch } from '../fhir/search-parameters.ts';
import { errorFields } from '../log.ts';
import type { Span } from '../span.ts';
import type { RecordLink } from '../upstream/record-link.ts';
import type { Permission } from './decide-sharing.ts';
import { findPatient } from './find-patient.ts';
import type { ParsedSearch, Reading, RecordSearch } from './reading.ts';
import { isRestrictedPatient } from './labels.ts';
import { restrictedAt, sameForAll, type RecordAnswer } from './record-answer.ts';
import { withReferenced } from './referenced.ts';
import { release } from './release.ts';
import { failedPage, openCursor, searchRecord } from './search-record.ts';
import { watchedRecord } from './watched-record.ts';

/** Parses the searches of a query against the allow-list. @throws RequestError */
export function parseSearches(searches: readonly SearchClaim[]): ParsedSearch[] {
  const parsed = searches.map(({ id, query, record, cursor }) => ({
    id,
    search: parseSearch(query),
    record,
    cursor,
  }));
  const keys = new Set(parsed.map(({ id, record }) => `${id} ${record ?? ''}`));
  if (keys.size < parsed.length) throw new RequestError('bad-request', 'search id');
  return parsed;
}

/**
 * Asks every record that the searches are meant for, side by side: a slow record costs only itself. Cursors are
 * opened before any record hears of the question.
 *
 * @throws RequestError `page-unreadable`
 */
export async function readRecords(
  permission: Permission,
  searches: readonly ParsedSearch[],
  reading: Reading,
  deadline: Deadline,
  span: Span,
): Promise<RecordAnswer[]> {
  const asked = reading.links
    .map((link) => ({
      link,
      own: searches
        .filter(({ record }) => record === undefined || record === link.record.id)
        .map((search) => ({ ...search, page: openCursor(search, permission, link, reading) })),
    }))
    .filter(({ own }) => own.length > 0);
  return Promise.all(
    asked.map(({ link, own }) => {
      const types = own.map(({ search }) => search.type);
      return watchedRecord(span, link.record.id, types, () =>
        readRecord(permission, own, link, reading, deadline),
      );
    }),
  );
}

async function readRecord(
  permission: Permission,
  searches: readonly RecordSearch[],
  link: RecordLink,
  reading: Reading,
  deadline: Deadline,
): Promise<RecordAnswer> {
  const record = link.record.id;
  const { agreement, query } = permission;
  const isOffered = ({ search }: ParsedSearch): boolean =>
    agreement.types.includes(search.type) && link.record.offers.includes(search.type);
  const offered = searches.filter(isOffered);
  const notOffered = sameForAll(
    record,
    searches.filter((search) => !isOffered(search)),
    'not-offered',
  );
  if (offered.length === 0) return notOffered;
  const part = deadline.within(deadline.remainingMs());
  try {
    const finding = findPatient(link, query.nhsNumbers, part);
    const searching = Promise.all(
      offered.map((search) =>
        searchRecord(search, permission, finding, link, reading, part).catch((error: unknown) => {
          // One type that the record cannot answer leaves the others; a record that breaks the rules does not.
          if (!(error instanceof DeliveryError)) throw error;
          return failedPage(search, recordReason(error));
        }),
      ),
    );
    // Judged below: the patient comes first, since a restriction silences a search that failed as well.
    searching.catch(() => undefined);
    const patients = await finding;
    if (patients.some(isRestrictedPatient)) return restrictedAt(record);
    const pages = await withReferenced(await searching, permission, link, reading, part);
    const answer = release(patients, pages, permission, link, reading);
    return { ...answer, sources: [...answer.sources, ...notOffered.sources] };
  } catch (error) {
    reading.log.warn({ record, ...errorFields(error) }, 'record not read');
    const failed = sameForAll(record, offered, 'not-reached', recordReason(error));
    return { ...failed, sources: [...failed.sources, ...notOffered.sources] };
  } finally {
    // Once the answer is known, nobody waits for what is still under way at this record.
    part.cancel();
  }
}

const LATE: ReadonlySet<DeliveryCode> = new Set(['timeout', 'connect-timeout', 'cancelled']);

/** Why a record gave nothing, as a class that may leave the region. */
export function recordReason(error: unknown): string {
  if (error instanceof EvidenceError) return 'fault';
  if (!(error instanceof DeliveryError)) return 'fault';
  if (LATE.has(error.code)) return 'timeout';
  if (error.code === 'circuit-open') return 'circuit-open';
  if (error.code === 'bulkhead-full' || error.code === 'peer-throttled') return 'busy';
  if (error.code === 'left-alone') return 'throttled';
  return 'fault';
}
