import { readSelfSigned } from '../audit/proof/statements.ts';
import { EvidenceError, StartError } from '../errors.ts';
import { areSealed, firstSeal } from '../evidence/decision-seal.ts';
import type { Decision, DecisionStore } from '../store/contracts.ts';
import { readDecision, type TrustDecision } from '../trust/decisions.ts';
import { standingsFrom, type PinnedByFile, type SignedStatement, type Standings } from '../trust/standing.ts';

export interface RegisterSettings {
  /** Our own entity identifier. */
  readonly entity: string;
  /** The neighbours that the configuration file pins. */
  readonly files: readonly PinnedByFile[];
  readonly store: DecisionStore;
  /** 32 bytes of the secrets: seals decisions. */
  readonly key: Buffer;
}

/** Decisions in the store are not what this region wrote, or a later version wrote them. */
export class RegisterBroken extends StartError {}

const PAGE = 500;

/**
 * Every decision on whom we trust, read from the store and verified, and what they come to. Reading goes on from where it
 * was: nothing that was read once is taken back by a store that has less.
 */
export class TrustRegister {
  readonly #settings: RegisterSettings;
  readonly #decisions: TrustDecision[] = [];
  readonly #signed = new Map<string, SignedStatement>();
  #last: { readonly sequence: number; readonly seal: string };
  #syncing: Promise<void> = Promise.resolve();
  #standings: Standings = { neighbours: new Map(), proposals: new Map() };

  private constructor(settings: RegisterSettings) {
    this.#settings = settings;
    this.#last = { sequence: -1, seal: firstSeal(settings.entity) };
  }

  /** @throws RegisterBroken; HouseError `store-unavailable` */
  static async open(settings: RegisterSettings): Promise<TrustRegister> {
    const register = new TrustRegister(settings);
    for (const { statementToken } of settings.files) await register.#read(statementToken.trim());
    register.#standings = register.#with([]);
    await register.sync();
    return register;
  }

  get standings(): Standings {
    return this.#standings;
  }

  /** The last that was read: a new one is numbered and sealed after it. */
  get last(): { readonly sequence: number; readonly seal: string } {
    return this.#last;
  }

  /** Newest first. @param region all regions', where it is left out */
  history(region?: string): TrustDecision[] {
    return this.#decisions.filter((one) => region === undefined || one.region === region).toReversed();
  }

  /** What it would come to with one decision more, which is not kept. */
  async preview(decision: TrustDecision): Promise<Standings> {
    await this.#readTokenOf(decision);
    return this.#with([decision]);
  }

  /**
   * Reads what was decided since, by whatever replica.
   *
   * @throws RegisterBroken; HouseError `store-unavailable`; all before the fault stays read
   */
  sync(): Promise<void> {
    // One after another: two at once would take the same decision twice.
    this.#syncing = this.#syncing.then(
      () => this.#sync(),
      () => this.#sync(),
    );
    return this.#syncing;
  }

  async #sync(): Promise<void> {
    const before = this.#last.sequence;
    try {
      for (;;) {
        const page = await this.#settings.store.from(this.#last.sequence + 1, PAGE);
        for (const kept of page) await this.#take(kept);
        if (page.length < PAGE) return;
      }
    } finally {
      if (this.#last.sequence !== before) this.#standings = this.#with([]);
    }
  }

  async #take(kept: Decision): Promise<void> {
    const decision = readDecision(kept);
    if (!areSealed(this.#settings.key, this.#last, [kept])) {
      throw new RegisterBroken(
        `trust: decision ${kept.sequence} in the store was not written with this region's secrets, or one before it is ` +
          'missing: find out who wrote to the store, and restore a backup of it.',
      );
    }
    // What is not understood may be a revocation: it is not passed over.
    if (decision === undefined) {
      throw new RegisterBroken(
        `trust: decision ${kept.sequence} in the store is of a later version: run that version.`,
      );
    }
    await this.#readTokenOf(decision);
    this.#decisions.push(decision);
    this.#last = { sequence: kept.sequence, seal: kept.seal };
  }

  #with(more: readonly TrustDecision[]): Standings {
    return standingsFrom(this.#settings.files, [...this.#decisions, ...more], (token) =>
      this.#signed.get(token),
    );
  }

  async #readTokenOf({ detail }: TrustDecision): Promise<void> {
    if ('token' in detail) await this.#read(detail.token);
  }

  /** One that does not verify is as if it were not there: whoever it is about has no newer statement. */
  async #read(token: string): Promise<void> {
    if (this.#signed.has(token)) return;
    try {
      const { statement, thumbprint } = await readSelfSigned(token);
      this.#signed.set(token, { token, statement, thumbprint });
    } catch (error) {
      if (!(error instanceof EvidenceError)) throw error;
    }
  }
}
