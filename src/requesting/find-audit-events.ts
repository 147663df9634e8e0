import type { AuditEvent } from '../audit/balp/audit-event.ts';
import { auditEventOf } from '../audit/balp/balp.ts';
import type { Parties } from '../audit/balp/balp-table.ts';
import type { AuditLog } from '../audit/log.ts';
import { logOrigin, successorOrigin } from '../tlog/origin.ts';
import type { ArchiveStore, EntrySearch, LogStore } from '../store/contracts.ts';
import { RequestError } from '../errors.ts';
import type { AuditQuestion } from './audit-question.ts';

/** The logs of all replicas of a region, read. */
export interface AuditReading {
  readonly store: Pick<LogStore, 'search' | 'entries' | 'pruned'>;
  readonly archive: Pick<ArchiveStore, 'prunedWithin'>;
  readonly log: Pick<AuditLog, 'read'>;
  readonly parties: Parties;
}

export type Place = NonNullable<EntrySearch['before']>;

interface Found {
  readonly events: readonly AuditEvent[];
  /** Where to go on; undefined when there is no more. */
  readonly next: Place | undefined;
}

const CHUNK = 250;
/** Entries that one request looks at: many give no event, or one of another outcome. */
const MOST_CHUNKS = 8;
/** Entities that one page may hold: a whole record was hundreds of resources. */
const MOST_ENTITIES = 5_000;

/** One page, newest first. It may hold fewer than were asked for, or none, and have a next page all the same. */
export async function findAuditEvents(
  question: AuditQuestion,
  before: Place | undefined,
  reading: AuditReading,
  digest: (value: string) => string,
): Promise<Found> {
  const { from, to, nhsNumber, user, organisation, outcome, count } = question;
  const search = {
    ...{ from, to, organisation, limit: CHUNK },
    patients: nhsNumber === undefined ? undefined : [digest(nhsNumber)],
    user: user === undefined ? undefined : digest(user),
  };
  const events: AuditEvent[] = [];
  let entities = 0;
  let place = before;
  for (let chunk = 0; chunk < MOST_CHUNKS; chunk += 1) {
    const found = await reading.store.search({ ...search, before: place });
    for (const entry of found) {
      const event = auditEventOf(reading.log.read(entry), entry.log, reading.parties);
      if (event !== undefined && (outcome === undefined || event.outcome === outcome)) {
        const size = event.entity?.length ?? 0;
        const isFull = events.length === count || (events.length > 0 && entities + size > MOST_ENTITIES);
        if (isFull) return { events, next: place };
        events.push(event);
        entities += size;
      }
      place = { at: entry.at, log: entry.log, sequence: entry.sequence };
    }
    if (found.length < CHUNK) return { events, next: undefined };
  }
  return { events, next: place };
}

/** Replica, number of a successor, place. */
const ID = /^([a-z0-9][a-z0-9-]{0,39})(?:\.([2-9]|[1-9]\d{1,3}))?\.(0|[1-9]\d{0,14})$/;

/**
 * The event of that id, if it is about this patient; undefined for the patient: about whomever.
 *
 * @throws RequestError `archived`, whomever it is about
 */
export async function findAuditEvent(
  id: string,
  nhsNumber: string | undefined,
  { store, log, parties }: AuditReading,
  digest: (value: string) => string,
): Promise<AuditEvent | undefined> {
  const [, replica, number, place] = ID.exec(id) ?? [];
  if (replica === undefined) return undefined;
  const listed = logOrigin(parties.entity, replica);
  const origin = number === undefined ? listed : successorOrigin(listed, Number(number));
  const sequence = Number(place);
  const [entry] = await store.entries(origin, sequence, 1);
  if (entry?.sequence !== sequence) {
    if (sequence < (await store.pruned(origin))) throw new RequestError('archived');
    return undefined;
  }
  if (nhsNumber !== undefined && entry.index.patient !== digest(nhsNumber)) return undefined;
  return auditEventOf(log.read(entry), origin, parties);
}
