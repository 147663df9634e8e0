import type { ArchiveStore, LogStore, Segment } from '../../store/contracts.ts';
import { Accesses, type Access } from './access.ts';
import type { AuditLog, ReadEntry } from '../log.ts';
import { notLookedAt, type NotLookedAt } from './not-looked-at.ts';
import { EXCHANGE_SPAN_MS, walk } from './walk.ts';

export interface ReportQuestion {
  readonly nhsNumber: string;
  /** Other numbers of the same patient, as whoever asks knows them. */
  readonly also: readonly string[];
  /** Milliseconds since the epoch, `from` included, `to` not. */
  readonly from: number;
  readonly to: number;
}

export interface ReportSources {
  readonly store: Pick<LogStore, 'search'>;
  readonly archive: Pick<ArchiveStore, 'prunedWithin'>;
  /** Which pruned segments `store` does not look into; all, when it is left out. */
  readonly isLeftOut?: ((segment: Segment) => boolean) | undefined;
  readonly log: Pick<AuditLog, 'read'>;
  readonly digest: (value: string) => string;
  readonly region: string;
}

/** Who saw one patient's record, as one region's logs tell it. */
export interface PatientReport {
  readonly from: number;
  readonly to: number;
  /** Oldest first. */
  readonly accesses: readonly Access[];
  /** When these logs themselves were searched for the patient, oldest first. */
  readonly enquiries: readonly { readonly at: number; readonly event: string }[];
  /** How many numbers were looked under: a superseded one that our own demographics told of counts. */
  readonly numbers: number;
  /** Entries that bear another number which a neighbour alone says is this patient's: it was not looked under. */
  readonly unconfirmed: number;
  /** Archived entries of that time, which this report does not tell of. */
  readonly notLookedAt: readonly NotLookedAt[];
  /** Entries about the patient that are broken: what they say is not in the report. */
  readonly unreadable: number;
}

const ENQUIRIES = new Set(['audit-searched', 'report-made']);

/**
 * Reads every entry about the patient, in pages, and opens what it holds sealed. A superseded number is followed
 * where our own demographics said so; a neighbour's word does not open the entries of what may be another patient.
 */
export async function gatherReport(
  question: ReportQuestion,
  { store, archive, isLeftOut, log, digest, region }: ReportSources,
  pageSize?: number,
): Promise<PatientReport> {
  const accesses = new Accesses();
  const enquiries: { at: number; event: string }[] = [];
  const numbers = new Set([question.nhsNumber, ...question.also]);
  const claimed: string[] = [];
  let unreadable = 0;
  const span = { from: question.from - EXCHANGE_SPAN_MS, to: question.to + EXCHANGE_SPAN_MS };
  // A number that is found on the way joins the set, and so has its turn.
  for (const number of numbers) {
    for await (const found of walk(store, { ...span, patients: [digest(number)] }, pageSize)) {
      const entry = log.read(found);
      const superseded = entry.opened?.['superseded']?.value;
      if (superseded !== undefined && isOurs(entry)) numbers.add(superseded);
      else if (superseded !== undefined) claimed.push(superseded);
      const { at, event } = entry.leaf;
      if (event === 'unreadable') unreadable += 1;
      if (!accesses.add(entry) && ENQUIRIES.has(event)) enquiries.push({ at, event });
    }
  }
  const within = ({ at }: { at: number }): boolean => at >= question.from && at < question.to;
  return {
    ...{ from: question.from, to: question.to, numbers: numbers.size },
    accesses: accesses.list(region).filter(within),
    enquiries: enquiries.filter(within).sort((one, other) => one.at - other.at),
    unreadable,
    unconfirmed: claimed.filter((number) => !numbers.has(number)).length,
    notLookedAt: await notLookedAt(archive, span, isLeftOut),
  };
}

/** Written as a requester: the other number is what our own demographics service said, not what we were told. */
function isOurs({ leaf }: ReadEntry): boolean {
  return !leaf.event.startsWith('query-') || leaf.event === 'query-sent';
}
