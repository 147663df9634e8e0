import type { CompiledQuery } from 'kysely';
import type { Pool } from 'pg';

import type { StatementLane } from '../statement-lane.ts';
import { withClient } from './connection.ts';

type Row = Readonly<Record<string, unknown>>;

/** Runs statements in one transaction; one alone is one by itself. */
export function statementLane(pool: Pool): StatementLane {
  const asQuery = ({ sql: text, parameters }: CompiledQuery) => ({ text, values: [...parameters] });
  return {
    write: async (statements) => {
      const [only, ...more] = statements;
      if (only === undefined) return [];
      if (more.length === 0) return [(await pool.query<Row>(asQuery(only))).rows];
      return await withClient(pool, async (client) => {
        await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
        const results: Row[][] = [];
        for (const one of statements) results.push((await client.query<Row>(asQuery(one))).rows);
        await client.query('COMMIT');
        return results;
      });
    },
  };
}
