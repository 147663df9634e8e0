import type { QueuedNotice } from '../../store/contracts.ts';
import type { NoticeParts } from './notice-parts.ts';

/** Of how many patients no home region was told in time, by region; without one where the home was not found. */
export type GivenUpCounts = readonly { readonly region?: string; readonly count: number }[];

/** What waited too long to be told. */
export class GivenUp {
  readonly #parts: Pick<NoticeParts, 'store' | 'now'>;
  readonly #counts = new Map<string, number>();

  constructor(parts: Pick<NoticeParts, 'store' | 'now'>) {
    this.#parts = parts;
  }

  /** Since the start. */
  get counts(): GivenUpCounts {
    return [...this.#counts].map(([region, count]) => (region === '' ? { count } : { region, count }));
  }

  /**
   * Nobody is told of these. When they are seen again they are put in again, at once: the home knows nothing of them.
   *
   * @throws HouseError `store-unavailable`
   */
  async settle(region: string, rows: readonly QueuedNotice[]): Promise<void> {
    if (rows.length === 0) return;
    const { store, now } = this.#parts;
    await store.noticeQueue.move(rows, { state: 'settled' }, now(), now());
    this.#counts.set(region, (this.#counts.get(region) ?? 0) + rows.length);
  }
}
