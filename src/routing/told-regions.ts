import type { KnownRegion, KnownRegionStore, NoticeInboxStore } from '../store/contracts.ts';

/** A region that was told of, and whether it is decided that the patient is ours. */
export interface ToldOf extends KnownRegion {
  readonly undecided?: true;
}

/** What other regions told of where patients are held. */
export interface ToldRegions {
  /** Of one patient: what is decided, then what waits to be. */
  of(patients: readonly string[]): Promise<ToldOf[]>;
}

/**
 * Reads what is known and what waits side by side: whether the patient is ours may be known before what waits is decided, and
 * until then it would be missing without a word. What waits is read first: it is never taken away before it is known.
 */
export function toldRegions(store: {
  readonly knownRegions: Pick<KnownRegionStore, 'of'>;
  readonly noticeInbox: Pick<NoticeInboxStore, 'of'>;
}): ToldRegions {
  return {
    of: async (patients) => {
      const waiting = await store.noticeInbox.of(patients);
      const known = await store.knownRegions.of(patients);
      return [
        ...known,
        ...waiting.map(({ sender, ...one }) => ({ ...one, from: sender, undecided: true as const })),
      ];
    },
  };
}
