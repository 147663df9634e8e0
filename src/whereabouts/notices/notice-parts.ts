import type { NoticeTrail } from '../../audit/notice-trail.ts';
import type { PatientNotices } from '../../config/patient-notices.ts';
import type { Agreement } from '../../config/schema.ts';
import type { Deadline } from '../../deadline.ts';
import type { PatientNumberSeal } from '../../evidence/patient-number-seal.ts';
import type { Sender } from '../../evidence/query.ts';
import type { Log } from '../../log.ts';
import type { Directory } from '../../routing/directory.ts';
import type { Registration } from '../../routing/registration.ts';
import type { QueuedNotice, RegisterStore, Store } from '../../store/contracts.ts';
import type { Neighbours } from '../../trust/neighbours.ts';
import type { NeighbourLink } from '../../upstream/neighbour-link.ts';

/** What telling home regions, and deciding what neighbours told, stand on. */
export interface NoticeParts {
  /** Our own. */
  readonly region: string;
  readonly directory: Directory;
  readonly neighbours: Neighbours;
  readonly links: ReadonlyMap<string, NeighbourLink>;
  /** The agreement with a region if it is in force now. */
  readonly agreementWith: (region: string) => Agreement | undefined;
  readonly sender: Sender;
  readonly trail: NoticeTrail;
  readonly store: Pick<
    Store,
    'knownRegions' | 'noticeInbox' | 'noticeQueue' | 'objections' | 'tellers' | 'toldRestrictions'
  >;
  /** Whose home we are, where that is known here. */
  readonly register?: Pick<RegisterStore, 'of' | 'leavers'> | undefined;
  /** Asks demographics, behind every question of a viewer's. */
  readonly lookUp: (nhsNumber: string, deadline: Deadline) => Promise<Registration>;
  readonly patientDigest: (nhsNumber: string) => string;
  readonly numbers: PatientNumberSeal;
  readonly settings: PatientNotices;
  /** Aborted when all of it is to stop. */
  readonly stopping: AbortSignal;
  readonly log: Log;
  readonly now: () => number;
}

export const DAY_MS = 86_400_000;
/** What one replica took and does not come back to, as when it was killed, another takes after this. */
export const LEASE_MS = 300_000;

const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 6 * 3_600_000;

/** Who is registered nowhere yet, or with a practice that the directory does not know yet, is looked up again after this. */
export const LOOK_AGAIN_MS = 7 * DAY_MS;
/** Demographics that cannot say of so many in a row are left alone; of one alone it may be that patient. */
export const MOST_UNANSWERED = 2;

/** How long to wait after so many tries that failed: a minute, and twice as long each time up to six hours. */
export function waitAfter(tries: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(tries, 20));
}

/** Looked at first: what takes rows writes, also where there are none. */
export function isDue(first: number | undefined, at: number): first is number {
  return first !== undefined && first <= at;
}

/** Nobody is told any more of what waited so long. Who left one practice may be without another for weeks: a handover waits longer. */
export function isGivenUp({ kind, queued }: QueuedNotice, settings: PatientNotices, at: number): boolean {
  const days = kind === 'held' ? settings.keep_days : Math.max(settings.keep_days, settings.renew_days);
  return queued + days * DAY_MS < at;
}
