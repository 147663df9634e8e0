import { FileRefused } from './refused.ts';

/** What a file's bytes say, and how they were read. */
export interface DecodedText {
  readonly text: string;
  readonly encoding: 'utf-8' | 'windows-1252';
}

const UTF_16_MARKS = [
  [0xff, 0xfe],
  [0xfe, 0xff],
] as const;

/**
 * UTF-8, with or without a byte order mark; what is not UTF-8 is read as windows-1252, in which the publishers' older files
 * are, and the caller says so.
 *
 * @throws FileRefused for UTF-16, and for what is no text
 */
export function textOf(bytes: Uint8Array): DecodedText {
  if (UTF_16_MARKS.some(([first, second]) => bytes[0] === first && bytes[1] === second)) {
    throw new FileRefused('it is UTF-16: save it as UTF-8, or fetch it anew');
  }
  if (bytes.includes(0)) throw new FileRefused('it is no text: name a published CSV file, unpacked');
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), encoding: 'utf-8' };
  } catch {
    return { text: new TextDecoder('windows-1252').decode(bytes), encoding: 'windows-1252' };
  }
}
