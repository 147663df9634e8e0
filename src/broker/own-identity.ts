import { filesReadAnew, ownFilesStamp, readOwnAnew } from '../config/own-anew.ts';
import type { Config } from '../config/load.ts';
import type { Secrets } from '../config/secrets.ts';
import type { WholeFile } from '../config/trust-files.ts';
import { StartError } from '../errors.ts';
import { importSigner, type Signer } from '../evidence/keys.ts';
import { ownStatement, type OwnNames } from '../evidence/pinned-neighbours.ts';
import { claimedStatement } from '../evidence/statement.ts';
import type { Log } from '../log.ts';
import type { BrokerMetadata } from '../trust/entity-statement.ts';
import { FileWatch } from './file-watch.ts';
import { standInAmong } from './last-whole.ts';
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
  #onChange: (now: OwnNow, whole: readonly WholeFile[]) => Promise<void> = async () => undefined;

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
    const standsIn = standInAmong(filesReadAnew(config).identity, config);
    if (standsIn !== undefined) this.#watch.say(standsIn);
  }

  /** @throws StartError where the statement is not in force, or does not list what we sign with and write */
  static async open(config: Config, secrets: Secrets, log: Log, now: () => number): Promise<OwnIdentity> {
    const names = await ownNames(config, secrets);
    return new OwnIdentity(config, names, await read(config, names, now()), log, now);
  }

  get current(): OwnNow {
    return this.#current;
  }

  /** Why the files, as they are now, are not who we are. */
  get fault(): string | undefined {
    return this.#watch.fault;
  }

  /** @param onChange told before the new identity is used, with the public files of it: it is not used where that rejects */
  start(onChange: (now: OwnNow, whole: readonly WholeFile[]) => Promise<void>): void {
    this.#onChange = onChange;
    this.#watch.start();
  }

  stop(): Promise<void> {
    return this.#watch.stop();
  }

  async #takeFiles(): Promise<void> {
    const anew = await readOwnAnew(this.#config);
    const names = { ...this.names, messageKey: await importSigner(anew.messageKey) };
    const { messageKey: _, whole, ...files } = anew;
    await this.#take(await read({ ...this.#config, ...files }, names, this.#now()), whole);
  }

  async #take(found: OwnNow, whole: readonly WholeFile[]): Promise<void> {
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
    await this.#onChange(found, whole);
    this.#current = found;
    this.#log.info({ sequence: now, kid: found.signer.kid }, 'our own statement and key were read anew');
  }
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
