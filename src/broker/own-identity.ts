import { ownFilesStamp, readOwnAnew } from '../config/own-anew.ts';
import type { Config } from '../config/load.ts';
import type { Secrets } from '../config/secrets.ts';
import { EvidenceError, StartError } from '../errors.ts';
import { importSigner, type Signer } from '../evidence/keys.ts';
import { ownStatement, type OwnNames } from '../evidence/pinned-neighbours.ts';
import { claimedStatement } from '../evidence/statement.ts';
import type { Log } from '../log.ts';
import type { StatementStore } from '../store/contracts.ts';
import type { BrokerMetadata } from '../trust/entity-statement.ts';
import { FileWatch } from './file-watch.ts';
import { ownNames } from './own-names.ts';

/** Who we are, at one moment. */
export interface OwnNow {
  /** Our entity statement, as neighbours fetch it. */
  readonly token: string;
  readonly broker: BrokerMetadata;
  /** Milliseconds since the epoch. */
  readonly until: number;
  /** Signs queries and responses; the statement lists it. */
  readonly signer: Signer;
}

/**
 * Our own statement and message key, read again when their files change: a rotation needs no restart. Both change
 * together or not at all: a statement that does not list the key, or is not in force, changes nothing, and is told.
 */
export class OwnIdentity {
  readonly names: OwnNames;
  readonly #config: Config;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #watch: FileWatch;
  #current: OwnNow;
  #onChange: (now: OwnNow, before: OwnNow) => Promise<void> = async () => undefined;

  private constructor(config: Config, names: OwnNames, first: OwnNow, log: Log, now: () => number) {
    this.#config = config;
    this.names = names;
    this.#current = first;
    this.#log = log;
    this.#now = now;
    this.#watch = new FileWatch({
      stamp: () => ownFilesStamp(config),
      take: () => this.#takeFiles(),
      onFault: (what) => log.error({ what }, 'our own statement and key stay as they were'),
    });
  }

  /**
   * Where a crash has cut the statement's file, the last whole one that was used stands in, and that is said.
   *
   * @param kept every statement that this region relied on
   * @throws StartError where the statement is not in force, or does not list what we sign with and write
   */
  static async open(
    config: Config,
    secrets: Secrets,
    kept: Pick<StatementStore, 'of'>,
    log: Log,
    now: () => number,
  ): Promise<OwnIdentity> {
    const names = await ownNames(config, secrets);
    try {
      return new OwnIdentity(config, names, await read(config, names, now()), log, now);
    } catch (error) {
      if (!isCut(error)) throw error;
      const last = await lastWhole(config, names, kept, now());
      if (last === undefined) throw error;
      const identity = new OwnIdentity(config, names, last, log, now);
      identity.#watch.say(error.message);
      return identity;
    }
  }

  get current(): OwnNow {
    return this.#current;
  }

  /** Why the files, as they are now, are not who we are. */
  get fault(): string | undefined {
    return this.#watch.fault;
  }

  /** @param onChange told before the new identity is used: it is not used where that rejects */
  start(onChange: (now: OwnNow, before: OwnNow) => Promise<void>): void {
    this.#onChange = onChange;
    this.#watch.start();
  }

  stop(): Promise<void> {
    return this.#watch.stop();
  }

  async #takeFiles(): Promise<void> {
    const anew = await readOwnAnew(this.#config);
    const names = { ...this.names, messageKey: await importSigner(anew.messageKey) };
    await this.#take(await read({ ...this.#config, ...anew }, names, this.#now()));
  }

  async #take(found: OwnNow): Promise<void> {
    const before = this.#current;
    const isSame = found.token === before.token && found.signer.kid === before.signer.kid;
    if (isSame) return;
    const [now, then] = [found.broker.sequence, before.broker.sequence];
    if (now < then || (now === then && found.token !== before.token)) {
      throw new StartError(
        `statement: sequence ${now} does not follow ${then}, which is in use: neighbours refuse it; sign one that is higher.`,
      );
    }
    if (claimedStatement(found.token).iat < claimedStatement(before.token).iat) {
      throw new StartError(
        `statement: sequence ${now} was issued before ${then}, which is in use: neighbours refuse it; sign it anew where the clock is right.`,
      );
    }
    await this.#onChange(found, before);
    this.#current = found;
    this.#log.info({ sequence: now, kid: found.signer.kid }, 'our own statement and key were read anew');
  }
}

/** Not whole: everything else that is wrong with it is somebody's to mend before we start. */
function isCut(error: unknown): error is StartError {
  if (!(error instanceof StartError) || !(error.cause instanceof EvidenceError)) return false;
  return error.cause.code === 'malformed' || error.cause.code === 'bad-signature';
}

/** The newest statement of ours that was used, and that says who we are now. */
async function lastWhole(
  config: Config,
  names: OwnNames,
  kept: Pick<StatementStore, 'of'>,
  at: number,
): Promise<OwnNow | undefined> {
  for (const { token } of await kept.of(config.entity)) {
    try {
      return await read({ ...config, statementToken: token }, names, at);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
    }
  }
  return undefined;
}

async function read(config: Config, names: OwnNames, at: number): Promise<OwnNow> {
  const statement = await ownStatement(config, names, at);
  return {
    token: config.statementToken.trim(),
    broker: statement.metadata.wayleave_broker,
    until: statement.exp * 1000,
    signer: names.messageKey,
  };
}
