import type { Store, ToldBy } from '../../store/contracts.ts';

/** Rows of one transaction: a few milliseconds of the store. */
const AT_ONCE = 500;

/** What one neighbour told and is kept. */
export interface ToldByOne {
  /** Of patients of ours: which regions hold something, how it was told, of how many. */
  readonly known: readonly { readonly region: string; readonly how: ToldBy; readonly count: number }[];
  /** What came and is not decided. */
  readonly undecided: number;
}

export interface Forgotten {
  readonly known: number;
  readonly undecided: number;
}

type Told = Pick<Store, 'knownRegions' | 'noticeInbox'>;

/** @throws HouseError `store-unavailable` */
export async function toldByOne({ knownRegions, noticeInbox }: Told, teller: string): Promise<ToldByOne> {
  const [known, waiting] = await Promise.all([knownRegions.toldBy(teller), noticeInbox.counts()]);
  return { known, undecided: waiting.find(({ sender }) => sender === teller)?.waiting ?? 0 };
}

/**
 * Deletes all that one neighbour told, step by step; what others told as well stays. One that was cut short is gone on with by the
 * next. What waits goes first: it could become known meanwhile.
 *
 * @throws HouseError `store-unavailable`
 */
export async function forgetTeller(
  { knownRegions, noticeInbox }: Told,
  teller: string,
  pause: () => Promise<void>,
  onProgress?: (forgotten: Forgotten) => void,
): Promise<Forgotten> {
  let [known, undecided] = [0, 0];
  const steps = [
    async () => {
      const gone = await noticeInbox.forgetSender(teller, AT_ONCE);
      undecided += gone;
      return gone;
    },
    async () => {
      const gone = await knownRegions.forgetTeller(teller, AT_ONCE);
      known += gone;
      return gone;
    },
  ];
  for (const step of steps) {
    while ((await step()) === AT_ONCE) {
      onProgress?.({ known, undecided });
      await pause();
    }
  }
  return { known, undecided };
}
