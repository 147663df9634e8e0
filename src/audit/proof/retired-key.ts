import type { PublicJwk } from '../../trust/entity-statement.ts';
import type { SelfSigned, SelfSignedRegion } from './statements.ts';

/** A message key that a region listed once and lists no more, as the statements at hand tell it. Instants in ISO 8601. */
export interface RetiredKey {
  readonly region: string;
  readonly kid: string;
  /** The oldest and the newest statement at hand that list it, and the first after these, which does not. */
  readonly listed: ListedBy;
  readonly lastListed: ListedBy;
  readonly dropped: ListedBy;
}

/** A statement by its sequence, and when it was signed. */
interface ListedBy {
  readonly statement: number;
  readonly issued: string;
}

/** @returns undefined for a key that the newest statement at hand lists */
export function retiredKey(
  { region, statements }: SelfSignedRegion,
  { kid, x }: PublicJwk,
): RetiredKey | undefined {
  const lists = ({ broker }: SelfSigned): boolean =>
    broker.message_keys.some((key) => key.kid === kid && key.x === x);
  const last = statements.findIndex(lists);
  const [dropped, lastListed] = [statements[last - 1], statements[last]];
  const listed = statements.findLast(lists);
  if (dropped === undefined || lastListed === undefined || listed === undefined) return undefined;
  return {
    ...{ region, kid },
    ...{ listed: named(listed), lastListed: named(lastListed), dropped: named(dropped) },
  };
}

function named({ broker, statement }: SelfSigned): ListedBy {
  return { statement: broker.sequence, issued: new Date(statement.iat * 1000).toISOString() };
}
