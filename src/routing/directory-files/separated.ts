import { FileRefused } from './refused.ts';

/** One line of a file with separators, its cells without quotes; or why it has none. */
export type SeparatedLine =
  | { readonly line: number; readonly cells: readonly string[] }
  | { readonly line: number; readonly wrong: string };

/**
 * Splits text as RFC 4180 has it (quoted cells, a quote in one doubled; lines end with CRLF or LF), more strictly: no cell goes
 * over a line's end, so that a quote that is left open spoils its own line and swallows no other.
 *
 * @throws FileRefused where the last line has no end: whatever was cut off behind it is missing too
 */
export function separatedLines(text: string, separator: string): SeparatedLine[] {
  const lines = text.split('\n');
  const rest = lines.pop() ?? '';
  if (rest !== '') {
    const line = lines.length + 1;
    throw new FileRefused(`line ${line} has no end, so the file was cut short: fetch it anew`, line);
  }
  return lines
    .map((one, nth) => ({ line: nth + 1, text: one.endsWith('\r') ? one.slice(0, -1) : one }))
    .filter((one) => one.text !== '')
    .map((one) => ({ line: one.line, ...cellsOf(one.text, separator) }));
}

function cellsOf(text: string, separator: string): { cells: string[] } | { wrong: string } {
  if (!text.includes('"')) return { cells: text.split(separator) };
  const cells: string[] = [];
  for (let from = 0; from <= text.length;) {
    if (text[from] !== '"') {
      const end = endOfPlain(text, separator, from);
      const cell = text.slice(from, end);
      if (cell.includes('"')) return { wrong: `cell ${cells.length + 1} has a quote inside and none around` };
      cells.push(cell);
      from = end + 1;
      continue;
    }
    const end = endOfQuoted(text, from);
    if (end === -1) return { wrong: `the quote of cell ${cells.length + 1} is left open` };
    if (end + 1 < text.length && text[end + 1] !== separator) {
      return { wrong: `something follows the closing quote of cell ${cells.length + 1}` };
    }
    cells.push(text.slice(from + 1, end).replaceAll('""', '"'));
    from = end + 2;
  }
  return { cells };
}

function endOfPlain(text: string, separator: string, from: number): number {
  const end = text.indexOf(separator, from);
  return end === -1 ? text.length : end;
}

/** Where the quote that opens at `from` is closed; -1 where it is not. */
function endOfQuoted(text: string, from: number): number {
  for (let at = from + 1; ; at += 2) {
    at = text.indexOf('"', at);
    if (at === -1 || text[at + 1] !== '"') return at;
  }
}
