import { EvidenceError } from '../errors.ts';
import { decodeBase64 } from './base64.ts';
import { claimedOrigin } from './checkpoint.ts';
import { HASH_BYTES } from './merkle.ts';
import { decodeUtf8, LARGEST_NOTE_BYTES } from './note.ts';
import { assertSize, parseSize } from './sizes.ts';

/** The most proof lines of a request (C2SP tlog-witness): a tree of 2^63 leaves needs no more. */
export const MOST_PROOF_LINES = 63;

const LONGEST_HEAD_BYTES = 4096;
/** The most bytes of a request. */
export const LARGEST_REQUEST_BYTES = LONGEST_HEAD_BYTES + LARGEST_NOTE_BYTES;

/** A log asks a witness to cosign a checkpoint (C2SP tlog-witness, "add-checkpoint"). */
export interface AddCheckpoint {
  /** Leaves of the checkpoint that the log believes the witness cosigned last; 0 for none. */
  readonly oldSize: number;
  /** The consistency proof from there, hashes of 32 bytes. */
  readonly proof: readonly Buffer[];
  /** The checkpoint as a signed note. */
  readonly checkpoint: string;
}

/** A request as it was read: nothing in it is believed yet. */
export interface ParsedAddCheckpoint extends AddCheckpoint {
  /** The log that the checkpoint claims to be of: only to find the key to verify it with. */
  readonly origin: string;
}

/**
 * The body of a request.
 *
 * @throws TypeError for a size or proof that cannot be.
 */
export function formatAddCheckpoint({ oldSize, proof, checkpoint }: AddCheckpoint): string {
  assertSize(oldSize);
  if (proof.length > MOST_PROOF_LINES || proof.some((each) => each.length !== HASH_BYTES)) {
    throw new TypeError('a proof has at most 63 hashes of 32 bytes');
  }
  const lines = [`old ${String(oldSize)}`, ...proof.map((each) => Buffer.from(each).toString('base64')), ''];
  return `${lines.join('\n')}\n${checkpoint}`;
}

/**
 * Reads the body of a request. To be answered 400 if it cannot be read, 404 if the origin is not a known log's.
 *
 * @throws EvidenceError `malformed` for more than 132 KiB, 63 proof lines, or any line that is not as it must be.
 */
export function parseAddCheckpoint(body: string | Uint8Array): ParsedAddCheckpoint {
  if (body.length > LARGEST_REQUEST_BYTES) throw new EvidenceError('malformed', 'request too large');
  const whole = typeof body === 'string' ? body : decodeUtf8(body);
  const blank = whole.indexOf('\n\n');
  const [oldLine = '', ...proofLines] = whole.slice(0, Math.max(blank, 0)).split('\n');
  const oldSize = oldLine.startsWith('old ') ? parseSize(oldLine.slice('old '.length)) : undefined;
  if (oldSize === undefined || proofLines.length > MOST_PROOF_LINES)
    throw new EvidenceError('malformed', 'old');
  const checkpoint = whole.slice(blank + 2);
  return { oldSize, proof: proofLines.map(parseProofLine), checkpoint, origin: claimedOrigin(checkpoint) };
}

function parseProofLine(line: string): Buffer {
  const hash = decodeBase64(line);
  if (hash?.length !== HASH_BYTES) throw new EvidenceError('malformed', 'proof');
  return hash;
}

/** The media type of the 409 answer's body. */
export const KNOWN_SIZE_TYPE = 'text/x.tlog.size';

/** The body of the 409 answer: the size of the checkpoint that the witness cosigned last. */
export function formatKnownSize(size: number): string {
  assertSize(size);
  return `${String(size)}\n`;
}

/**
 * Reads a 409 answer's body.
 *
 * @throws EvidenceError `malformed`.
 */
export function parseKnownSize(body: string): number {
  const size = body.endsWith('\n') ? parseSize(body.slice(0, -1)) : undefined;
  if (size === undefined) throw new EvidenceError('malformed', 'known size');
  return size;
}
