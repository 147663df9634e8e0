import { EvidenceError } from '../errors.ts';
import { decodeBase64 } from './base64.ts';

/** The most signatures a note may have (C2SP signed-note asks for at least 16). */
export const MOST_SIGNATURES = 100;
/** The most bytes a note may have: room for 16 signatures of the largest, post-quantum, kind. */
export const LARGEST_NOTE_BYTES = 128 * 1024;

const KEY_ID_BYTES = 4;

/** One signature line of a note, not verified by being read. */
export interface NoteSignature {
  readonly name: string;
  /** The key id as an unsigned 32-bit number; with the name it says which key signed, and how. */
  readonly keyId: number;
  /** What follows the key id: at least one byte, its form is the key's business. */
  readonly signature: Buffer;
}

/** A note that is well formed (C2SP signed-note). Nothing in it is believed until a signature is verified. */
export interface Note {
  /** What is signed, with its final newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/**
 * Reads a note: text, blank line, one or more signature lines.
 *
 * @throws EvidenceError `malformed` for more than 128 KiB or 100 signatures, what is not UTF-8, an ASCII control
 *   character other than newline, or a line that is not a signature's after the last blank line.
 */
export function parseNote(note: string | Uint8Array): Note {
  const whole = readText(note);
  const blank = whole.lastIndexOf('\n\n');
  if (blank < 0) throw new EvidenceError('malformed', 'note');
  return { text: whole.slice(0, blank + 1), signatures: parseSignatureLines(whole.slice(blank + 2)) };
}

/**
 * Reads one or more signature lines, each with its newline, as a note ends with and a witness answers.
 *
 * @throws EvidenceError `malformed` as `parseNote`.
 */
export function parseSignatureLines(text: string | Uint8Array): NoteSignature[] {
  const whole = readText(text);
  if (!whole.endsWith('\n')) throw new EvidenceError('malformed', 'signature line');
  const lines = whole.slice(0, -1).split('\n');
  if (lines.length > MOST_SIGNATURES) throw new EvidenceError('malformed', 'too many signatures');
  return lines.map(parseSignatureLine);
}

function parseSignatureLine(line: string): NoteSignature {
  const [, name = '', base64 = ''] = /^— ([^ ]+) ([^ ]+)$/.exec(line) ?? [];
  const bytes = decodeBase64(base64);
  if (!isKeyName(name) || bytes === undefined || bytes.length <= KEY_ID_BYTES) {
    throw new EvidenceError('malformed', 'signature line');
  }
  return { name, keyId: bytes.readUInt32BE(), signature: bytes.subarray(KEY_ID_BYTES) };
}

/** One signature line, with its newline: `— <name> <base64(key id || signature)>`. */
export function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  const id = Buffer.alloc(KEY_ID_BYTES);
  id.writeUInt32BE(keyId);
  return `— ${name} ${Buffer.concat([id, signature]).toString('base64')}\n`;
}

/**
 * A note of `text` (with its final newline) and signature lines (each with its newline).
 *
 * @throws EvidenceError `malformed` if that is not a note, or would be read as another text.
 */
export function formatNote(text: string, signatureLines: readonly string[]): string {
  const note = `${text}\n${signatureLines.join('')}`;
  if (parseNote(note).text !== text) throw new EvidenceError('malformed', 'note');
  return note;
}

/** A key's name is not empty, has no Unicode space, plus or control character (C2SP signed-note, "Format"). */
export function isKeyName(name: string): boolean {
  return name.isWellFormed() && /^[^\p{White_Space}+\0-\x1f]+$/u.test(name);
}

/** UTF-8 of at most 128 KiB without control characters but newline. A byte order mark is a character like others. */
function readText(note: string | Uint8Array): string {
  const tooLarge = (typeof note === 'string' ? Buffer.byteLength(note) : note.length) > LARGEST_NOTE_BYTES;
  if (tooLarge) throw new EvidenceError('malformed', 'note too large');
  const text = typeof note === 'string' ? note : decodeUtf8(note);
  if (!text.isWellFormed() || /[\0-\x09\x0b-\x1f]/.test(text)) throw new EvidenceError('malformed', 'note');
  return text;
}

export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new EvidenceError('malformed', 'not UTF-8', { cause });
  }
}
