import type { StoredCheckpoint } from '../../store/contracts.ts';
import { openCheckpoint, type Checkpoint } from '../../tlog/checkpoint.ts';
import { SIGNATURE_TYPE, type VerifierKey } from '../../tlog/note-keys.ts';
import { verifiedSignatures } from '../../tlog/note-signing.ts';
import { parseNote } from '../../tlog/note.ts';
import { LogBroken } from './log-fault.ts';

/**
 * Opens a checkpoint that we keep of our own log: signed by a key of the log, of the size that it is kept under, and
 * each cosignature of a known witness good.
 *
 * @throws LogBroken `checkpoint`
 */
export function openOwn(stored: StoredCheckpoint, origin: string, keys: readonly VerifierKey[]): Checkpoint {
  const { size } = stored;
  try {
    const note = parseNote(stored.note);
    verifiedSignatures(note, keys);
    const own = keys.filter(({ name, type }) => name === origin && type === SIGNATURE_TYPE.ed25519);
    const opened = openCheckpoint(note, { origin, keys: own.map(({ publicKey }) => publicKey) });
    if (opened.size === size) return opened;
  } catch (cause) {
    throw badCheckpoint(size, cause);
  }
  throw badCheckpoint(size);
}

function badCheckpoint(size: number, cause?: unknown): LogBroken {
  const says = `the checkpoint of ${size} entries is not one that a key of this log has signed`;
  return new LogBroken('checkpoint', Math.max(size - 1, 0), says, { cause });
}
