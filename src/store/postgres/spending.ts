import type { ClientBase, Pool } from 'pg';

import type { LogItem } from '../contracts.ts';
import { toText } from './values.ts';

export type Spend = NonNullable<LogItem['spend']>;

/** After so many messages what need not be kept is forgotten, at most twice as many at a time. */
const FORGET_AFTER = 64;

/** Which messages were seen: one table for all replicas. */
export class Spending {
  readonly #now: () => number;
  #spent = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Spends in one statement; of the same message twice the first counts.
   *
   * @returns for each, in order, whether it was spent now; true where there is nothing to spend
   */
  async spend(client: ClientBase | Pool, spends: readonly (Spend | undefined)[]): Promise<boolean[]> {
    const given = spends.map((spend) => (spend === undefined ? undefined : toRow(spend)));
    const firsts = new Map<string, Row>();
    for (const row of given) if (row !== undefined && !firsts.has(row.key)) firsts.set(row.key, row);
    if (firsts.size === 0) return spends.map(() => true);
    const rows = [...firsts.values()];
    this.#spent += rows.length;
    // In one order everywhere: two replicas that spend the same messages wait for, and never on, each other.
    const spent = await client.query<{ issuer: string; jti: string }>({
      name: 'spend',
      text: `INSERT INTO spent (issuer, jti, keep_until)
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]) AS given (issuer, jti, keep_until)
        ORDER BY issuer COLLATE "C", jti COLLATE "C"
        ON CONFLICT (issuer, jti) DO UPDATE SET keep_until = excluded.keep_until WHERE spent.keep_until < $4
        RETURNING issuer, jti`,
      values: [
        rows.map(({ issuer }) => issuer),
        rows.map(({ jti }) => jti),
        rows.map(({ keepUntil }) => keepUntil),
        Math.floor(this.#now()),
      ],
    });
    const fresh = new Set(spent.rows.map(({ issuer, jti }) => keyOf(issuer, jti)));
    return given.map((row) => row === undefined || (firsts.get(row.key) === row && fresh.has(row.key)));
  }

  /** Deletes some of what need not be kept, when it is time; what another replica is deleting is left to it. */
  async forget(client: ClientBase | Pool): Promise<void> {
    if (this.#spent < FORGET_AFTER) return;
    this.#spent = 0;
    await client.query({
      name: 'forget',
      text: `DELETE FROM spent WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM spent WHERE keep_until < $1 ORDER BY keep_until LIMIT ${2 * FORGET_AFTER}
        FOR UPDATE SKIP LOCKED))`,
      values: [Math.floor(this.#now())],
    });
  }
}

interface Row extends Spend {
  readonly key: string;
}

function toRow(spend: Spend): Row {
  const [issuer, jti] = [toText(spend.issuer), toText(spend.jti)];
  return { issuer, jti, keepUntil: Math.ceil(spend.keepUntil), key: keyOf(issuer, jti) };
}

function keyOf(issuer: string, jti: string): string {
  return JSON.stringify([issuer, jti]);
}
