import type { CheckpointStore, FoundEntry, LogStore } from '../../store/contracts.ts';
import { claimedHead, looksCosigned } from '../../tlog/checkpoint.ts';
import { inclusionProof } from '../../tlog/proofs.ts';
import { leafOf } from '../entry.ts';

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
  /** Signed note that this proof leads to, where that is not the answer's: the entry is in another replica's log. */
  readonly checkpoint?: string | undefined;
}

export interface Inclusions {
  /** Signed note (C2SP tlog-checkpoint) of the replica that answers; absent while there is none. */
  readonly checkpoint?: string | undefined;
  readonly entries: readonly Inclusion[];
}

const ENDS: ReadonlySet<string> = new Set([
  ...['query-answered', 'query-withheld', 'query-refused'],
  ...['access-question-answered', 'access-question-withheld', 'access-question-refused'],
  ...['locate-answered', 'locate-refused'],
]);

/** How many earlier checkpoints are looked at for one that a neighbour has cosigned. */
const MOST_CHECKPOINTS = 20;

/** We as a responder: proves to a neighbour that its own queries are in our logs, whichever replica had them. */
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
   * @returns those of one log that a checkpoint covers by now; the others have to be asked about again
   * @throws HouseError `store-unavailable`
   */
  async inclusionsOf(region: string, jtis: readonly string[]): Promise<Inclusions> {
    const found = await Promise.all(
      jtis.slice(0, MOST_INCLUSIONS).map(async (jti) => ({ jti, ended: await this.#endOf(region, jti) })),
    );
    const logs = new Set([this.#origin, ...found.flatMap(({ ended }) => ended?.log ?? [])]);
    const notes = new Map(
      await Promise.all([...logs].map(async (log) => [log, await this.#noteOf(log)] as const)),
    );
    const entries = await Promise.all(found.map(({ jti, ended }) => this.#prove(jti, ended, notes)));
    return { checkpoint: notes.get(this.#origin), entries: entries.flat() };
  }

  async #prove(
    jti: string,
    ended: FoundEntry | undefined,
    notes: ReadonlyMap<string, string | undefined>,
  ): Promise<Inclusion[]> {
    const note = ended && notes.get(ended.log);
    if (ended === undefined || note === undefined) return [];
    const { log, sequence: index } = ended;
    const { size } = claimedHead(note);
    if (index >= size) return [];
    const proof = await inclusionProof(index, size, (tiles) => this.#log.tiles(log, tiles));
    const leaf = Buffer.from(ended.leaf).toString('utf8');
    const hashes = proof.map((hash) => hash.toString('base64'));
    return [{ jti, leaf, index, proof: hashes, ...(log === this.#origin ? {} : { checkpoint: note }) }];
  }

  /** One that a neighbour cosigned proves more; where none came for a while, the log's own signature has to do. */
  async #noteOf(log: string): Promise<string | undefined> {
    if (log === this.#origin) {
      const cosigned = this.#cosigned();
      if (cosigned !== undefined) return cosigned;
    }
    const latest = await this.#checkpoints.latest(log);
    let one = latest;
    for (let seen = 0; one !== undefined && seen < MOST_CHECKPOINTS; seen += 1) {
      if (looksCosigned(one.note)) return one.note;
      one = await this.#checkpoints.latest(log, one.size - 1);
    }
    return latest !== undefined && this.#now() - latest.at > UNWITNESSED_MS ? latest.note : undefined;
  }

  async #endOf(region: string, jti: string): Promise<FoundEntry | undefined> {
    const found = await this.#log.search({
      ...{ jti, region, from: 0, to: Number.MAX_SAFE_INTEGER, limit: 20 },
    });
    // The first end is what was answered; a replay of the same query came after it.
    return found.findLast((entry) => ENDS.has(leafOf(entry).event));
  }
}
