import type { CheckpointStore, LogStore } from '../../store/contracts.ts';
import { placeAmong } from '../../tlog/origin.ts';
import type { Neighbour } from '../../trust/neighbours.ts';
import { leafOf } from '../entry.ts';
import type { AuditTrail } from '../trail.ts';

/** That a neighbour's log goes on under another name, as an entry of ours tells it. */
export interface SeenSuccessor {
  readonly region: string;
  readonly origin: string;
  /** ISO instant. */
  readonly seen: string;
}

const EVER = { from: 0, to: Number.MAX_SAFE_INTEGER };
const MOST_SHOWN = 100;

/** Keeps in our log, once for each, that a neighbour began a successor: nobody does that unseen. */
export class SeenSuccessors {
  readonly #store: LogStore;
  readonly #checkpoints: CheckpointStore;
  readonly #trail: AuditTrail;
  readonly #known = new Set<string>();

  constructor(store: LogStore, checkpoints: CheckpointStore, trail: AuditTrail) {
    this.#store = store;
    this.#checkpoints = checkpoints;
    this.#trail = trail;
  }

  /**
   * @param head of a note that the log itself signed
   * @throws HouseError: then the log is not to be gone on with
   */
  async met(owner: Neighbour, head: { readonly origin: string; readonly size: number }): Promise<void> {
    const { origin, size } = head;
    const place = placeAmong(origin, owner.broker.logs);
    if (place === undefined || place.number === 1 || this.#known.has(origin)) return;
    const [kept] = await this.#store.search({ ...EVER, exchange: origin, event: 'log-succeeded', limit: 1 });
    if (kept === undefined) {
      const held = await this.#checkpoints.witnessed(place.listed);
      const detail = { origin, listed: place.listed, size, cosigned_before: held?.size ?? 0 };
      await this.#trail.logSucceeded(owner.region, detail);
    }
    this.#known.add(origin);
  }

  async list(): Promise<SeenSuccessor[]> {
    const found = await this.#store.search({ ...EVER, event: 'log-succeeded', limit: MOST_SHOWN });
    return found.map((entry) => ({
      region: entry.index.region ?? '',
      origin: leafOf(entry).exchange,
      seen: new Date(entry.at).toISOString(),
    }));
  }
}
