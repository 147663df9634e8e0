import type { CheckpointStore, FoundEntry, LogStore } from '../../store/contracts.ts';
import { inclusionProof } from '../../tlog/proofs.ts';
import { readLeaf } from '../entry.ts';
import { headIn } from '../witnessing/forks.ts';

/** The most exchanges that one request may ask about. */
export const MOST_INCLUSIONS = 64;
/** How long a checkpoint waits for a cosignature before it is given without one. */
const UNWITNESSED_MS = 60_000;

/** Proof that our log holds what became of one query (RFC 9162, 2.1.3). */
export interface Inclusion {
  readonly jti: string;
  /** The entry, as the log's tree covers it. It names nobody. */
  readonly leaf: string;
  readonly index: number;
  /** Base64, the leaf's sibling first. */
  readonly proof: readonly string[];
}

export interface Inclusions {
  /** Signed note (C2SP tlog-checkpoint) that every proof leads to; absent while there is none. */
  readonly checkpoint?: string | undefined;
  readonly entries: readonly Inclusion[];
}

const ENDS: ReadonlySet<string> = new Set(['query-answered', 'query-withheld', 'query-refused']);

/** We as a responder: proves to a neighbour that its own queries are in our log. */
export class InclusionDesk {
  readonly #log: LogStore;
  readonly #checkpoints: CheckpointStore;
  readonly #origin: string;
  readonly #cosigned: () => string | undefined;
  readonly #now: () => number;

  /** @param cosigned the newest note that a neighbour cosigned, if there is one */
  constructor(
    log: LogStore,
    checkpoints: CheckpointStore,
    origin: string,
    cosigned: () => string | undefined,
    now: () => number,
  ) {
    this.#log = log;
    this.#checkpoints = checkpoints;
    this.#origin = origin;
    this.#cosigned = cosigned;
    this.#now = now;
  }

  /**
   * @param region whose queries they were: nobody learns of another's
   * @returns those that a checkpoint covers by now; the others have to be asked about again
   * @throws HouseError `store-unavailable`
   */
  async inclusionsOf(region: string, jtis: readonly string[]): Promise<Inclusions> {
    const note = await this.#note();
    if (note === undefined) return { entries: [] };
    const checkpoint = { note, size: headIn(note).size };
    const entries = await Promise.all(
      jtis.slice(0, MOST_INCLUSIONS).map(async (jti): Promise<Inclusion[]> => {
        const ended = await this.#endOf(region, jti);
        if (ended === undefined || ended.sequence >= checkpoint.size) return [];
        const index = ended.sequence;
        const proof = await inclusionProof(index, checkpoint.size, (tiles) =>
          this.#log.tiles(this.#origin, tiles),
        );
        const leaf = Buffer.from(ended.leaf).toString('utf8');
        return [{ jti, leaf, index, proof: proof.map((hash) => hash.toString('base64')) }];
      }),
    );
    return { checkpoint: checkpoint.note, entries: entries.flat() };
  }

  /** One that a neighbour cosigned proves more; where none came for a while, our own signature has to do. */
  async #note(): Promise<string | undefined> {
    const cosigned = this.#cosigned();
    if (cosigned !== undefined) return cosigned;
    const latest = await this.#checkpoints.latest(this.#origin);
    return latest !== undefined && this.#now() - latest.at > UNWITNESSED_MS ? latest.note : undefined;
  }

  async #endOf(region: string, jti: string): Promise<FoundEntry | undefined> {
    const found = await this.#log.search({
      ...{ jti, region, log: this.#origin },
      ...{ from: 0, to: Number.MAX_SAFE_INTEGER, limit: 20 },
    });
    // The first end is what was answered; a replay of the same query came after it.
    return found.findLast(({ leaf }) => ENDS.has(readLeaf(leaf).event));
  }
}
