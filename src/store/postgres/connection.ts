import { Kysely, PostgresDialect } from 'kysely';
import { Pool, TypeOverrides, type PoolClient, type PoolConfig } from 'pg';

import { StartError } from '../../errors.ts';
import type { Tables } from '../schema.ts';

const INT8 = 20;

/** Connections of one broker: appends take one, reads and single writes the others. */
const MOST_CONNECTIONS = 10;
const CONNECT_MS = 5_000;
const KEEP_ALIVE_MS = 10_000;
/** The server gives up first; where it is not heard of any more the connection is given up soon after. */
const STATEMENT_MS = 10_000;
const SILENCE_MS = 12_000;
const LOCK_MS = 4_000;
/** A broker that died in mid-transaction must not hold its log's row against its successor. */
const IDLE_IN_TRANSACTION_MS = 10_000;

const OLDEST_VERSION = 15;

/**
 * The connections of a broker. One that fails is dropped and the next that is asked for is a new one, so that the
 * store works again by itself when the server is back.
 *
 * @param limits `none` for migrations, which take as long as they take
 */
export function openPool(url: string, limits: 'usual' | 'none' = 'usual'): Pool {
  const types = new TypeOverrides();
  types.setTypeParser(INT8, Number);
  const usual: PoolConfig = {
    max: MOST_CONNECTIONS,
    statement_timeout: STATEMENT_MS,
    query_timeout: SILENCE_MS,
    lock_timeout: LOCK_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
  };
  const pool = new Pool({
    connectionString: url,
    application_name: 'wayleave',
    types,
    // Statements that do not wait for one another's results go in one round trip.
    pipeline: true,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    connectionTimeoutMillis: CONNECT_MS,
    verify: (client, done) => void judgeServer(client).then(() => done(), done),
    ...(limits === 'usual' ? usual : { max: 1 }),
  });
  // An idle connection that breaks tells nobody anything new: whoever uses one next is told.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

export function kyselyOver(pool: Pool): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}

/** Work that must be on one connection. Where it fails the connection goes too, and with it all that it held. */
export async function withClient<Result>(
  pool: Pool,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  try {
    const result = await work(client);
    client.release();
    return result;
  } catch (error) {
    client.release(true);
    throw error;
  }
}

interface Settings {
  readonly version: number;
  readonly fsync: string;
  readonly commit: string;
  readonly encoding: string;
}

/** Asked of each new connection: a setting may change while the broker runs. */
async function judgeServer(client: PoolClient): Promise<void> {
  const { rows } = await client.query<Settings>(
    `SELECT current_setting('server_version_num')::int / 10000 AS version, current_setting('fsync') AS fsync,
       current_setting('synchronous_commit') AS commit, current_setting('server_encoding') AS encoding`,
  );
  const wrong = rows[0] === undefined ? 'gives no settings' : wrongWith(rows[0]);
  if (wrong !== undefined) throw new StartError(`store: the PostgreSQL server ${wrong}.`);
}

function wrongWith({ version, fsync, commit, encoding }: Settings): string | undefined {
  if (version < OLDEST_VERSION) return `is of version ${version}: use ${OLDEST_VERSION} or newer`;
  if (fsync !== 'on') return 'runs with fsync off and loses what it confirmed: set fsync = on';
  if (commit === 'off') {
    return 'runs with synchronous_commit off and loses what it confirmed: set it to on for this database and user';
  }
  if (encoding !== 'UTF8') return `has a database in ${encoding}: make one with the encoding UTF8`;
  return undefined;
}
