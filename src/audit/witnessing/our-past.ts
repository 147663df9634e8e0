import { EvidenceError } from '../../errors.ts';
import { verifyingKey } from '../../evidence/keys.ts';
import type { LogStore } from '../../store/contracts.ts';
import { claimedOrigin, openCheckpoint } from '../../tlog/checkpoint.ts';
import { verifyConsistency } from '../../tlog/merkle.ts';
import { placeAmong } from '../../tlog/origin.ts';
import { consistencyProof } from '../../tlog/proofs.ts';
import type { PublicJwk } from '../../trust/entity-statement.ts';
import { currentOf } from '../succession/chain.ts';

/** A checkpoint of a log of ours that a neighbour holds, and that our own log key signed. */
export interface HeldNote {
  /** The neighbour. */
  readonly region: string;
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  readonly note: string;
}

/** The store does not have what we signed: it is an older copy, or went another way since. */
export class StoreBehind extends Error {
  override readonly name = 'StoreBehind';
  readonly held: HeldNote;

  constructor(held: HeldNote) {
    super(`${held.region} holds a checkpoint of ours that our store does not lead to`);
    this.held = held;
  }
}

export interface PastSettings {
  readonly store: LogStore;
  /** The log of this replica, and all logs, as our own statement lists them. */
  readonly listed: string;
  readonly logs: readonly string[];
  /** The keys of our own statement that may have signed them. */
  readonly keys: readonly PublicJwk[];
}

/**
 * What neighbours hold of our logs, against what our store has. A neighbour's word is worth nothing here: only what
 * our own key signed, which no neighbour can make.
 */
export class OurPast {
  readonly #settings: PastSettings;

  constructor(settings: PastSettings) {
    this.#settings = settings;
  }

  /** Those of a neighbour's notes that are ours indeed. */
  async ours(region: string, notes: readonly string[]): Promise<HeldNote[]> {
    const keys = await Promise.all(this.#settings.keys.map(verifyingKey));
    return notes.flatMap((note): HeldNote[] => {
      try {
        const origin = claimedOrigin(note);
        if (placeAmong(origin, this.#settings.logs) === undefined) return [];
        const { size, root } = openCheckpoint(note, { origin, keys });
        return [{ region, origin, size, root, note }];
      } catch (error) {
        if (error instanceof EvidenceError) return [];
        throw error;
      }
    });
  }

  /**
   * The first of a neighbour's notes that our store does not lead to. The notes come first and the heads are read
   * then, so that a log that grew meanwhile is not taken for one that is behind.
   *
   * @throws HouseError `store-unavailable`
   */
  async contradiction(region: string, notes: readonly string[]): Promise<HeldNote | undefined> {
    for (const held of await this.ours(region, notes)) if (!(await this.#fits(held))) return held;
    return undefined;
  }

  async #fits({ origin, size, root }: HeldNote): Promise<boolean> {
    const { store, logs, listed } = this.#settings;
    const known = await store.logs();
    const place = placeAmong(origin, logs);
    // Another replica may keep its log in a store of its own.
    const isOfStore = place?.listed === listed || known.some(({ log }) => log === place?.listed);
    if (place === undefined || !isOfStore) return true;
    // What is missing of a log that was ended, or passed over, was told when its successor began.
    const current = placeAmong(currentOf(known, place.listed), logs)?.number ?? 1;
    if (place.number < current) return true;
    const head = await store.head(origin);
    if (size > head.size) return false;
    if (size === head.size) return root.equals(Buffer.from(head.root));
    if (size === 0) return true;
    try {
      const proof = await consistencyProof(size, head.size, (tiles) => store.tiles(origin, tiles));
      return verifyConsistency(size, head.size, root, head.root, proof);
    } catch (error) {
      // A tree that gives no proof is broken, which is another matter: `audit verify` says where.
      if (error instanceof EvidenceError) return true;
      throw error;
    }
  }
}
