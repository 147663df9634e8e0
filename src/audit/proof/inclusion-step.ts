import { decodeBase64 } from '../../tlog/base64.ts';
import type { Checkpoint } from '../../tlog/checkpoint.ts';
import { leafHash, verifyInclusion } from '../../tlog/merkle.ts';
import type { EvidenceEntry } from './evidence-file.ts';
import type { LeafRead } from './proved-entry.ts';
import { failed, iso, notChecked, ok, type Step } from './verdict.ts';

/** That an entry is in the tree of a checkpoint at its number (RFC 9162, 2.1.3.2). @param leaf what the entry's text says */
export function inclusionStep(
  { sequence, ...entry }: Pick<EvidenceEntry, 'sequence' | 'leaf' | 'proof'>,
  leaf: LeafRead,
  head: Checkpoint | undefined,
): Step {
  const says = `entry ${sequence}: ${leaf.event} at ${iso(leaf.at)}`;
  if (head === undefined)
    return notChecked('inclusion', `${says}: there is no checkpoint to hold it against`, sequence);
  const path = entry.proof.map((hash) => decodeBase64(hash) ?? Buffer.of());
  const hash = leafHash(Buffer.from(entry.leaf));
  return verifyInclusion(hash, sequence, head.size, path, head.root)
    ? ok('inclusion', `${says} is in the log`, sequence)
    : failed('inclusion', `${says}: its proof does not lead to the checkpoint`, sequence);
}
