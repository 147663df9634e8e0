import type { ArchiveStore, CheckpointStore, StoredCheckpoint } from '../../store/contracts.ts';
import { SIGNATURE_TYPE, type VerifierKey } from '../../tlog/note-keys.ts';
import { verifiedSignatures } from '../../tlog/note-signing.ts';
import { parseNote } from '../../tlog/note.ts';
import { LogBroken } from '../whole-log/log-fault.ts';
import { openOwn } from '../whole-log/own-checkpoint.ts';
import type { Span } from './make-segment.ts';

export interface NextSegmentSettings {
  readonly origin: string;
  readonly checkpoints: Pick<CheckpointStore, 'latest' | 'covering'>;
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
  let one = await checkpoints.latest(origin, from + most, before);
  while (one !== undefined && one.size > from) {
    if (isCosigned(one, settings)) return span(one);
    one = await checkpoints.latest(origin, one.size - 1, before);
  }
  one = await checkpoints.covering(origin, from + most + 1);
  while (one !== undefined && one.at < before) {
    if (isCosigned(one, settings)) return span(one);
    one = await checkpoints.covering(origin, one.size + 1);
  }
  return undefined;
}

/** @throws LogBroken `checkpoint` for one that is not as our own log signed it */
export function isCosigned(
  stored: StoredCheckpoint,
  { origin, keys }: Pick<NextSegmentSettings, 'origin' | 'keys'>,
): boolean {
  const note = parseNote(stored.note);
  if (note.signatures.length < 2) return false;
  openOwn(stored, origin, keys);
  return verifiedSignatures(note, keys).some(({ key }) => key.type === SIGNATURE_TYPE.cosignature);
}
