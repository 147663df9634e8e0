import type { Deadline } from '../deadline.ts';
import { DeliveryError, EvidenceError, RequestError } from '../errors.ts';
import type { SearchClaim } from '../evidence/claims.ts';
import { parseSearch } from '../fhir/search-parameters.ts';
import { errorFields } from '../log.ts';
import type { RecordLink } from '../upstream/record-link.ts';
import type { Permission } from './decide-sharing.ts';
import { findPatient } from './find-patient.ts';
import type { ParsedSearch, Reading } from './reading.ts';
import { sameForAll, type RecordAnswer } from './record-answer.ts';
import { release } from './release.ts';
import { searchRecord } from './search-record.ts';

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

/** Asks every record that the searches are meant for, side by side: a slow record costs only itself. */
export function readRecords(
  permission: Permission,
  searches: readonly ParsedSearch[],
  reading: Reading,
  deadline: Deadline,
): Promise<RecordAnswer[]> {
  const asked = reading.links
    .map((link) => ({
      link,
      own: searches.filter(({ record }) => record === undefined || record === link.record.id),
    }))
    .filter(({ own }) => own.length > 0);
  return Promise.all(asked.map(({ link, own }) => readRecord(permission, own, link, reading, deadline)));
}

async function readRecord(
  permission: Permission,
  searches: readonly ParsedSearch[],
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
  try {
    const finding = findPatient(link, query.nhsNumbers, deadline);
    const pages = await Promise.all(
      offered.map((search) => searchRecord(search, permission, finding, link, reading, deadline)),
    );
    const patients = await finding;
    const answer = release(patients, pages, permission, link, reading);
    return { ...answer, sources: [...answer.sources, ...notOffered.sources] };
  } catch (error) {
    // The asker's own mistake (a cursor that is not its own) is refused as a whole, not blamed on the record.
    if (error instanceof RequestError) throw error;
    reading.log.warn({ record, ...errorFields(error) }, 'record not read');
    const reason = recordReason(error);
    return sameForAll(record, searches, 'not-reached', reason);
  }
}

/** Why a record gave nothing, as a class that may leave the region. */
export function recordReason(error: unknown): string {
  if (error instanceof EvidenceError) return 'fault';
  if (!(error instanceof DeliveryError)) return 'fault';
  if (error.code === 'timeout' || error.code === 'cancelled') return 'timeout';
  if (error.code === 'circuit-open') return 'circuit-open';
  if (error.code === 'bulkhead-full' || error.code === 'peer-throttled') return 'busy';
  return 'fault';
}
