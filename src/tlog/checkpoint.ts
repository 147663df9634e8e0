import type { KeyObject } from 'node:crypto';

import { EvidenceError } from '../errors.ts';
import { decodeBase64 } from './base64.ts';
import { HASH_BYTES } from './merkle.ts';
import { formatNote, formatSignatureLine, parseNote, type Note } from './note.ts';
import { SIGNATURE_TYPE, verifierKey } from './note-keys.ts';
import { cosignText, signText, verifiedSignatures } from './note-signing.ts';
import { assertSize, parseSize } from './sizes.ts';

/** A tree's head (C2SP tlog-checkpoint, "Note text"). */
export interface TreeHead {
  /** Names the log; also the name of the key that it signs with. */
  readonly origin: string;
  /** Leaves. */
  readonly size: number;
  /** 32 bytes. */
  readonly root: Buffer;
}

/** A checkpoint that its log has signed: only `openCheckpoint` gives one. */
export interface Checkpoint extends TreeHead {
  /** The note's text, which witnesses cosign. */
  readonly text: string;
  /** Lines after the root, opaque. */
  readonly extensions: readonly string[];
}

/**
 * A note with the head, signed by the log under its origin's name.
 *
 * @param privateKey The log's Ed25519 key.
 * @throws TypeError for a head or key that cannot be; EvidenceError `malformed` for an extension line that is
 *   empty or has a newline or control character.
 */
export function signCheckpoint(
  head: TreeHead & { readonly extensions?: readonly string[] },
  privateKey: KeyObject,
): string {
  const text = formatBody(head, head.extensions ?? []);
  return formatNote(text, [formatSignatureLine(signText(text, head.origin, privateKey))]);
}

function formatBody({ origin, size, root }: TreeHead, extensions: readonly string[]): string {
  assertSize(size);
  if (root.length !== HASH_BYTES) throw new TypeError('a root has 32 bytes');
  if (extensions.some((line) => line === '' || line.includes('\n'))) {
    throw new EvidenceError('malformed', 'extension line');
  }
  const lines = [origin, String(size), Buffer.from(root).toString('base64'), ...extensions];
  return lines.map((line) => `${line}\n`).join('');
}

/** What is known of a log: its name, and the public keys (Ed25519) that may sign its checkpoints now. */
export interface KnownLog {
  readonly origin: string;
  readonly keys: readonly KeyObject[];
}

/**
 * Verifies a checkpoint's own signature, then reads it. Signatures of others are passed over.
 *
 * @throws EvidenceError `malformed` for what is no note or no checkpoint; `unknown-kid` if none of the log's keys
 *   signed it; `bad-signature` if one that bears a key's name and id does not verify; `wrong-issuer` if the log
 *   signed a checkpoint of another origin.
 */
export function openCheckpoint(note: string | Uint8Array | Note, log: KnownLog): Checkpoint {
  const read = parsed(note);
  const keys = log.keys.map((key) => verifierKey(log.origin, SIGNATURE_TYPE.ed25519, key));
  if (verifiedSignatures(read, keys).length === 0) throw new EvidenceError('unknown-kid', 'checkpoint');
  const checkpoint = parseBody(read.text);
  if (checkpoint.origin !== log.origin) throw new EvidenceError('wrong-issuer', 'checkpoint');
  return checkpoint;
}

/** The origin that a note claims, unverified: good for nothing but finding the log whose key to verify it with. */
export function claimedOrigin(note: string | Uint8Array | Note): string {
  return claimedHead(note).origin;
}

/** The head that a note says: believe it of one that was verified before. @throws EvidenceError `malformed` */
export function claimedHead(note: string | Uint8Array | Note): Checkpoint {
  return parseBody(parsed(note).text);
}

/** Whether a note bears signatures beside its log's own: whose they are is not looked at. @throws EvidenceError `malformed` */
export function looksCosigned(note: string): boolean {
  return parseNote(note).signatures.length > 1;
}

const parsed = (note: string | Uint8Array | Note): Note =>
  typeof note === 'string' || note instanceof Uint8Array ? parseNote(note) : note;

function parseBody(text: string): Checkpoint {
  const [origin = '', sizeLine = '', rootLine = '', ...extensions] = text.slice(0, -1).split('\n');
  const size = parseSize(sizeLine);
  const root = decodeBase64(rootLine);
  if (!text.endsWith('\n')) throw new EvidenceError('malformed', 'checkpoint');
  if (origin === '' || size === undefined || root?.length !== HASH_BYTES || extensions.includes('')) {
    throw new EvidenceError('malformed', 'checkpoint');
  }
  return { origin, size, root, text, extensions };
}

/**
 * A witness's signature line, with its newline, over a checkpoint's text (C2SP tlog-cosignature, Ed25519).
 *
 * @param privateKey The witness's Ed25519 key, which must sign nothing else (no log's checkpoint either).
 * @param atSeconds Whole seconds since the epoch, more than 0.
 * @throws TypeError for a key, name or time that cannot be; EvidenceError `malformed` unless the text is a
 *   checkpoint's.
 */
export function cosign(noteText: string, witness: string, privateKey: KeyObject, atSeconds: number): string {
  const { text } = parseBody(noteText);
  return formatSignatureLine(cosignText(text, witness, privateKey, atSeconds));
}

/** A key that a witness may cosign with; a witness with several has several of these. */
export interface Witness {
  readonly name: string;
  /** Ed25519, public. */
  readonly key: KeyObject;
}

export interface Cosignature {
  readonly witness: string;
  /** Seconds since the epoch: the checkpoint existed then. */
  readonly atSeconds: number;
  /** The signature line with its newline, to be kept with the checkpoint. */
  readonly line: string;
}

/**
 * The cosignatures of known witnesses on a note, verified, at most one for each witness (so that they can be
 * counted): its earliest. Those of others are passed over. The log's own signature is `openCheckpoint`'s matter.
 *
 * @throws EvidenceError `malformed` for what is no checkpoint; `bad-signature` if one that bears a witness's name
 *   and key id does not verify.
 */
export function cosignaturesOf(
  note: string | Uint8Array | Note,
  witnesses: readonly Witness[],
): Cosignature[] {
  const read = parsed(note);
  parseBody(read.text);
  const keys = witnesses.map(({ name, key }) => verifierKey(name, SIGNATURE_TYPE.cosignature, key));
  const earliest = new Map<string, Cosignature>();
  for (const { signature, atSeconds = 0 } of verifiedSignatures(read, keys)) {
    const known = earliest.get(signature.name);
    if (known !== undefined && known.atSeconds <= atSeconds) continue;
    const line = formatSignatureLine(signature);
    earliest.set(signature.name, { witness: signature.name, atSeconds, line });
  }
  return [...earliest.values()];
}
