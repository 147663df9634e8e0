import type { PublicJwk } from '../../trust/entity-statement.ts';
import { LONGEST_REFRESH_S } from '../../trust/statement-change.ts';
import type { SelfSigned, SelfSignedRegion } from './statements.ts';

/** When something was signed, by its own word, beside the statement that lists its key no more. */
export type SignedBeside =
  | 'before-retirement'
  /** Within a day after it: a neighbour may not have fetched it yet. */
  | 'within-refresh'
  | 'after-retirement';

/** A message key that a region listed once and then no more, as the statements at hand tell it. Instants in ISO 8601. */
export interface RetiredKey {
  readonly region: string;
  readonly kid: string;
  /** The oldest statement at hand that lists it, the newest that did when it signed, and the first after these, which does not. */
  readonly listed: ListedBy;
  readonly lastListed: ListedBy;
  readonly dropped: ListedBy;
  readonly signedAt: string;
  readonly signed: SignedBeside;
  /** True where only statements that lean on a former federation key make it so: who has that key may have made them since. */
  readonly byFormerKey: boolean;
}

/** A statement by its sequence, and when it was signed. */
interface ListedBy {
  readonly statement: number;
  readonly issued: string;
}

/**
 * @param at seconds since the epoch: when the key signed, by the message's own word
 * @returns undefined for a key that was not dropped by then, and that the newest statement at hand lists
 */
export function retiredKey(
  { region, statements, leaning }: SelfSignedRegion,
  key: PublicJwk,
  at: number,
): RetiredKey | undefined {
  const sure = statements.filter((one) => !leaning.has(one));
  const [byAll, bySure] = [statements, sure].map((some) => retirement(some, key, at));
  // One that is made up is no way out of a warning that the others give without it.
  if (bySure?.signed === 'after-retirement' && byAll?.signed !== 'after-retirement') {
    return { region, ...bySure.told, byFormerKey: false };
  }
  if (byAll === undefined) return undefined;
  const drop = byAll.above.find((one) => !leaning.has(one) && !lists(one, key));
  const byFormerKey = drop === undefined || besides(at, drop) !== byAll.signed;
  return { region, ...byAll.told, byFormerKey };
}

/** @param statements the newest first */
function retirement(statements: readonly SelfSigned[], key: PublicJwk, at: number) {
  const isIn = (one: SelfSigned): boolean => lists(one, key);
  const byThen = statements.findIndex((one) => one.statement.iat <= at && isIn(one));
  const start = byThen === -1 ? statements.findLastIndex(isIn) : byThen;
  const above = statements.slice(0, Math.max(start, 0)).toReversed();
  const dropped = above.find((one) => !isIn(one));
  const lastListed = dropped && statements[statements.indexOf(dropped) + 1];
  const listed = statements.findLast(isIn);
  if (dropped === undefined || lastListed === undefined || listed === undefined) return undefined;
  const signed = besides(at, dropped);
  const isListedNow = statements.slice(0, 1).some(isIn);
  if (isListedNow && signed === 'before-retirement') return undefined;
  const told = {
    ...{ kid: key.kid, signed, signedAt: new Date(at * 1000).toISOString() },
    ...{ listed: named(listed), lastListed: named(lastListed), dropped: named(dropped) },
  };
  return { above, signed, told };
}

function lists({ broker }: SelfSigned, { kid, x }: PublicJwk): boolean {
  return broker.message_keys.some((key) => key.kid === kid && key.x === x);
}

function besides(at: number, { statement }: SelfSigned): SignedBeside {
  if (at < statement.iat) return 'before-retirement';
  return at < statement.iat + LONGEST_REFRESH_S ? 'within-refresh' : 'after-retirement';
}

function named({ broker, statement }: SelfSigned): ListedBy {
  return { statement: broker.sequence, issued: new Date(statement.iat * 1000).toISOString() };
}
