import { EvidenceError } from '../../errors.ts';
import { verifyingKey } from '../../evidence/keys.ts';
import { readHeader } from '../../evidence/jws.ts';
import { claimedStatement, verifyStatement } from '../../evidence/statement.ts';
import { covers, witnessName } from '../../tlog/origin.ts';
import { formatNote, formatSignatureLine, type Note, type NoteSignature } from '../../tlog/note.ts';
import { SIGNATURE_TYPE, verifierKey, type VerifierKey } from '../../tlog/note-keys.ts';
import type { BrokerMetadata, EntityStatement, PublicJwk } from '../../trust/entity-statement.ts';
import { LONGEST_REFRESH_S } from '../../trust/statement-change.ts';
import { jwkThumbprint } from '../../trust/jwk-thumbprint.ts';

/** A region as a statement shows it that its own federation key signed. */
export interface SelfSigned {
  readonly token: string;
  readonly statement: EntityStatement;
  readonly entity: string;
  readonly broker: BrokerMetadata;
  /** Of the federation key that signed (RFC 7638): to be compared with what the region tells by another way. */
  readonly thumbprint: string;
}

/**
 * Verifies a statement by the key that it holds itself. That proves that it is whole, and not whose it is: for that
 * the key's thumbprint must be known from elsewhere.
 *
 * @throws EvidenceError
 */
export async function readSelfSigned(token: string): Promise<SelfSigned> {
  const { iss, iat, jwks } = claimedStatement(token);
  const statement = await verifyStatement(token, jwks.keys, iss, iat * 1000);
  const { kid } = readHeader(token);
  const key = jwks.keys.find((one) => one.kid === kid);
  if (key === undefined || token !== token.trim()) throw new EvidenceError('malformed', 'entity statement');
  const broker = statement.metadata.wayleave_broker;
  return { token, statement, entity: statement.sub, broker, thumbprint: jwkThumbprint(key) };
}

/** A region as its own statements show it: one or several, since keys change. */
export interface SelfSignedRegion {
  readonly region: string;
  readonly entity: string;
  /** The highest sequence first. */
  readonly statements: readonly SelfSigned[];
  /** Those of them that stand here by the word of another alone: who has the key that signed them may have made them since. */
  readonly leaning: ReadonlySet<SelfSigned>;
}

/** For each statement that a pinned key signed, or that leads to one through newer ones that vouch for it: that one. */
export type LedToPinned = ReadonlyMap<SelfSigned, SelfSigned>;

/**
 * @param statements of which those of one entity name one region
 * @param led undefined where no federation key is pinned: then the one that signed a region's newest statement leads
 */
export function byRegion(statements: readonly SelfSigned[], led?: LedToPinned): SelfSignedRegion[] {
  const groups = Map.groupBy(statements, ({ entity }) => entity);
  return [...groups].map(([entity, all]) => {
    const sorted = all.toSorted((one, other) => other.broker.sequence - one.broker.sequence);
    const region = all[0]?.broker.region ?? '';
    return { entity, region, statements: sorted, leaning: leaningOn(sorted, led) };
  });
}

/** That the newest at hand lists a key is no sign that it was not dropped since: the one that dropped it can be left out. */
function leaningOn(statements: readonly SelfSigned[], led: LedToPinned | undefined): ReadonlySet<SelfSigned> {
  const [newest] = statements;
  if (newest === undefined) return new Set();
  const leads = (one: SelfSigned): boolean =>
    led === undefined ? one.thumbprint === newest.thumbprint : (led.get(one) ?? one) === one;
  return new Set(statements.filter((one) => !leads(one) || !vouchesFor(newest, one)));
}

/** True when some statement of the region says that the log is its own. */
export function listsLog({ statements }: SelfSignedRegion, origin: string): boolean {
  return statements.some(({ broker }) => covers(broker.logs, origin));
}

/** True at a time (seconds since the epoch) that the statement's own dates cover. */
export function coversTime({ statement }: SelfSigned, seconds: number): boolean {
  return statement.iat <= seconds && seconds < statement.exp;
}

/** True at a time (seconds since the epoch) at which a statement of the region may have been in use. */
export function speaksAt(region: SelfSignedRegion, one: SelfSigned, seconds: number): boolean {
  return one.statement.iat <= seconds && seconds < endOf(region, one);
}

/** When a statement spoke no more: at its own end, or a day after the next one at hand was issued. Seconds since the epoch. */
export function endOf({ statements }: SelfSignedRegion, { broker, statement }: SelfSigned): number {
  const next = statements.findLast((other) => other.broker.sequence > broker.sequence);
  return Math.min(statement.exp, (next?.statement.iat ?? Infinity) + LONGEST_REFRESH_S);
}

/** False where of two statements of a region the one with the higher sequence was issued earlier. */
export function areInOrder(one: SelfSigned, other: SelfSigned): boolean {
  const isHigher = one.broker.sequence > other.broker.sequence;
  const [higher, lower] = isHigher ? [one, other] : [other, one];
  return lower.statement.iat <= higher.statement.iat;
}

/** Whether one statement of a region lists the federation key that another was signed with. */
export function vouchesFor(
  { statement }: SelfSigned,
  { thumbprint }: Pick<SelfSigned, 'thumbprint'>,
): boolean {
  return statement.jwks.keys.some((key) => jwkThumbprint(key) === thumbprint);
}

/** A message key that a region's statements list and that may sign at a time (seconds since the epoch). */
export function messageKeyAt(
  region: SelfSignedRegion,
  kid: string,
  seconds: number,
): { readonly key: PublicJwk; readonly listedBy: SelfSigned } | undefined {
  const found = region.statements.flatMap((listedBy) =>
    listedBy.broker.message_keys
      .filter(
        (key) => key.kid === kid && (key.nbf ?? -Infinity) <= seconds && seconds < (key.exp ?? Infinity),
      )
      .map((key) => ({ key, listedBy })),
  );
  // A statement that spoke then says more than one that was signed later.
  return found.find(({ listedBy }) => speaksAt(region, listedBy, seconds)) ?? found[0];
}

/** The keys that may sign a checkpoint of a log, and cosign it, as some statements list them. */
export async function checkpointKeys(
  origin: string,
  owner: SelfSignedRegion | undefined,
  witnesses: readonly SelfSignedRegion[],
): Promise<VerifierKey[]> {
  const own = (owner?.statements ?? []).flatMap(({ broker }) => broker.log_keys);
  const others = await Promise.all(
    witnesses.map(({ entity, statements }) =>
      ed25519(
        statements.flatMap(({ broker }) => broker.witness_keys),
        witnessName(entity),
        SIGNATURE_TYPE.cosignature,
      ),
    ),
  );
  return [...(await ed25519(own, origin, SIGNATURE_TYPE.ed25519)), ...others.flat()];
}

/** A note with those signatures alone that these statements can verify, and the names of the others. */
export async function withKnownSignatures(
  { text, signatures }: Note,
  origin: string,
  own: SelfSignedRegion | undefined,
  others: readonly SelfSignedRegion[],
): Promise<{ note: string; leftOut: string[] }> {
  const keys = await checkpointKeys(origin, own, others);
  const isKnown = ({ name, keyId }: NoteSignature): boolean =>
    // The log's own stays in any case: without it there is no note, and the verifier says what is wrong with it.
    name === origin || keys.some((key) => key.name === name && key.id === keyId);
  return {
    note: formatNote(text, signatures.filter(isKnown).map(formatSignatureLine)),
    leftOut: signatures.filter((signature) => !isKnown(signature)).map(({ name }) => name),
  };
}

async function ed25519(
  jwks: readonly PublicJwk[],
  name: string,
  type: VerifierKey['type'],
): Promise<VerifierKey[]> {
  // Most statements list the same keys again.
  const once = new Map(jwks.filter(({ crv }) => crv === 'Ed25519').map((key) => [key.x, key]));
  const keys = await Promise.all([...once.values()].map(verifyingKey));
  return keys.map((key) => verifierKey(name, type, key));
}
