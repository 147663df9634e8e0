import { readSelfSigned } from '../audit/proof/statements.ts';
import { EvidenceError, StartError } from '../errors.ts';
import { areSealed, firstSeal } from '../evidence/decision-seal.ts';
import type { Decision, DecisionStore } from '../store/contracts.ts';
import { readDecision, type Revocation, type TrustDecision } from '../trust/decisions.ts';
import {
  standingsAfter,
  standingsOf,
  statementDigest,
  type PinnedByFile,
  type SignedStatement,
  type Standings,
} from '../trust/standing.ts';

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

/** A decision as it is remembered: of a statement its digest (`statement`) alone. */
export interface PastDecision extends Omit<TrustDecision, 'detail'> {
  readonly detail: Readonly<Record<string, unknown>>;
}

const PAGE = 500;

/**
 * Every decision on whom we trust, read from the store and verified, and what they come to. Reading goes on from where it
 * was: nothing that was read once is taken back by a store that has less. Statements are long, and are remembered for as
 * long as a neighbour stands by them, waits with them, or is proposed with them.
 */
export class TrustRegister {
  readonly #settings: RegisterSettings;
  readonly #decisions: PastDecision[] = [];
  readonly #revocations: Revocation[] = [];
  readonly #signed = new Map<string, SignedStatement>();
  #last: { readonly sequence: number; readonly seal: string };
  #syncing: Promise<void> = Promise.resolve();
  #standings: Standings;

  private constructor(settings: RegisterSettings) {
    this.#settings = settings;
    this.#last = { sequence: -1, seal: firstSeal(settings.entity) };
    this.#standings = standingsOf([], () => undefined);
  }

  /** @throws RegisterBroken; HouseError `store-unavailable` */
  static async open(settings: RegisterSettings): Promise<TrustRegister> {
    const register = new TrustRegister(settings);
    for (const { statementToken } of settings.files) await register.#read(statementToken.trim());
    register.#standings = standingsOf(settings.files, (token) => register.#signed.get(token));
    await register.sync();
    register.#forget();
    return register;
  }

  get standings(): Standings {
    return this.#standings;
  }

  /** The last that was read: a new one is numbered and sealed after it. */
  get last(): { readonly sequence: number; readonly seal: string } {
    return this.#last;
  }

  /** How many verified statements are remembered. */
  get statements(): number {
    return this.#signed.size;
  }

  /** Newest first. @param region all regions', where it is left out */
  history(region?: string): PastDecision[] {
    return this.#decisions.filter((one) => region === undefined || one.region === region).toReversed();
  }

  /** Oldest first. */
  get revocations(): readonly Revocation[] {
    return this.#revocations;
  }

  /** What it would come to with one decision more, which is not kept. */
  async preview(decision: TrustDecision): Promise<Standings> {
    return standingsAfter(this.#standings, decision, await this.#statementOf(decision));
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
    for (;;) {
      const page = await this.#settings.store.from(this.#last.sequence + 1, PAGE);
      for (const kept of page) await this.#take(kept);
      if (page.length < PAGE) return;
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
    const signed = await this.#statementOf(decision);
    // Together: whoever looks sees what the last decision that was read came to.
    this.#standings = standingsAfter(this.#standings, decision, signed);
    this.#decisions.push(withoutToken(decision));
    if (decision.kind === 'revoked' || decision.kind === 'reinstated') this.#revocations.push(decision);
    this.#last = { sequence: kept.sequence, seal: kept.seal };
    this.#forget();
  }

  async #statementOf({ detail }: TrustDecision): Promise<SignedStatement | undefined> {
    return 'token' in detail ? this.#read(detail.token) : undefined;
  }

  /** One that does not verify is as if it were not there: whoever it is about has no newer statement. */
  async #read(token: string): Promise<SignedStatement | undefined> {
    const known = this.#signed.get(token);
    if (known !== undefined) return known;
    try {
      const { statement, thumbprint } = await readSelfSigned(token);
      const signed = { token, statement, thumbprint };
      this.#signed.set(token, signed);
      return signed;
    } catch (error) {
      if (!(error instanceof EvidenceError)) throw error;
      return undefined;
    }
  }

  /** What nobody stands by any more. */
  #forget(): void {
    const { neighbours, proposals } = this.#standings;
    const needed = new Set<string | undefined>(
      [...neighbours.values()].flatMap(({ signed, pending }) => [signed?.token, pending?.signed.token]),
    );
    for (const { signed } of proposals.values()) needed.add(signed.token);
    for (const token of this.#signed.keys()) if (!needed.has(token)) this.#signed.delete(token);
  }
}

function withoutToken({ detail, ...decision }: TrustDecision): PastDecision {
  const { token, ...said } = detail as { readonly token?: string } & Readonly<Record<string, unknown>>;
  const statement = token === undefined ? {} : { statement: statementDigest(token) };
  return { ...decision, detail: { ...said, ...statement } };
}
