import type { StoredCheckpoint, Succession, TreeHead } from '../../store/contracts.ts';
import type { Entry } from '../entry.ts';
import type { AuditLog } from '../log.ts';
import type { LogFault } from '../whole-log/log-fault.ts';

/** Why a log ended: an admin ended it; the store was put back; a neighbour holds more of it than the store. */
export type EndReason = 'sealed' | 'restored' | 'behind';

/** Who decided it, and why in words; kept sealed. */
export interface Decision {
  readonly by: string;
  readonly reason: string;
}

/** A note of ours that a neighbour holds, of more entries than the store has. */
export interface HighestKnown {
  readonly region: string;
  readonly size: number;
  readonly note: string;
}

/** What is known of a log when it ends. */
export interface LastWords {
  readonly why: EndReason;
  /** The first thing that is wrong with it, if anything is. */
  readonly fault: LogFault | undefined;
  /** The last checkpoint that holds. */
  readonly checkpoint: StoredCheckpoint | undefined;
  readonly highest: HighestKnown | undefined;
}

/** What `log-began` says openly of the log that it follows. */
export interface Began {
  readonly after: string;
  readonly why: EndReason;
  /** Entries and root (base64) of the former log as it is stored; absent where that cannot be read. */
  readonly size?: number;
  readonly root?: string;
  readonly fault?: Pick<LogFault, 'kind' | 'sequence'>;
  readonly checkpoint?: string;
  readonly highest?: HighestKnown;
  /** Entries that a signed head covers and the store does not have: from the first to the last. */
  readonly lost?: { readonly from: number; readonly to: number };
}

/**
 * What ends `log` and begins `next`: its first entry names the former log's end, so that each checkpoint of the
 * successor covers that too.
 *
 * @param more entries that come after the first
 */
export function successionOf(
  log: AuditLog,
  next: string,
  words: LastWords,
  decision: Decision,
  now: number,
  more: readonly Entry[] = [],
): Succession {
  return {
    ...{ log: log.origin, next, at: now, why: words.why },
    first: (head) => {
      const detail = beganAfter(log.origin, head, words);
      const sealed = { by: decision.by, reason: decision.reason };
      return log.item([{ event: 'log-began', exchange: next, facts: { detail }, sealed }, ...more]);
    },
  };
}

function beganAfter(
  after: string,
  head: TreeHead | undefined,
  { why, fault, checkpoint, highest }: LastWords,
): Began {
  const lost = highest !== undefined && head !== undefined && highest.size > head.size;
  return {
    ...{ after, why },
    ...(head === undefined ? {} : { size: head.size, root: Buffer.from(head.root).toString('base64') }),
    ...(fault === undefined ? {} : { fault: { kind: fault.kind, sequence: fault.sequence } }),
    ...(checkpoint === undefined ? {} : { checkpoint: checkpoint.note }),
    ...(highest === undefined ? {} : { highest }),
    ...(lost ? { lost: { from: head.size, to: highest.size - 1 } } : {}),
  };
}
