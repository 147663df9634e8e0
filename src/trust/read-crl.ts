import { CrlRefused } from './crl-refused.ts';
import { expect, extensionsOf, NotDer, oidOf, readDer, serialOf, TAG, timeOf, within } from './der.ts';
import type { DerElement, Extension } from './der.ts';

/** One revoked certificate. */
export interface Revoked {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** CRLReason (RFC 5280, 5.3.1), if the list gives one. */
  readonly reason: number | undefined;
}

/** A list as it was read: nothing in it is believed yet. */
export interface ReadCrl {
  /** DER of the issuer's name. */
  readonly issuer: Buffer;
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  readonly number: bigint | undefined;
  /** Object identifier of the signature's algorithm. */
  readonly algorithm: string;
  /** The bytes that the signature is over. */
  readonly signed: Buffer;
  readonly signature: Buffer;
  /** Reads the entries, by serial number as `serialOf` gives it. @throws NotDer, CrlRefused */
  readonly entries: () => ReadonlyMap<string, Revoked>;
}

const NUMBER = '2.5.29.20';
/** Critical extensions of a list that make it another thing than the whole list of its issuer's certificates. */
const DELTA = '2.5.29.27';
const DISTRIBUTION_POINT = '2.5.29.28';
const INDIRECT_CRL = 0x84;
const REASON = '2.5.29.21';
/** Entry extension: the certificate is of another issuer than the list. */
const CERTIFICATE_ISSUER = '2.5.29.29';

/**
 * Reads a CertificateList (RFC 5280, 5.1), but for its entries.
 *
 * @throws NotDer, CrlRefused `crl-critical-extension`, `crl-indirect`, `crl-delta`, `crl-partial`
 */
export function readCrl(der: Buffer): ReadCrl {
  const [tbs, outer, bits, ...more] = within(readDer(der, TAG.sequence));
  const fields = [...within(expect(tbs, TAG.sequence))];
  if (fields[0]?.tag === TAG.integer) fields.shift();
  const [inner, issuer, thisUpdate, nextUpdate, ...rest] = fields;
  // RFC 5280, 5.1.2.5: without a next update nobody could say when the list is too old.
  if (more.length > 0 || !expect(inner, TAG.sequence).whole.equals(expect(outer, TAG.sequence).whole)) {
    throw new NotDer('list');
  }
  const list = rest.find(({ tag }) => tag === TAG.sequence);
  const extensions = rest.find(({ tag }) => tag === EXTENSIONS);
  const found = extensionsOf(extensions && readDer(extensions.content));
  refuseOtherKinds(found);
  const number = found.get(NUMBER)?.value;
  const [algorithm] = within(expect(inner, TAG.sequence));
  const { content } = expect(bits, TAG.bitString);
  if (content[0] !== 0) throw new NotDer('signature');
  return {
    issuer: expect(issuer, TAG.sequence).whole,
    thisUpdate: timeOf(thisUpdate),
    nextUpdate: timeOf(nextUpdate),
    number: number && BigInt(`0x0${serialOf(readDer(number, TAG.integer))}`),
    algorithm: oidOf(algorithm),
    signed: expect(tbs, TAG.sequence).whole,
    signature: content.subarray(1),
    entries: () => (list === undefined ? new Map<string, Revoked>() : entriesOf(list)),
  };
}

/** Context tag of a TBSCertList's extensions. */
const EXTENSIONS = 0xa0;

function refuseOtherKinds(extensions: ReadonlyMap<string, Extension>): void {
  if (extensions.has(DELTA)) throw new CrlRefused('crl-delta');
  const point = extensions.get(DISTRIBUTION_POINT);
  if (point !== undefined) {
    const indirect = [...within(readDer(point.value, TAG.sequence))].some(({ tag }) => tag === INDIRECT_CRL);
    throw new CrlRefused(indirect ? 'crl-indirect' : 'crl-partial');
  }
  refuseCritical(extensions);
}

function refuseCritical(extensions: ReadonlyMap<string, Extension>): void {
  for (const [oid, { critical }] of extensions) {
    if (critical && oid !== NUMBER && oid !== REASON) throw new CrlRefused('crl-critical-extension');
  }
}

/** A list may have some hundred thousand entries, of few days and few reasons: each of these is read once. */
function entriesOf(list: DerElement): Map<string, Revoked> {
  const timeAt = readOnce(timeOf);
  const reasonIn = readOnce(reasonOf);
  const found = new Map<string, Revoked>();
  for (const entry of within(list)) {
    const [serial, at, extensions] = within(expect(entry, TAG.sequence));
    const reason = extensions && reasonIn(extensions);
    found.set(serialOf(serial), { at: timeAt(expect(at, TAG.utcTime, TAG.generalizedTime)), reason });
  }
  return found;
}

function reasonOf(extensions: DerElement): number | undefined {
  const found = extensionsOf(extensions);
  if (found.has(CERTIFICATE_ISSUER)) throw new CrlRefused('crl-indirect');
  refuseCritical(found);
  const reason = found.get(REASON)?.value;
  return reason && readDer(reason, TAG.enumerated).content[0];
}

function readOnce<Result>(read: (element: DerElement) => Result): (element: DerElement) => Result {
  const known = new Map<string, Result>();
  return (element) => {
    const key = element.whole.toString('latin1');
    if (!known.has(key)) known.set(key, read(element));
    return known.get(key) as Result;
  };
}
