import type { NewEntry, StoredEntry } from '../store/contracts.ts';
import { seal, type Keyring, type Values } from './sealing.ts';

/** The kinds of event; `trail.ts` has one helper for each. `unreadable` is never written: see `leafOf`. */
export const EVENTS = [
  'started',
  'interrupted',
  'viewer-refused',
  'route-planned',
  'query-sent',
  'response-believed',
  'response-not-believed',
  'not-reached',
  'released-to-viewer',
  'query-received',
  'query-answered',
  'query-withheld',
  'query-refused',
  'access-question-sent',
  'access-answer-believed',
  'access-answer-not-believed',
  'access-not-reached',
  'access-question-received',
  'access-question-answered',
  'access-question-withheld',
  'access-question-refused',
  'locate-sent',
  'locate-believed',
  'locate-not-believed',
  'locate-not-reached',
  'route-extended',
  'locate-received',
  'locate-answered',
  'locate-refused',
  'notice-sent',
  'notice-about',
  'receipt-believed',
  'receipt-not-believed',
  'notice-not-reached',
  'notice-received',
  'notice-taken',
  'notice-refused',
  'refusals-counted',
  'fork-seen',
  'log-began',
  'log-succeeded',
  'store-opened',
  'inclusion-proved',
  'inclusion-not-proved',
  'objections-imported',
  'register-imported',
  'directory-imported',
  'care-locations-imported',
  'care-locations-received',
  'care-locations-forgotten',
  'notices-forget-began',
  'notices-forgotten',
  'audit-searched',
  'report-made',
  'route-shown',
  'entries-erased',
  'segment-archived',
  'segment-pruned',
  'keys-rewrapped',
  'trust-decided',
  'admin-refused',
  'admins-changed',
  'unreadable',
] as const;
export type Event = (typeof EVENTS)[number];

/** What the two ends of a query write of it: the requester, and the responder. */
export const REQUESTER_EVENTS: ReadonlySet<Event> = new Set<Event>([
  'query-sent',
  'response-believed',
  'response-not-believed',
  'not-reached',
]);
export const RESPONDER_EVENTS: ReadonlySet<Event> = new Set<Event>([
  'query-received',
  'query-answered',
  'query-withheld',
  'query-refused',
]);

/**
 * What an entry says openly: identifiers of messages and regions, outcomes and digests. It names no patient, no
 * user and no resource, and gives no free text.
 */
export interface Facts {
  /** The other region. */
  readonly region?: string | undefined;
  readonly jti?: string | undefined;
  /** Of a message that repeats another one: that one's `jti`. */
  readonly retry_of?: string | undefined;
  /** Of a message that was not reached, and was repeated: the `jti` of the other. */
  readonly retried_as?: string | undefined;
  /** ODS code of who asks. */
  readonly organisation?: string | undefined;
  readonly role?: string | undefined;
  readonly purpose?: string | undefined;
  readonly relationship?: string | undefined;
  readonly outcome?: string | undefined;
  /** A code of ours. */
  readonly reason?: string | undefined;
  /** Code of the check that failed, where one did. */
  readonly fault?: string | undefined;
  readonly break_glass?: true | undefined;
  /** Entries given, received or shown. */
  readonly count?: number | undefined;
  /** Version of the sharing agreement that was in force. */
  readonly agreement?: string | undefined;
  /** SHA-256 of a signing input, base64url. */
  readonly query_digest?: string | undefined;
  readonly response_digest?: string | undefined;
  readonly sources?: readonly object[] | undefined;
  /** Milliseconds that it took. */
  readonly ms?: number | undefined;
  readonly detail?: object | undefined;
}

/** Who is meant; kept sealed, and as keyed digests to find the entry by. */
export interface Who {
  readonly nhsNumber?: string | undefined;
  readonly user?: string | undefined;
}

export interface Entry extends Who {
  readonly event: Event;
  readonly exchange: string;
  readonly facts: Facts;
  /** What the leaf commits to beside number and user: tokens, resources, reasons in words. */
  readonly sealed?: Values | undefined;
  readonly work?: NewEntry['work'];
}

/** What an exchange begins with; whoever refuses a viewer or a message writes nothing before. */
export const BEGINNINGS: ReadonlySet<Event> = new Set<Event>([
  ...(['route-planned', 'query-received', 'viewer-refused', 'query-refused'] as const),
  ...(['access-question-sent', 'access-question-received', 'access-question-refused'] as const),
  ...(['locate-sent', 'locate-received', 'locate-refused'] as const),
  ...(['notice-sent', 'notice-received', 'notice-refused'] as const),
]);
/** What an auditor or an admin begins, or would. */
const ENQUIRIES: ReadonlySet<Event> = new Set<Event>([
  ...(['audit-searched', 'report-made', 'route-shown', 'admin-refused'] as const),
]);

/**
 * True for an entry that is not written any more when only the reserve of the disk is left: what is begun from outside.
 * The rest ends what was begun, or is our own to say.
 */
export function begins({ event, work }: Entry): boolean {
  return (BEGINNINGS.has(event) || ENQUIRIES.has(event)) && work !== 'close';
}

/** What a leaf says (UTF-8 JSON). Members come in this order; a reader takes them in any. */
export interface Leaf extends Facts {
  readonly seq: number;
  /** Wall clock, milliseconds since the epoch. */
  readonly at: number;
  /** Monotonic clock of the process that wrote it, milliseconds since `boot`. */
  readonly mono: number;
  /** The process that wrote it. */
  readonly boot: string;
  readonly event: Event;
  readonly exchange: string;
  /** Commitments: SHA-256 of a 16-byte salt and the value, base64url. */
  readonly sealed?: Values | undefined;
}

export interface Clocks {
  readonly now: () => number;
  readonly mono: () => number;
  readonly boot: string;
}

export function toNewEntry(
  entry: Entry,
  clocks: Clocks,
  keyring: Keyring,
  digest: (value: string) => string,
): NewEntry {
  const { event, exchange, facts, nhsNumber, user, work } = entry;
  const values = {
    ...(nhsNumber === undefined ? {} : { nhs_number: nhsNumber }),
    ...(user === undefined ? {} : { user }),
    ...entry.sealed,
  };
  const sealed = Object.keys(values).length === 0 ? undefined : seal(values, keyring);
  const at = clocks.now();
  const leaf: Omit<Leaf, 'seq'> = {
    ...{ at, mono: Math.round(clocks.mono()), boot: clocks.boot, event, exchange },
    ...facts,
    ...(sealed === undefined ? {} : { sealed: sealed.commitments }),
  };
  return {
    ...{ at, event, exchange, work },
    facts: JSON.stringify(leaf).slice(1, -1),
    index: {
      region: facts.region,
      jti: facts.jti,
      patient: nhsNumber === undefined ? undefined : digest(nhsNumber),
      user: user === undefined ? undefined : digest(user),
      organisation: facts.organisation,
      outcome: facts.outcome,
      breakGlass: facts.break_glass,
    },
    sealed: sealed?.sealed,
  };
}

/**
 * What a stored entry says. Of one whose leaf is broken only where it lies is told, under the event `unreadable`: a log
 * that was ended for a break is still read, and one broken entry must not hide the others.
 */
export function leafOf(entry: StoredEntry & { readonly at?: number }): Leaf {
  try {
    return readLeaf(entry.leaf);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { sequence: seq, at = 0, index } = entry;
    const { region, jti } = index;
    return { ...{ seq, at, mono: 0, boot: '', event: 'unreadable', exchange: '' }, region, jti };
  }
}

/** Reads a leaf. @throws SyntaxError when it is none */
export function readLeaf(bytes: Uint8Array): Leaf {
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as Leaf;
}
