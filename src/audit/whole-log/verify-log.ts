import { EvidenceError } from '../../errors.ts';
import type {
  CheckpointStore,
  LogStore,
  StoredCheckpoint,
  StoredLeaf,
  TreeHead,
} from '../../store/contracts.ts';
import type { Checkpoint } from '../../tlog/checkpoint.ts';
import { rootOf } from '../../tlog/frontier.ts';
import { edgeFrom, emptyEdge, grow, type TreeEdge } from '../../tlog/grow.ts';
import type { VerifierKey } from '../../tlog/note-keys.ts';
import { TILE_WIDTH, tilesAtEdge } from '../../tlog/tiles.ts';
import type { AuditLog } from '../log.ts';
import { checkEnd } from './check-end.ts';
import { LogBroken, type LogFault } from './log-fault.ts';
import { StoredTree } from './log-tiles.ts';
import { openOwn } from './own-checkpoint.ts';
import { missing, placedFrom } from './placed-leaves.ts';
import { checkSealed } from './verify-sealed.ts';

export interface VerifyLogSettings {
  readonly log: AuditLog;
  readonly store: LogStore;
  readonly checkpoints: CheckpointStore;
  /** The keys that may sign this log's checkpoints and cosign them. */
  readonly keys: readonly VerifierKey[];
  /** Keyed digest of a number or a user, as the index has it. */
  readonly digest: (value: string) => string;
}

export interface VerifyLogOptions {
  /**
   * Size of a stored checkpoint to begin at: what is before it is believed for its signed root. Default 0. Where the
   * log's beginning was pruned it begins there at the earliest, on the root that was signed there.
   */
  readonly from?: number | undefined;
  /** Open what is sealed as well, and hold the search index against the entries. */
  readonly sealed?: boolean | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export interface Progress {
  readonly done: number;
  readonly size: number;
  /** Size of the last checkpoint that held: where another run can begin. */
  readonly checkpointed: number;
}

export interface LogVerdict {
  readonly origin: string;
  readonly from: number;
  /** Entries from the first on that are in archived segments alone: none of them was looked at here. */
  readonly archived: number;
  /** Entries that the log had when this began. */
  readonly size: number;
  /** Entries that were looked at, and hold. */
  readonly verified: number;
  readonly checkpoints: number;
  readonly checkpointed: number;
  readonly opened: number;
  readonly erased: number;
  readonly fault: LogFault | undefined;
}

/** A multiple of a tile's width; larger pages read no faster. */
const PAGE = 8 * TILE_WIDTH;

/** There is no stored checkpoint of the size to begin at. */
export class NoSuchCheckpoint extends Error {}

/**
 * Verifies a log as it lies in its store, which a broker may go on writing to: every leaf in its place, its hash,
 * every tile, every signed checkpoint, the head. Begins where the archived beginning was pruned, and ends at the first
 * thing that is wrong.
 *
 * @throws NoSuchCheckpoint; HouseError of the store
 */
export async function verifyLog(
  settings: VerifyLogSettings,
  options: VerifyLogOptions = {},
): Promise<LogVerdict> {
  for (;;) {
    const run = new LogRun(settings, options);
    try {
      await run.verify();
      return run.verdict(undefined);
    } catch (error) {
      if (!(error instanceof LogBroken)) throw error;
      const verdict = run.verdict(error.fault);
      // What was pruned meanwhile is no fault: it begins anew, after it.
      if ((await settings.store.pruned(settings.log.origin)) === verdict.archived) return verdict;
    }
  }
}

class LogRun {
  readonly #settings: VerifyLogSettings;
  readonly #options: VerifyLogOptions;
  readonly #tree: StoredTree;
  #from: number;
  #archived = 0;
  #size = 0;
  #edge: TreeEdge = emptyEdge();
  /** The next checkpoint that is to be held against the tree. */
  #next: StoredCheckpoint | undefined;
  #checkpoints = 0;
  #checkpointed = 0;
  #opened = 0;
  #erased = 0;

  constructor(settings: VerifyLogSettings, options: VerifyLogOptions) {
    this.#settings = settings;
    this.#options = options;
    this.#from = options.from ?? 0;
    this.#tree = new StoredTree(settings.store, settings.log.origin);
  }

  verdict(fault: LogFault | undefined): LogVerdict {
    return {
      ...{ origin: this.#settings.log.origin, from: this.#from, archived: this.#archived, size: this.#size },
      verified: this.#edge.frontier.size - this.#from,
      ...{ checkpoints: this.#checkpoints, checkpointed: this.#checkpointed },
      ...{ opened: this.#opened, erased: this.#erased, fault },
    };
  }

  async verify(): Promise<void> {
    const { store, log } = this.#settings;
    this.#archived = await store.pruned(log.origin);
    this.#from = Math.max(this.#from, this.#archived);
    const head = await this.#head();
    this.#size = head.size;
    if (this.#from > 0) await this.#beginAt(this.#from);
    this.#next = await this.#checkpointFrom(this.#from === 0 ? 0 : this.#from + 1);
    if (this.#next?.size === 0) await this.#pass(this.#next);
    for await (const [limit, leaves] of this.#pages()) await this.#page(limit, leaves);
    await this.#tree.checkTiles(this.#edge.partials);
    if (!rootOf(this.#edge.frontier).equals(head.root)) {
      throw new LogBroken('head', Math.max(this.#size - 1, 0), 'the head is not that of the leaves');
    }
    if (this.#next !== undefined) await this.#checkAhead(this.#next);
    await this.#checkBeyond();
    await checkEnd(this.#settings.log.origin, head, this.#settings.store);
  }

  /** A head that cannot be read at all is a broken one, and no fault of the store. */
  async #head(): Promise<TreeHead> {
    const { store, log } = this.#settings;
    try {
      return await store.head(log.origin);
    } catch (error) {
      if (!(error instanceof Error && error.cause instanceof EvidenceError)) throw error;
      throw new LogBroken('head', 0, 'the head cannot be read', { cause: error });
    }
  }

  /** The tree as a signed root has it; its edge comes from the tiles, and must lead to that root. */
  async #beginAt(size: number): Promise<void> {
    const stored = await this.#settings.checkpoints.covering(this.#settings.log.origin, size);
    if (stored?.size !== size) {
      if (size > this.#archived) throw new NoSuchCheckpoint();
      const says = `the first ${size} entries were pruned, and the checkpoint that their archive ends on is not there`;
      throw new LogBroken('checkpoint', size - 1, says);
    }
    const { root } = this.#open(stored);
    const tiles = await this.#tree.tiles(tilesAtEdge(size));
    const edge = edgeOf(size, tiles);
    if (edge === undefined || !rootOf(edge.frontier).equals(root)) {
      throw new LogBroken('tile', size - 1, `the tiles do not lead to the signed root of ${size} entries`);
    }
    this.#edge = edge;
    this.#checkpointed = size;
  }

  /** The leaves, each page with how many it should have. The next is asked for while one is looked at. */
  async *#pages(): AsyncGenerator<[limit: number, leaves: StoredLeaf[]]> {
    const { store, log } = this.#settings;
    // From a tile's first leaf on, so that every page but the first fills whole tiles.
    const limitAt = (at: number): number => Math.min(PAGE - (at % TILE_WIDTH), this.#size - at);
    const read = (at: number): Promise<StoredLeaf[]> => {
      const leaves = at < this.#size ? store.leaves(log.origin, at, limitAt(at)) : Promise.resolve([]);
      // Whoever awaits it is told; where a fault comes first, nobody does.
      leaves.catch(() => undefined);
      return leaves;
    };
    let at = this.#edge.frontier.size;
    for (let next = read(at); at < this.#size;) {
      const [limit, leaves] = [limitAt(at), await next];
      at += limit;
      next = read(at);
      yield [limit, leaves];
    }
  }

  async #page(limit: number, leaves: readonly StoredLeaf[]): Promise<void> {
    const { size: at } = this.#edge.frontier;
    const placed = placedFrom(at, leaves);
    await this.#take(placed.hashes, placed.beside);
    if (placed.fault !== undefined) throw placed.fault;
    if (leaves.length < limit) throw missing(at + leaves.length);
    if (this.#options.sealed === true) await this.#checkSealed(at, limit);
    const { size } = this.#edge.frontier;
    this.#options.onProgress?.({ done: size, size: this.#size, checkpointed: this.#checkpointed });
  }

  async #take(hashes: readonly Buffer[], beside: Buffer): Promise<void> {
    const { size: at } = this.#edge.frontier;
    await this.#checkLeaves(at, Buffer.concat(hashes), beside);
    let taken = 0;
    while (this.#next !== undefined && this.#next.size <= at + hashes.length) {
      const upTo = this.#next.size - at;
      await this.#grow(hashes.slice(taken, upTo));
      taken = upTo;
      await this.#pass(this.#next);
    }
    await this.#grow(hashes.slice(taken));
  }

  /** Begun within a tile, the leaves before are those of the edge: proved by the root that was signed. */
  async #checkLeaves(at: number, given: Buffer, beside: Buffer): Promise<void> {
    const within = at % TILE_WIDTH;
    const edge = within === 0 ? undefined : this.#edge.partials.find(({ level }) => level === 0);
    const before = edge?.hashes ?? Buffer.alloc(0);
    await this.#tree.checkLeaves(
      at - within,
      Buffer.concat([before, given]),
      Buffer.concat([before, beside]),
    );
  }

  async #grow(hashes: readonly Buffer[]): Promise<void> {
    const { edge, tiles } = grow(this.#edge, hashes);
    await this.#tree.checkTiles(tiles.filter(({ width }) => width === TILE_WIDTH));
    this.#edge = edge;
  }

  async #pass(stored: StoredCheckpoint): Promise<void> {
    const { root } = this.#open(stored);
    if (!rootOf(this.#edge.frontier).equals(root)) {
      const says = `the root signed for ${stored.size} entries is not that of the leaves: one after entry ${this.#checkpointed} was rewritten`;
      throw new LogBroken('checkpoint', Math.max(stored.size - 1, 0), says);
    }
    this.#checkpoints += 1;
    this.#checkpointed = stored.size;
    this.#next = await this.#checkpointFrom(stored.size + 1);
  }

  #checkpointFrom(size: number): Promise<StoredCheckpoint | undefined> {
    return this.#settings.checkpoints.covering(this.#settings.log.origin, size);
  }

  #open(stored: StoredCheckpoint): Checkpoint {
    return openOwn(stored, this.#settings.log.origin, this.#settings.keys);
  }

  /** A checkpoint of more entries than there were: those that came since, or some were cut off. */
  async #checkAhead({ size }: StoredCheckpoint): Promise<void> {
    const { store, log } = this.#settings;
    const now = await store.head(log.origin);
    if (now.size < size) throw missing(now.size);
  }

  async #checkBeyond(): Promise<void> {
    const { store, log } = this.#settings;
    const last = (await store.leaves(log.origin, this.#size, PAGE)).at(-1);
    if (last === undefined) return;
    const { size } = await store.head(log.origin);
    if (last.sequence >= size) {
      throw new LogBroken(
        'beyond-head',
        size,
        `entry ${size} is there, and the head says that the log ends before it`,
      );
    }
  }

  async #checkSealed(from: number, limit: number): Promise<void> {
    const { log, store, digest } = this.#settings;
    for (const entry of await store.entries(log.origin, from, limit)) {
      const found = checkSealed(entry, log, digest);
      if (found === 'opened') this.#opened += 1;
      if (found === 'erased') this.#erased += 1;
    }
  }
}

function edgeOf(size: number, tiles: readonly Uint8Array[]): TreeEdge | undefined {
  try {
    return edgeFrom(size, tiles);
  } catch {
    return undefined;
  }
}
