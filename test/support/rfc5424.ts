import assert from 'node:assert/strict';

/** A syslog message (RFC 5424), read strictly. */
export interface SyslogMessage {
  readonly facility: number;
  readonly severity: number;
  readonly time: string;
  readonly host: string;
  readonly app: string;
  readonly process: string;
  readonly id: string;
  readonly dataId: string;
  readonly data: Readonly<Record<string, string>>;
  /** Without the byte order mark. */
  readonly text: Buffer;
}

const HEADER =
  /^<(?<priority>0|[1-9]\d{0,2})>1 (?<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z) (?<host>[!-~]{1,255}) (?<app>[!-~]{1,48}) (?<process>[!-~]{1,128}) (?<id>[!-~]{1,32}) \[(?<dataId>[!-<>-\\^-~]{1,32})(?<data>(?: [!-<>-\\^-~]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*)\] /;
const MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** Octet counting (RFC 5425, 4.3): `MSG-LEN SP SYSLOG-MSG`, again and again. The rest of a broken stream is left out. */
export function messagesIn(stream: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let from = 0; from < stream.length;) {
    const space = stream.indexOf(0x20, from);
    if (space === -1) break;
    const length = stream.toString('latin1', from, space);
    assert.match(length, /^[1-9]\d*$/, 'a frame begins with its length');
    const end = space + 1 + Number(length);
    if (end > stream.length) break;
    found.push(stream.subarray(space + 1, end));
    from = end;
  }
  return found;
}

export function parseSyslog(message: Buffer): SyslogMessage {
  // Latin-1 gives each byte a character of its own, so that places in the text are places in the bytes.
  const found = HEADER.exec(message.toString('latin1'));
  assert.ok(found?.groups !== undefined, 'the header is that of RFC 5424');
  const {
    priority,
    time = '',
    host = '',
    app = '',
    process = '',
    id = '',
    dataId = '',
    data = '',
  } = found.groups;
  assert.ok(Number(priority) <= 191);
  assert.ok(Number.isFinite(Date.parse(time)));
  const rest = message.subarray(found[0].length);
  assert.deepEqual(rest.subarray(0, 3), MARK, 'UTF-8 is marked');
  const text = rest.subarray(3);
  new TextDecoder('utf-8', { fatal: true }).decode(text);
  const parameters = [...data.matchAll(/ ([^=]+)="((?:[^"\\]|\\.)*)"/g)].map(
    ([, name = '', value = '']) => [name, value.replaceAll(/\\(["\\\]])/g, '$1')] as const,
  );
  return {
    facility: Math.floor(Number(priority) / 8),
    severity: Number(priority) % 8,
    ...{ time, host, app, process, id, dataId, text },
    data: Object.fromEntries(parameters),
  };
}

/** The leaves of messages by sequence: parts are put together, and what came more than once must be the same. */
export function leavesOf(messages: readonly Buffer[]): Map<number, Buffer> {
  const leaves = new Map<number, Buffer>();
  let parts: Buffer[] = [];
  for (const message of messages.map(parseSyslog)) {
    const { seq, part = '1', parts: count = '1' } = message.data;
    parts = part === '1' ? [message.text] : [...parts, message.text];
    assert.equal(parts.length, Number(part), 'parts come in order');
    if (part !== count) continue;
    const leaf = Buffer.concat(parts);
    const known = leaves.get(Number(seq));
    if (known !== undefined) assert.deepEqual(leaf, known);
    leaves.set(Number(seq), leaf);
  }
  return leaves;
}
