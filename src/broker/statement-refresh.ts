import { readSelfSigned } from '../audit/proof/statements.ts';
import { DeliveryError, EvidenceError, HouseError } from '../errors.ts';
import { verifyStatement } from '../evidence/statement.ts';
import type { Log } from '../log.ts';
import { REFRESH } from '../trust/decisions.ts';
import type { EntityStatement } from '../trust/entity-statement.ts';
import { judgeRefresh, LONGEST_REFRESH_S, type ReadStatement } from '../trust/statement-change.ts';
import { statementDigest, type Standing } from '../trust/standing.ts';
import { decide, type Deciding } from './decide.ts';

export interface RefreshSettings extends Deciding {
  readonly fetch: (base: string) => Promise<string>;
  /** Makes a decision count here at once. */
  readonly changed: () => Promise<void>;
  readonly log: Log;
}

/** What became of the last look at one neighbour's statement. */
export interface RefreshState {
  readonly region: string;
  /** When its statement was fetched last and was in order, milliseconds since the epoch. */
  readonly refreshedAt: number | undefined;
  /** Why the last attempt was not; a code. */
  readonly fault: string | undefined;
  readonly nextAt: number;
}

/** What was found: whether anything changed. */
export type Refreshed = 'same' | 'taken' | 'pending' | 'declined-before';

/** How often it is looked whether one is due. */
const LOOK_MS = 1_000;
const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 15 * 60_000;
/** A neighbour's own hint is kept between this and `LONGEST_REFRESH_S`. */
const SOONEST_S = 30;
/** What a message says of its sender's statement makes us look, but no more often. */
const WAKE_MS = 30_000;
const DAY_MS = 86_400_000;
/** Statements of one neighbour that are taken, or wait, within a day. */
const MOST_A_DAY = 24;

/**
 * Fetches each neighbour's statement when its hint says so, takes by itself what a refresh may change, and leaves the rest
 * for an admin. The one in force stays through an outage of any length, as long as its own dates last; what fails is
 * tried again, and again.
 */
export class StatementRefresh {
  readonly #settings: RefreshSettings;
  readonly #states = new Map<string, RefreshState & { failures: number; woken: number }>();
  readonly #running = new Map<string, Promise<Refreshed>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: RefreshSettings) {
    this.#settings = settings;
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.allSettled(this.#running.values());
  }

  states(): RefreshState[] {
    return [...this.#states.values()].map(({ failures: _, woken: __, ...state }) => state);
  }

  /** A message of this neighbour names a later statement than ours of it, or a key that we do not know. */
  wake(region: string): void {
    const state = this.#states.get(region);
    const now = this.#settings.now();
    if (state === undefined || now - state.woken < WAKE_MS) return;
    this.#states.set(region, { ...state, woken: now, nextAt: Math.min(state.nextAt, now) });
  }

  /**
   * Fetches one neighbour's statement now.
   *
   * @throws DeliveryError; EvidenceError; HouseError; RefreshRefused; nothing is changed then
   */
  refresh(standing: Standing): Promise<Refreshed> {
    const { region } = standing;
    const known = this.#running.get(region);
    if (known !== undefined) return known;
    const running = this.#refresh(standing)
      .then(
        (refreshed) => this.#settle(standing, undefined, refreshed),
        (error: unknown) => this.#settle(standing, error, undefined),
      )
      .finally(() => this.#running.delete(region));
    this.#running.set(region, running);
    return running;
  }

  #look(): void {
    const { register, now } = this.#settings;
    for (const standing of register.standings.neighbours.values()) {
      if (standing.revoked !== undefined) continue;
      const state = this.#states.get(standing.region);
      // At the start none is known to be due: all at once would be a burst, and the file or the store has one in force.
      if (state === undefined) this.#plan(standing, now() + Math.random() * FIRST_RETRY_MS);
      else if (state.nextAt <= now()) void this.refresh(standing).catch(() => undefined);
    }
  }

  async #refresh(standing: Standing): Promise<Refreshed> {
    const { fetch, now } = this.#settings;
    const text = await fetch(addressOf(standing));
    const statement = await verifyStatement(text, standing.federationKeys, standing.entity, now());
    // Whoever reads it later believes it by a key that it lists itself.
    await readSelfSigned(text);
    return await this.#take(standing.region, text, statement);
  }

  async #take(region: string, token: string, statement: EntityStatement): Promise<Refreshed> {
    let found: Refreshed = 'same';
    const decision = await decide(this.#settings, ({ neighbours }) => {
      const standing = neighbours.get(region);
      // Judged against what is held now: another replica may have taken it meanwhile.
      if (standing?.signed === undefined || standing.revoked !== undefined) {
        throw new RefreshRefused('neighbour-revoked');
      }
      const verdict = judgeRefresh(standing.signed, { token, statement }, standing);
      if (verdict.kind === 'refused') throw new RefreshRefused(verdict.code);
      const digest = statementDigest(token);
      const head = { region, by: REFRESH, why: 'fetched from the neighbour' };
      if (verdict.kind === 'take') {
        this.#assertSeldom(region);
        found = 'taken';
        return { ...head, kind: 'statement-taken' as const, detail: { token } };
      }
      if (verdict.kind === 'same') return undefined;
      if (standing.pending !== undefined) assertFollows(standing.pending.signed, { token, statement });
      found = standing.declined.has(digest) ? 'declined-before' : 'pending';
      if (found === 'declined-before' || standing.pending?.digest === digest) return undefined;
      this.#assertSeldom(region);
      const detail = { token, changes: [...verdict.changes] };
      return { ...head, kind: 'statement-pending' as const, detail };
    });
    if (decision !== undefined) await this.#settings.changed();
    return found;
  }

  /** Each is kept for ever: a neighbour that signs a new one every minute does not fill the register. */
  #assertSeldom(region: string): void {
    const { register, now } = this.#settings;
    const since = now() - DAY_MS;
    const lately = register.history(region).filter(({ by, at }) => by === REFRESH && at > since);
    if (lately.length >= MOST_A_DAY) throw new RefreshRefused('too-many-changes');
  }

  #settle(standing: Standing, error: unknown, refreshed: Refreshed | undefined): Refreshed {
    const { now, log } = this.#settings;
    const { region } = standing;
    const before = this.#states.get(region);
    if (refreshed !== undefined) {
      const hint = standing.signed?.statement.metadata.wayleave_broker.refresh_hint ?? SOONEST_S;
      const dueMs = Math.min(Math.max(hint, SOONEST_S), LONGEST_REFRESH_S) * 1000;
      this.#plan(standing, now() + dueMs, { refreshedAt: now(), fault: undefined, failures: 0 });
      if (refreshed !== 'same') log.info({ neighbour: region, refreshed }, 'statement fetched');
      return refreshed;
    }
    const failures = (before?.failures ?? 0) + 1;
    const fault = faultOf(error);
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 16), LONGEST_RETRY_MS);
    this.#plan(standing, now() + waitMs * (0.75 + Math.random() / 2), { fault, failures });
    if (before?.fault !== fault) log.warn({ neighbour: region, code: fault }, 'statement not refreshed');
    throw error;
  }

  #plan({ region }: Standing, nextAt: number, more: Partial<RefreshState & { failures: number }> = {}): void {
    const before = this.#states.get(region);
    const fresh = { region, refreshedAt: undefined, fault: undefined, failures: 0, woken: -Infinity };
    this.#states.set(region, { ...fresh, ...before, ...more, nextAt });
  }
}

/** A statement that is the neighbour's own, and that does not follow the one in force. */
export class RefreshRefused extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** @throws RefreshRefused where it is older than the one that waits, or another of the same number */
function assertFollows(waits: ReadStatement, fresh: ReadStatement): void {
  const verdict = judgeRefresh(waits, fresh);
  if (verdict.kind === 'refused') throw new RefreshRefused(verdict.code);
}

/** Its own address for statements, or else its name, which is an address as well (OpenID Federation 1.0). */
function addressOf({ entity, signed }: Standing): string {
  return signed?.statement.metadata.wayleave_broker.endpoints.statement ?? entity;
}

function faultOf(error: unknown): string {
  const isKnown =
    error instanceof DeliveryError ||
    error instanceof EvidenceError ||
    error instanceof HouseError ||
    error instanceof RefreshRefused;
  return isKnown ? error.code : 'fault';
}
