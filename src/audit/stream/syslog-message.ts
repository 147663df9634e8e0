import type { Event, Leaf } from '../entry.ts';
import type { OutgoingEntry } from './outgoing.ts';

/** How a log's entries are written as syslog messages (RFC 5424). */
export interface SyslogForm {
  /** HOSTNAME: the host of the region's entity identifier. */
  readonly host: string;
  /** Private enterprise number under which the structured data stands. */
  readonly enterprise: number;
  /** The longest message, in bytes; receivers must take 2,048 and should take 8,192 (RFC 5425, 4.3.1). */
  readonly messageBytes: number;
}

/** RFC 5424, 6.2.1: log audit. */
const FACILITY = 13;
const SEVERITY = { warning: 4, notice: 5, informational: 6 } as const;

/** What somebody should look at, and what an auditor would want to see; anything else is informational. */
const SEVERITIES: Partial<Record<Event, keyof typeof SEVERITY>> = {
  'viewer-refused': 'warning',
  'response-not-believed': 'warning',
  'query-refused': 'warning',
  'access-answer-not-believed': 'warning',
  'access-question-refused': 'warning',
  'locate-not-believed': 'warning',
  'locate-refused': 'warning',
  'receipt-not-believed': 'warning',
  'notice-refused': 'warning',
  'refusals-counted': 'warning',
  'fork-seen': 'warning',
  'inclusion-not-proved': 'warning',
  'admin-refused': 'warning',
  interrupted: 'warning',
  started: 'notice',
  'not-reached': 'notice',
  'query-withheld': 'notice',
  'access-not-reached': 'notice',
  'access-question-withheld': 'notice',
  'locate-not-reached': 'notice',
  'notice-not-reached': 'notice',
  'log-began': 'notice',
  'log-succeeded': 'notice',
  'store-opened': 'notice',
  'objections-imported': 'notice',
  'register-imported': 'notice',
  'directory-imported': 'notice',
  'care-locations-imported': 'notice',
  'care-locations-forgotten': 'notice',
  'notices-forget-began': 'notice',
  'notices-forgotten': 'notice',
  'audit-searched': 'notice',
  'report-made': 'notice',
  'route-shown': 'notice',
  'entries-erased': 'notice',
  'segment-archived': 'notice',
  'segment-pruned': 'notice',
  'keys-rewrapped': 'notice',
  'trust-decided': 'notice',
  'admins-changed': 'notice',
};

/** RFC 5424, 6.4: it stands before a message in UTF-8. */
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
/** Room for the numbers of parts, whatever they are. */
const MOST_PARTS = 999_999;

/**
 * One entry as RFC 5424 messages: one, or as many as it takes where the leaf is too long for one. Nothing is cut off:
 * the parts' texts, put together, are the leaf byte for byte. Each is UTF-8 by itself.
 */
export function syslogMessages({ log, sequence, leaf, said }: OutgoingEntry, form: SyslogForm): Buffer[] {
  const head = headerOf(said, form.host);
  const begin = (parts = ''): Buffer => {
    const data = `[wayleave@${form.enterprise} log="${escaped(log)}" seq="${sequence}"${parts}]`;
    return Buffer.concat([Buffer.from(`${head} ${data} `), BYTE_ORDER_MARK]);
  };
  const whole = Buffer.concat([begin(), leaf]);
  if (whole.length <= form.messageBytes) return [whole];
  const room = form.messageBytes - begin(partsOf(MOST_PARTS, MOST_PARTS)).length;
  const texts = splitText(leaf, room);
  return texts.map((text, nth) => Buffer.concat([begin(partsOf(nth + 1, texts.length)), text]));
}

function headerOf({ at, boot, event, break_glass: glass }: Leaf, host: string): string {
  const severity = SEVERITIES[event] ?? (glass === true ? 'notice' : 'informational');
  const time = new Date(at).toISOString();
  const priority = FACILITY * 8 + SEVERITY[severity];
  return `<${priority}>1 ${time} ${printable(host, 255)} wayleave ${printable(boot, 128)} ${printable(event, 32)}`;
}

function partsOf(part: number, parts: number): string {
  return ` part="${part}" parts="${parts}"`;
}

/** A field of the header: printable ASCII without spaces, or the dash for nothing (RFC 5424, 6). */
function printable(value: string, most: number): string {
  return value.replaceAll(/[^!-~]/g, '').slice(0, most) || '-';
}

/** RFC 5424, 6.3.3 */
function escaped(value: string): string {
  return value.replaceAll(/["\\\]]/g, (character) => `\\${character}`);
}

/** Pieces of at most `room` bytes (4 at least) that end where a character of UTF-8 does. */
function splitText(text: Buffer, room: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let from = 0; from < text.length;) {
    let to = Math.min(from + room, text.length);
    while (to < text.length && to > from + 1 && isContinuation(text[to])) to -= 1;
    pieces.push(text.subarray(from, to));
    from = to;
  }
  return pieces;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
