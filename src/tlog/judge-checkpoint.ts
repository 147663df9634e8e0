import type { AddCheckpoint } from './add-checkpoint.ts';
import type { Checkpoint } from './checkpoint.ts';
import { emptyRoot, verifyConsistency } from './merkle.ts';

/** The latest checkpoint that a witness cosigned for a log, or a head that it holds of it for another reason. */
export interface KnownHead {
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/**
 * What a witness answers. `fork` is true where the log's own signature stands under a head that no honest log can
 * have beside the one that is held, whatever the answer: both notes are then to be kept as proof.
 */
export type Judgement =
  | { readonly answer: 'accept'; readonly status: 200; readonly fork: false }
  | { readonly answer: 'bad-size'; readonly status: 400; readonly fork: boolean }
  | { readonly answer: 'conflict'; readonly status: 409; readonly fork: boolean; readonly knownSize: number }
  | { readonly answer: 'bad-proof'; readonly status: 422; readonly fork: boolean };

/**
 * What a witness does with a checkpoint whose origin it knows (else 404) and whose signature it has verified (else
 * 403), in the order of C2SP tlog-witness, "add-checkpoint":
 *
 * 1. `bad-size`: the request's old size is beyond the checkpoint's;
 * 2. `conflict`: the old size is not that of the checkpoint cosigned last (0 if none was);
 * 3. `bad-proof`: an empty tree with another root than the empty tree's; a proof from the empty tree that is not
 *    empty; a proof that does not verify; the same size with another root.
 *
 * Accepting means to store the checkpoint as the latest, in one atomic step with the reading of `known`, before
 * the cosignature leaves.
 */
export function judgeCheckpoint(
  known: KnownHead | undefined,
  request: Pick<AddCheckpoint, 'oldSize' | 'proof'>,
  opened: Pick<Checkpoint, 'size' | 'root'>,
): Judgement {
  const held = known ?? { size: 0, root: emptyRoot() };
  const fork = contradicts(held, opened);
  if (request.oldSize > opened.size) return { answer: 'bad-size', status: 400, fork };
  if (request.oldSize !== held.size) return { answer: 'conflict', status: 409, fork, knownSize: held.size };
  const believed = verifyConsistency(held.size, opened.size, held.root, opened.root, request.proof);
  return believed
    ? { answer: 'accept', status: 200, fork: false }
    : { answer: 'bad-proof', status: 422, fork };
}

/**
 * True if two heads of one log cannot both be honest, which needs no proof to see: the same size with another
 * root, or an empty tree with a root that is not the empty tree's. A smaller or larger head proves nothing by
 * itself: anybody can show an old checkpoint again, and spoil the proof that goes with a new one.
 */
export function contradicts(held: KnownHead, seen: KnownHead): boolean {
  if (seen.size === 0) return !same(seen.root, emptyRoot());
  return seen.size === held.size && !same(seen.root, held.root);
}

const same = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;
