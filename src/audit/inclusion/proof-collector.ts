import { EvidenceError } from '../../errors.ts';
import { claimedOrigin, openCheckpoint } from '../../tlog/checkpoint.ts';
import { leafHash, verifyInclusion } from '../../tlog/merkle.ts';
import type { Neighbour } from '../../trust/neighbours.ts';
import { readLeaf } from '../entry.ts';
import { MOST_INCLUSIONS, type Inclusion, type Inclusions } from './inclusion-desk.ts';
import type { KnownLogs } from '../witnessing/known-logs.ts';
import type { AuditTrail } from '../trail.ts';
import type { Awaited, Believed } from './unproved.ts';

export interface InclusionLink {
  readonly neighbour: Neighbour;
  /** @throws DeliveryError */
  inclusions(jtis: readonly string[]): Promise<Inclusions>;
}

export interface CollectorSettings {
  readonly logs: KnownLogs;
  readonly trail: AuditTrail;
  /** Whose logs can be asked now. */
  readonly regions: () => readonly string[];
  /** Responses that our log holds without their proof, since a time (ms since the epoch), newest first. */
  readonly unproved: (since: number) => AsyncIterable<Believed>;
  readonly now: () => number;
}

interface Waiting extends Awaited {
  rounds: number;
}

interface Queue {
  waiting: Waiting[];
  /** The `jti`s of those: none waits twice. */
  readonly jtis: Set<string>;
  /** Since when responses were passed over because the queue was full: our log still knows them. */
  passedOver: number | undefined;
}

/** The most that are kept in memory for one neighbour. */
const MOST_AWAITED = 10_000;
/** Rounds in which a neighbour did not prove it, though it answered: then that is said. */
const PATIENCE_ROUNDS = 20;
/** How far back a broker that starts looks for responses whose proof was not fetched. */
const LOOK_BACK_MS = 24 * 3_600_000;

/**
 * We as a requester: fetches, for each response, the proof that the responder's own log holds it, and keeps that.
 * A responder that leaves an exchange out of its log is found out here. Our own log is the queue: what is in memory is
 * filled from it at the start, and again where it overflowed.
 */
export class ProofCollector {
  readonly #settings: CollectorSettings;
  readonly #queues = new Map<string, Queue>();

  constructor(settings: CollectorSettings) {
    this.#settings = settings;
    const passedOver = settings.now() - LOOK_BACK_MS;
    for (const region of settings.regions())
      this.#queues.set(region, { waiting: [], jtis: new Set(), passedOver });
  }

  await(region: string, response: Awaited): void {
    const queue = this.#queues.get(region) ?? this.#newQueue(region);
    if (queue !== undefined && !join(queue, response)) queue.passedOver ??= this.#settings.now();
  }

  /** Of a neighbour that came while the log is written: nothing of it was passed over. */
  #newQueue(region: string): Queue | undefined {
    if (!this.#settings.regions().includes(region)) return undefined;
    const queue: Queue = { waiting: [], jtis: new Set(), passedOver: undefined };
    this.#queues.set(region, queue);
    return queue;
  }

  /** How many responses of each neighbour are not proved yet; `more`: others are in the log alone. */
  waiting(): { region: string; count: number; more: boolean }[] {
    return [...this.#queues].map(([region, { waiting, passedOver }]) => ({
      ...{ region, count: waiting.length, more: passedOver !== undefined },
    }));
  }

  /** Reads what was passed over back from our log, into the queues that have room. @throws HouseError */
  async refill(): Promise<void> {
    const poor = [...this.#queues].filter(
      ([, { waiting, passedOver }]) => passedOver !== undefined && waiting.length < MOST_INCLUSIONS,
    );
    if (poor.length === 0) return;
    const since = Math.min(...poor.map(([, { passedOver = Infinity }]) => passedOver));
    for (const [, queue] of poor) queue.passedOver = undefined;
    try {
      for await (const { region, at, ...awaited } of this.#settings.unproved(since)) {
        const queue = poor.find(([name]) => name === region)?.[1];
        if (queue !== undefined && !join(queue, awaited))
          queue.passedOver = Math.min(queue.passedOver ?? Infinity, at);
      }
    } catch (error) {
      for (const [, queue] of poor) queue.passedOver = since;
      throw error;
    }
  }

  /**
   * Fetches what one neighbour can prove by now, as long as it proves what it is asked about.
   *
   * @throws DeliveryError, HouseError `audit-unavailable`
   */
  async collect(link: InclusionLink): Promise<void> {
    const queue = this.#queues.get(link.neighbour.region);
    if (queue === undefined) return;
    for (let left = queue.waiting.length; left > 0; left -= MOST_INCLUSIONS) {
      const asked = queue.waiting.slice(0, MOST_INCLUSIONS);
      const done = await this.#prove(asked, link);
      const again = asked.filter((one) => !done.has(one));
      for (const { jti } of done) queue.jtis.delete(jti);
      // Those that were asked about go to the end: one that is never proved does not keep the others waiting.
      queue.waiting = [...queue.waiting.slice(asked.length), ...again];
      if (again.length > 0) return;
    }
  }

  /** @returns those that need not be asked about again */
  async #prove(asked: readonly Waiting[], link: InclusionLink): Promise<ReadonlySet<Waiting>> {
    const { trail } = this.#settings;
    const { region } = link.neighbour;
    const { checkpoint, entries } = await link.inclusions(asked.map(({ jti }) => jti));
    const done = await Promise.all(
      asked.map(async (one): Promise<Waiting[]> => {
        const entry = entries.find(({ jti }) => jti === one.jti);
        const note = entry?.checkpoint ?? checkpoint;
        const proved = entry !== undefined && (await this.#holds(one, entry, note, link.neighbour));
        one.rounds += 1;
        if (!proved && one.rounds < PATIENCE_ROUNDS) return [];
        if (proved) await trail.inclusionProved(one, region, { ...entry, checkpoint: note });
        else await trail.inclusionNotProved(one, region);
        return [one];
      }),
    );
    return new Set(done.flat());
  }

  async #holds(
    { jti, responseDigest }: Awaited,
    { leaf, index, proof }: Inclusion,
    note: string | undefined,
    neighbour: Neighbour,
  ): Promise<boolean> {
    if (note === undefined) return false;
    try {
      const log = await this.#settings.logs.logOf(neighbour, claimedOrigin(note));
      if (log === undefined) return false;
      const { size, root } = openCheckpoint(note, log);
      const said = readLeaf(Buffer.from(leaf));
      if (said.jti !== jti || said.response_digest !== responseDigest) return false;
      const hashes = proof.map((hash) => Buffer.from(hash, 'base64'));
      return verifyInclusion(leafHash(Buffer.from(leaf)), index, size, hashes, root);
    } catch (error) {
      if (error instanceof EvidenceError || error instanceof SyntaxError) return false;
      throw error;
    }
  }
}

/** False where the queue is full. */
function join(queue: Queue, { exchange, jti, responseDigest }: Awaited): boolean {
  if (queue.jtis.has(jti)) return true;
  if (queue.waiting.length >= MOST_AWAITED) return false;
  queue.jtis.add(jti);
  queue.waiting.push({ exchange, jti, responseDigest, rounds: 0 });
  return true;
}
