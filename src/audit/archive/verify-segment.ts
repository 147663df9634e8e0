import { createHash } from 'node:crypto';

import { decodeBase64 } from '../../tlog/base64.ts';
import { append, rootOf, type Frontier } from '../../tlog/frontier.ts';
import { HASH_BYTES, leafHash } from '../../tlog/merkle.ts';
import { onesIn } from '../../tlog/sizes.ts';
import type { PublicJwk } from '../../trust/entity-statement.ts';
import { checkpointSteps } from '../proof/checkpoint-steps.ts';
import { readLeafText } from '../proof/proved-entry.ts';
import { statementSteps } from '../proof/statement-steps.ts';
import { listsLog, type SelfSignedRegion } from '../proof/statements.ts';
import { failed, ok, verdictOf, type Step } from '../proof/verdict.ts';
import { SegmentBroken } from './segment-broken.ts';
import { readSegment, type SegmentEntry, type SegmentHead } from './segment-file.ts';

export interface VerifySegmentOptions {
  /** Federation keys that are known from elsewhere: each statement must be signed by one of them. */
  readonly federationKeys?: readonly PublicJwk[] | undefined;
  /** Each entry as it is read: to be believed only when the verdict holds. */
  readonly onEntry?: ((entry: SegmentEntry, sequence: number) => void) | undefined;
}

/** What a file that was read to its end holds. */
export interface SegmentSummary {
  readonly origin: string;
  readonly from: number;
  readonly to: number;
  /** Wall clocks of the entries, milliseconds since the epoch. */
  readonly oldest: number;
  readonly newest: number;
  /** Entries with something sealed in the file. */
  readonly sealed: number;
  readonly bytes: number;
  /** Of the whole file, hexadecimal: as the log's own entry says it, and the store. */
  readonly sha256: string;
}

export interface SegmentVerdict {
  readonly holds: boolean;
  readonly steps: readonly Step[];
  /** Undefined where the file could not be read to its end. */
  readonly summary: SegmentSummary | undefined;
  /** The roots that were signed at its two ends, Base 64: where files join they are the same. */
  readonly roots: { readonly start: string | undefined; readonly end: string | undefined };
}

/** Entries whose hashes are put into the tree at once. */
const AT_ONCE = 256;

/**
 * Verifies one file by itself: its form, whose statements these are, the checkpoints at its two ends, that the tree
 * before leads to the first, and with each entry in its place to the second.
 */
export async function verifySegment(
  chunks: AsyncIterable<Uint8Array>,
  options: VerifySegmentOptions = {},
): Promise<SegmentVerdict> {
  const nothing = { summary: undefined, roots: { start: undefined, end: undefined } };
  try {
    const { head, tree, ...summary } = await readWhole(chunks, options);
    const form = ok('form', `entries ${head.from} to ${head.to - 1} of ${head.origin}`);
    const { steps: told, regions } = await statementSteps(head.statements, summary, options.federationKeys);
    const start = head.from === 0 ? undefined : await signedHead(head, head.start ?? '', head.from, regions);
    const end = await signedHead(head, head.end, head.to, regions);
    const steps = [
      form,
      ...told,
      ...(start?.steps ?? []),
      frontierStep(head, tree.before, start?.root),
      ...end.steps,
      rootStep(head, tree.after, end.root),
    ];
    const { origin, from, to } = head;
    const roots = { start: start?.root, end: end.root };
    return { ...verdictOf(steps), summary: { origin, from, to, ...summary }, roots };
  } catch (error) {
    if (!(error instanceof SegmentBroken)) throw error;
    return { ...verdictOf([failed(error.fault, error.message, error.sequence)]), ...nothing };
  }
}

/** @throws SegmentBroken */
async function readWhole(chunks: AsyncIterable<Uint8Array>, { onEntry }: VerifySegmentOptions) {
  const file = { bytes: 0, digest: createHash('sha256') };
  const { head, entries } = await readSegment(tapped(chunks, file));
  const before = frontierIn(head);
  let after = before;
  let hashes: Buffer[] = [];
  let [at, sealed, oldest, newest] = [head.from, 0, Infinity, -Infinity];
  for await (const entry of entries) {
    if (at === head.to) throw new SegmentBroken('order', `entry ${at} comes after the last`, at);
    const time = timeOf(entry, at);
    [oldest, newest] = [Math.min(oldest, time), Math.max(newest, time)];
    if (entry.sealed !== undefined) sealed += 1;
    onEntry?.(entry, at);
    hashes.push(leafHash(entry.leaf));
    at += 1;
    if (hashes.length === AT_ONCE) [after, hashes] = [append(after, hashes), []];
  }
  if (at < head.to) throw new SegmentBroken('order', `entry ${at} is not there`, at);
  after = append(after, hashes);
  const sha256 = file.digest.digest('hex');
  return { head, tree: { before, after }, oldest, newest, sealed, bytes: file.bytes, sha256 };
}

async function* tapped(
  chunks: AsyncIterable<Uint8Array>,
  file: { bytes: number; digest: ReturnType<typeof createHash> },
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    file.bytes += chunk.length;
    file.digest.update(chunk);
    yield chunk;
  }
}

function frontierIn({ from, frontier }: SegmentHead): Frontier {
  const hashes = frontier.map((text) => decodeBase64(text));
  const whole = hashes.filter((hash) => hash?.length === HASH_BYTES);
  if (whole.length === hashes.length && hashes.length === onesIn(from)) {
    return { size: from, hashes: whole as Buffer[] };
  }
  throw new SegmentBroken('frontier', `these are no hashes of a tree of ${from} entries`);
}

/** The entry's wall clock. @throws SegmentBroken `order`, `form` */
function timeOf({ leaf, sealed }: SegmentEntry, sequence: number): number {
  const said = readLeafText(leaf.toString('utf8'));
  if (said?.seq !== sequence) {
    const says = `entry ${sequence}: the leaf bears another number, or cannot be read`;
    throw new SegmentBroken('order', says, sequence);
  }
  if (sealed !== undefined && said.sealed === undefined) {
    const says = `entry ${sequence}: something is sealed that it does not commit to`;
    throw new SegmentBroken('form', says, sequence);
  }
  return said.at;
}

/** A checkpoint that the log signed, for that size, and that at least one neighbour cosigned: an end of a segment. */
async function signedHead(
  { origin }: SegmentHead,
  note: string,
  size: number,
  regions: readonly SelfSignedRegion[],
): Promise<{ steps: readonly Step[]; root: string | undefined }> {
  const owner = regions.find((one) => listsLog(one, origin));
  const { steps, checkpoint } = await checkpointSteps(origin, note, owner, regions);
  if (checkpoint === undefined) return { steps, root: undefined };
  if (checkpoint.size !== size) {
    const says = `a checkpoint of ${checkpoint.size} entries, where one of ${size} must be`;
    return { steps: [...steps, failed('checkpoint', says)], root: undefined };
  }
  const root = checkpoint.root.toString('base64');
  const cosigned = steps.some(({ check, result }) => check === 'cosignature' && result === 'ok');
  const none = failed('cosignature', `no neighbour has cosigned the checkpoint of ${size} entries`);
  return { steps: cosigned ? steps : [...steps, none], root };
}

function frontierStep({ from, start }: SegmentHead, before: Frontier, root: string | undefined): Step {
  if (from === 0) {
    return start === undefined
      ? ok('frontier', 'it begins with the first entry of the log')
      : failed('frontier', 'a checkpoint of what is before the first entry');
  }
  if (rootOf(before).toString('base64') === root) {
    return ok('frontier', `the tree of the ${from} entries before is the one that was signed`);
  }
  return failed('frontier', `the tree of the ${from} entries before is not the one that was signed`);
}

function rootStep({ from, to }: SegmentHead, after: Frontier, root: string | undefined): Step {
  return rootOf(after).toString('base64') === root
    ? ok('root', `entries ${from} to ${to - 1}, each in its place, lead to the signed root`)
    : failed('root', `entries ${from} to ${to - 1} do not lead to the root that was signed for ${to}`);
}
