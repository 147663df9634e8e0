/** One element of DER (ITU-T X.690): low tag numbers and definite, shortest lengths only. */
export interface DerElement {
  /** The identifier octet, class and constructed bit included. */
  readonly tag: number;
  readonly content: Buffer;
  /** With its tag and length: what a signature is over. */
  readonly whole: Buffer;
}

export const TAG = {
  ...{ boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, oid: 0x06 },
  ...{ enumerated: 0x0a, utcTime: 0x17, generalizedTime: 0x18, sequence: 0x30 },
} as const;

/** What should be DER is not, or is not of the form that is expected there. */
export class NotDer extends Error {
  override readonly name = 'NotDer';
}

/**
 * Reads one element and refuses anything after it. Nothing is copied: a list of ten mebibytes costs a walk over its
 * bytes, not an object for each of them.
 *
 * @throws NotDer
 */
export function readDer(bytes: Buffer, tag?: number): DerElement {
  const element = elementAt(bytes, 0);
  if (element.whole.length !== bytes.length) throw new NotDer('more than one element');
  return tag === undefined ? element : expect(element, tag);
}

/** The elements within a constructed one, in order. @throws NotDer */
export function* within({ content }: DerElement): Generator<DerElement, undefined> {
  for (let at = 0; at < content.length;) {
    const element = elementAt(content, at);
    yield element;
    at += element.whole.length;
  }
}

/** @throws NotDer when it is missing or another */
export function expect(element: DerElement | undefined, ...tags: readonly number[]): DerElement {
  if (element === undefined || !tags.includes(element.tag)) throw new NotDer('another element');
  return element;
}

function elementAt(bytes: Buffer, at: number): DerElement {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw new NotDer('tag');
  let start = at + 2;
  let length = first;
  if (first >= 0x80) {
    const octets = first & 0x7f;
    if (octets === 0 || octets > 4 || start + octets > bytes.length) throw new NotDer('length');
    length = bytes.readUIntBE(start, octets);
    if (length < 0x80 || length < 2 ** (8 * (octets - 1))) throw new NotDer('length');
    start += octets;
  }
  const end = start + length;
  if (end > bytes.length) throw new NotDer('cut short');
  return { tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) };
}

/** An object identifier in dotted form. @throws NotDer */
export function oidOf(element: DerElement | undefined): string {
  const { content } = expect(element, TAG.oid);
  const arcs: number[] = [];
  let arc = 0;
  for (const octet of content) {
    arc = arc * 128 + (octet & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER / 128) throw new NotDer('object identifier');
    if (octet < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const [root, ...rest] = arcs;
  if (root === undefined || (content.at(-1) ?? 0) >= 0x80) throw new NotDer('object identifier');
  const top = Math.min(2, Math.floor(root / 40));
  return [top, root - 40 * top, ...rest].join('.');
}

/** An integer's octets as hexadecimal without leading zeros: what serial numbers are compared by. @throws NotDer */
export function serialOf(element: DerElement | undefined): string {
  return expect(element, TAG.integer).content.toString('hex').replace(/^0+/, '');
}

/** UTCTime or GeneralizedTime in the one form that RFC 5280 allows, in milliseconds. @throws NotDer */
export function timeOf(element: DerElement | undefined): number {
  const { tag, content } = expect(element, TAG.utcTime, TAG.generalizedTime);
  const text = content.toString('latin1');
  // RFC 5280, 4.1.2.5.1: two digits from 50 on are of the last century.
  const full = tag === TAG.utcTime ? `${Number(text.slice(0, 2)) >= 50 ? '19' : '20'}${text}` : text;
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full);
  const [year, month, day, hour, minute, second] = parts?.slice(1) ?? [];
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(at)) throw new NotDer('time');
  return at;
}

/** One extension of a certificate, of a list of revoked ones, or of its entry (RFC 5280, 4.2 and 5.2). */
export interface Extension {
  readonly critical: boolean;
  readonly value: Buffer;
}

/** Extensions by object identifier. @throws NotDer, also for one that comes twice */
export function extensionsOf(list: DerElement | undefined): ReadonlyMap<string, Extension> {
  const found = new Map<string, Extension>();
  if (list === undefined) return found;
  for (const extension of within(expect(list, TAG.sequence))) {
    const [id, ...rest] = within(expect(extension, TAG.sequence));
    const oid = oidOf(id);
    if (found.has(oid)) throw new NotDer('an extension twice');
    const critical = rest[0]?.tag === TAG.boolean && rest[0].content[0] !== 0;
    found.set(oid, { critical, value: expect(rest.at(-1), TAG.octetString).content });
  }
  return found;
}
