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
  { kid, x }: PublicJwk,
  at: number,
): RetiredKey | undefined {
  const lists = ({ broker }: SelfSigned): boolean =>
    broker.message_keys.some((key) => key.kid === kid && key.x === x);
  const byThen = statements.findIndex((one) => one.statement.iat <= at && lists(one));
  const start = byThen === -1 ? statements.findLastIndex(lists) : byThen;
  const above = statements.slice(0, Math.max(start, 0)).toReversed();
  const dropped = above.find((one) => !lists(one));
  const lastListed = dropped && statements[statements.indexOf(dropped) + 1];
  const listed = statements.findLast(lists);
  if (dropped === undefined || lastListed === undefined || listed === undefined) return undefined;
  const signed = besides(at, dropped);
  const isListedNow = statements.slice(0, 1).some(lists);
  if (isListedNow && signed === 'before-retirement') return undefined;
  // One that is made up is no way out of a warning that the others give without it.
  const sure = above.find((one) => !lists(one) && !leaning.has(one));
  const byFormerKey = sure === undefined || besides(at, sure) !== signed;
  return {
    ...{ region, kid },
    ...{ listed: named(listed), lastListed: named(lastListed), dropped: named(dropped) },
    ...{ signedAt: new Date(at * 1000).toISOString(), signed, byFormerKey },
  };
}

function besides(at: number, { statement }: SelfSigned): SignedBeside {
  if (at < statement.iat) return 'before-retirement';
  return at < statement.iat + LONGEST_REFRESH_S ? 'within-refresh' : 'after-retirement';
}

function named({ broker, statement }: SelfSigned): ListedBy {
  return { statement: broker.sequence, issued: new Date(statement.iat * 1000).toISOString() };
}
