import { keepStatements } from '../audit/proof/statement-history.ts';
import type { PinnedNeighbour } from '../config/load.ts';
import { StartError } from '../errors.ts';
import { errorFields, type Log } from '../log.ts';
import type { Store } from '../store/contracts.ts';
import { Neighbours } from '../trust/neighbours.ts';
import type { RevocationLists } from '../trust/revocation.ts';
import { Lookout } from './lookout.ts';
import { TrustRegister } from './trust-register.ts';
import { identities, trustedNeighbours, type TrustedNeighbour } from './trusted-neighbours.ts';

export interface KeeperSettings {
  /** Our own entity identifier. */
  readonly entity: string;
  /** As the configuration file pins them. */
  readonly files: readonly PinnedNeighbour[];
  readonly store: Pick<Store, 'decisions' | 'statements'>;
  /** 32 bytes of the secrets: seals decisions. */
  readonly key: Buffer;
  /** The revocation lists that are held for a region; undefined where none are configured. */
  readonly listsOf?: (region: string) => RevocationLists | undefined;
  readonly log: Log;
  readonly now: () => number;
}

/** How soon what another replica decided counts here. */
const LOOK_MS = 1_000;

/**
 * Whom we trust, kept up to date while the broker runs: what admins decide at any replica counts at each within a second.
 * While the store cannot be read, or what it says cannot be believed, everything stays as it was.
 */
export class TrustKeeper {
  readonly register: TrustRegister;
  readonly neighbours: Neighbours;
  readonly #settings: KeeperSettings;
  #trusted: readonly TrustedNeighbour[] = [];
  /** The last decision that counts here. */
  #applied = -1;
  readonly #lookout = new Lookout(LOOK_MS, () => this.#look());
  #onChange: () => void = () => undefined;
  #fault: string | undefined;

  private constructor(settings: KeeperSettings, register: TrustRegister) {
    this.#settings = settings;
    this.register = register;
    this.neighbours = new Neighbours([], settings.listsOf);
  }

  /** @throws StartError for a pin without its statement; RegisterBroken; HouseError `store-unavailable` */
  static async open(settings: KeeperSettings): Promise<TrustKeeper> {
    const { entity, files, store, key } = settings;
    const register = await TrustRegister.open({ entity, files, store: store.decisions, key });
    const unknown = files.filter(
      ({ region }) => register.standings.neighbours.get(region)?.signed === undefined,
    );
    if (unknown.length > 0) {
      throw new StartError(
        `neighbours: the statement of ${unknown.map(({ region }) => region).join(', ')} is not its own, or not signed by ` +
          'its pinned federation key: get the one that is, from the region itself.',
      );
    }
    const keeper = new TrustKeeper(settings, register);
    keeper.#apply();
    keeper.#applied = register.last.sequence;
    return keeper;
  }

  /** The neighbours as they stand. */
  get trusted(): readonly TrustedNeighbour[] {
    return this.#trusted;
  }

  /** Why decisions cannot be read at the moment. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** @param onChange called, at once and synchronously, whenever the neighbours stand otherwise than before */
  start(onChange: () => void): void {
    this.#onChange = onChange;
    this.#lookout.start();
  }

  stop(): Promise<void> {
    return this.#lookout.stop();
  }

  /** Reads what was decided since, and makes it count. Never rejects. */
  look(): Promise<void> {
    return this.#lookout.look();
  }

  /** Makes what was read count; for whoever decides here, without waiting for the next look. */
  async changed(): Promise<void> {
    const { sequence } = this.register.last;
    if (this.#applied === sequence) return;
    this.#apply();
    this.#onChange();
    const tokens = this.#trusted.map(({ statementToken }) => statementToken);
    await keepStatements(this.#settings.store.statements, tokens, this.#settings.now());
    // Last: what failed on the way is done again at the next look.
    this.#applied = sequence;
  }

  async #look(): Promise<void> {
    const { log } = this.#settings;
    try {
      await this.register.sync();
      await this.changed();
      this.#fault = undefined;
    } catch (error) {
      const { code = 'register-broken' } = errorFields(error);
      if (this.#fault !== code) log.error({ code }, 'decisions on trust cannot be read: all stays as it was');
      this.#fault = code;
    }
  }

  #apply(): void {
    const { standings } = this.register;
    this.#trusted = trustedNeighbours(this.#settings.files, standings);
    this.neighbours.replace(identities(standings));
  }
}
