import { z } from 'zod';

import { EvidenceError } from '../../errors.ts';
import type { Opened } from '../sealing.ts';

/** Names the form; a reader of another form refuses the file. */
export const EVIDENCE_FORM = 'wayleave-evidence/1';

/** One entry of the log, with all that is needed to believe it. */
export interface EvidenceEntry {
  readonly sequence: number;
  /** The bytes that the tree covers, as text. */
  readonly leaf: string;
  /** The path from the leaf to the checkpoint's root (RFC 9162, 2.1.3), hashes in Base 64, the leaf's sibling first. */
  readonly proof: readonly string[];
  /** Salt and value of each commitment, in the leaf's order; absent where nothing was sealed, or it was erased. */
  readonly opened?: Readonly<Record<string, Opened>>;
}

/** The entry that tells of a decision on trust, and of what log it is. Nothing sealed is opened. */
export interface DecisionEntry extends Pick<EvidenceEntry, 'sequence' | 'leaf'> {
  readonly origin: string;
  /** A signed note that covers the entry, with its cosignatures, and the path to it; absent where its log has none. */
  readonly proved?: { readonly checkpoint: string; readonly proof: readonly string[] };
}

/** All that proves one exchange, as one end of it kept it: it is verified with nothing else at hand. */
export interface EvidenceFile {
  /** The log that the entries are of (C2SP tlog-checkpoint). */
  readonly origin: string;
  /** What ties the entries together: the request's id at the asker, the query's `jti` at the responder. */
  readonly exchange: string;
  /** Entity statements: the log's own region first, then each region that appears in an entry or cosigned. */
  readonly statements: readonly string[];
  /** A signed note that covers every entry, with its cosignatures. */
  readonly checkpoint: string;
  /** In the order of the log. */
  readonly entries: readonly EvidenceEntry[];
  /** What this region decided about who signed in it, in the order in which it did; absent where it decided nothing. */
  readonly decisions?: readonly DecisionEntry[];
}

/**
 * The one text of an evidence file: members in this order, no white space, one newline at the end. Any other text
 * is refused, so that every byte says something that is checked.
 */
export function formatEvidence(file: EvidenceFile): string {
  const { origin, exchange, statements, checkpoint } = file;
  const entries = file.entries.map(({ sequence, leaf, proof, opened }) => ({
    ...{ sequence, leaf, proof },
    ...(opened === undefined ? {} : { opened: Object.fromEntries(Object.entries(opened).map(inOrder)) }),
  }));
  const version = EVIDENCE_FORM;
  const decisions = file.decisions?.map(({ origin: log, sequence, leaf, proved }) => ({
    ...{ origin: log, sequence, leaf },
    proved: proved && { checkpoint: proved.checkpoint, proof: proved.proof },
  }));
  return `${JSON.stringify({ version, origin, exchange, statements, checkpoint, entries, decisions })}\n`;
}

const inOrder = ([name, { salt, value }]: [string, Opened]) => [name, { salt, value }] as const;

/** A lone surrogate is many texts to JSON and one to UTF-8. */
const text = z.string().refine((given) => given.isWellFormed(), 'well-formed text');

const placed = { sequence: z.int().nonnegative(), leaf: text };
const proof = z.array(text);

const evidence = z.strictObject({
  version: z.literal(EVIDENCE_FORM),
  origin: text,
  exchange: text,
  statements: z.array(text).min(1),
  checkpoint: text,
  entries: z
    .array(
      z.strictObject({
        ...{ ...placed, proof },
        opened: z.record(text, z.strictObject({ salt: text, value: text })).exactOptional(),
      }),
    )
    .min(1),
  decisions: z
    .array(
      z.strictObject({
        ...{ origin: text, ...placed },
        proved: z.strictObject({ checkpoint: text, proof }).exactOptional(),
      }),
    )
    .min(1)
    .exactOptional(),
});

/**
 * Reads a file; nothing in it is believed yet.
 *
 * @throws EvidenceError `malformed` for any text but the one that `formatEvidence` writes
 */
export function readEvidence(bytes: Uint8Array): EvidenceFile {
  const parsed = evidence.safeParse(parseJson(bytes));
  if (!parsed.success) throw new EvidenceError('malformed', 'evidence file');
  const { version: _form, ...file } = parsed.data;
  if (Buffer.compare(Buffer.from(formatEvidence(file)), bytes) !== 0) {
    throw new EvidenceError('malformed', 'not the one text of an evidence file');
  }
  return file;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw new EvidenceError('malformed', 'not JSON', { cause });
  }
}
