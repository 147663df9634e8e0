import { X509Certificate } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';

import type { BrokerMetadata, EntityStatement, PublicJwk } from '../trust/entity-statement.ts';
import { includesKey } from '../trust/jwk-thumbprint.ts';
import { isJump, TAKEN_BY_ITSELF } from '../trust/statement-change.ts';
import { readHeader } from './jws.ts';

/** One thing in which a statement differs from the one before it. */
export interface StatementChange {
  /** Its name in the statement, as `coverage.sub_icbs`. */
  readonly what: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Whether neighbours hold it back until an admin of theirs approves it (`docs/protocol.md`). */
  readonly needsApproval: boolean;
}

const UNTIL = 'valid until';

/** In what a statement differs from the one before it, or all that it says where there is none. */
export function statementChanges(
  former: EntityStatement | undefined,
  next: EntityStatement,
): StatementChange[] {
  const [before, after] = [former === undefined ? new Map<string, string[]>() : said(former), said(next)];
  return [...new Set([...after.keys(), ...before.keys()])].flatMap((what) => {
    const [old, fresh] = [before.get(what) ?? [], after.get(what) ?? []];
    const added = fresh.filter((text) => !old.includes(text));
    const removed = old.filter((text) => !fresh.includes(text));
    if (isDeepStrictEqual(added, removed)) return [];
    const waits = what === 'sequence' ? former !== undefined && isJump(former, next) : !isTaken(what);
    return [{ what, added, removed, needsApproval: waits }];
  });
}

/**
 * The federation key that signed the former statement, where the next one lists it no more: what it signed can be led to no
 * key of now then, and evidence of before does not verify.
 *
 * @param token the former statement's text, verified
 * @returns its `kid`
 */
export function lostFederationKey(
  token: string,
  former: EntityStatement,
  next: EntityStatement,
): string | undefined {
  const { kid } = readHeader(token);
  const signer = former.jwks.keys.find((key) => key.kid === kid);
  return signer === undefined || includesKey(next.jwks.keys, signer) ? undefined : signer.kid;
}

/** Its dates are no member of what it says of the broker, and every statement has others. */
function isTaken(what: string): boolean {
  return what === UNTIL || TAKEN_BY_ITSELF.has(what);
}

/** Everything that a statement says, by name, in words that can be held against another's. */
function said(statement: EntityStatement): Map<string, string[]> {
  const { sequence, tls, coverage, endpoints, records, ...rest } = statement.metadata.wayleave_broker;
  const { anchors, ...names } = tls;
  return new Map([
    ['sequence', [String(sequence)]],
    [UNTIL, [new Date(statement.exp * 1000).toISOString()]],
    ['federation keys', statement.jwks.keys.map(keyWords)],
    ['tls.anchors', anchors.map(anchorWords)],
    ...below('tls', names),
    ...below('coverage', coverage),
    ...below('endpoints', endpoints),
    ...records.map((record) => [`record ${record.id}`, below('', record).flatMap(labelled)] as const),
    ...below('', rest),
  ] as [string, string[]][]);
}

function labelled([name, values]: [string, string[]]): string[] {
  return values.map((value) => `${name} ${value}`);
}

function below(prefix: string, values: Readonly<Record<string, unknown>>): [string, string[]][] {
  return Object.entries(values).map(([name, value]) => [
    prefix === '' ? name : `${prefix}.${name}`,
    [value].flat().map(words),
  ]);
}

function words(value: unknown): string {
  if (typeof value === 'string') return value;
  if (isKey(value)) return keyWords(value);
  return JSON.stringify(value);
}

function isKey(value: unknown): value is PublicJwk {
  return typeof value === 'object' && value !== null && 'kid' in value && 'kty' in value;
}

function keyWords({ kid, alg, x, nbf, exp }: PublicJwk): string {
  const date = (seconds: number): string => new Date(seconds * 1000).toISOString();
  const dates = `${nbf === undefined ? '' : ` from ${date(nbf)}`}${exp === undefined ? '' : ` until ${date(exp)}`}`;
  // By the key itself as well: a name that is kept over another key must not look like no change.
  return `${kid} (${alg}, ${x.slice(0, 8)})${dates}`;
}

/** A pinned authority as people compare it. */
export function anchorWords(pem: BrokerMetadata['tls']['anchors'][number]): string {
  try {
    const { subject, fingerprint256, validToDate } = new X509Certificate(pem);
    return `${subject.replaceAll('\n', ', ')} until ${validToDate.toISOString().slice(0, 10)}, SHA-256 ${fingerprint256}`;
  } catch {
    return 'what is no certificate';
  }
}
