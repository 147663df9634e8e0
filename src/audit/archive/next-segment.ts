import type { ArchiveStore, CheckpointStore, StoredCheckpoint } from '../../store/contracts.ts';
import { looksCosigned } from '../../tlog/checkpoint.ts';
import { SIGNATURE_TYPE, type VerifierKey } from '../../tlog/note-keys.ts';
import { verifiedSignatures } from '../../tlog/note-signing.ts';
import { parseNote } from '../../tlog/note.ts';
import { LogBroken } from '../whole-log/log-fault.ts';
import { openOwn } from '../whole-log/own-checkpoint.ts';
import type { Span } from './make-segment.ts';

const PAGE = 1_000;
/** Of those that lie within a segment, as many as are looked at for a cosignature that verifies. */
const MOST_CANDIDATES = 100;

export interface NextSegmentSettings {
  readonly origin: string;
  readonly checkpoints: Pick<CheckpointStore, 'page' | 'covering'>;
  readonly archive: Pick<ArchiveStore, 'last'>;
  /** The keys that may sign this log's checkpoints and cosign them. */
  readonly keys: readonly VerifierKey[];
}

/**
 * Where the next segment lies: from the end of the last one to the largest checkpoint that a neighbour cosigned within
 * `most` entries. Where there is none it goes to the next one, however far that is.
 *
 * @param before every entry of it was written before this time
 * @returns undefined when no cosigned checkpoint from before then covers more
 * @throws LogBroken `checkpoint`, HouseError of the store
 */
export async function nextSegment(
  settings: NextSegmentSettings,
  before: number,
  most: number,
): Promise<Span | undefined> {
  const { origin, checkpoints, archive } = settings;
  const from = (await archive.last(origin))?.to ?? 0;
  const start = from === 0 ? undefined : await checkpoints.covering(origin, from);
  if (from > 0 && start?.size !== from) {
    const says = `the checkpoint of ${from} entries, on which the last segment ends, is not there`;
    throw new LogBroken('checkpoint', from - 1, says);
  }
  const span = (end: StoredCheckpoint): Span => ({ start, end });
  const within: StoredCheckpoint[] = [];
  for await (const one of signedAfter(from, before, settings)) {
    const isWithin = one.size <= from + most;
    const end = isWithin ? undefined : within.findLast((earlier) => isCosigned(earlier, settings));
    if (end !== undefined) return span(end);
    if (!isWithin && isCosigned(one, settings)) return span(one);
    // Those that do not verify are not looked at again.
    if (!isWithin) within.length = 0;
    else if (looksCosigned(one.note)) within.push(one);
    if (within.length > MOST_CANDIDATES) within.shift();
  }
  const end = within.findLast((one) => isCosigned(one, settings));
  return end && span(end);
}

/** The checkpoints that cover more than `from` entries and were signed before a time, smallest first. */
async function* signedAfter(
  from: number,
  before: number,
  { origin, checkpoints }: NextSegmentSettings,
): AsyncGenerator<StoredCheckpoint, void, undefined> {
  for (let at = from + 1; ;) {
    const page = await checkpoints.page(origin, at, PAGE);
    for (const one of page) {
      if (one.at >= before) return;
      yield one;
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    at = last.size + 1;
  }
}

/** @throws LogBroken `checkpoint` for one that is not as our own log signed it */
function isCosigned(
  stored: StoredCheckpoint,
  { origin, keys }: Pick<NextSegmentSettings, 'origin' | 'keys'>,
): boolean {
  if (!looksCosigned(stored.note)) return false;
  const note = parseNote(stored.note);
  openOwn(stored, origin, keys);
  return verifiedSignatures(note, keys).some(({ key }) => key.type === SIGNATURE_TYPE.cosignature);
}
