import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';

import { EvidenceError } from '../../src/errors.ts';
import {
  formatNote,
  formatSignatureLine,
  LARGEST_NOTE_BYTES,
  parseNote,
  parseSignatureLines,
} from '../../src/tlog/note.ts';
import { signText } from '../../src/tlog/note-signing.ts';

const code =
  (wanted: string) =>
  (error: unknown): boolean =>
    error instanceof EvidenceError && error.code === wanted;

const { privateKey } = generateKeyPairSync('ed25519');
const TEXT = 'one\ntwo\n';
const LINE = formatSignatureLine(signText(TEXT, 'a.example/log', privateKey));
const base64 = LINE.trim().split(' ')[2] ?? '';
const named = (name: string): string => `— ${name} ${base64}\n`;

describe('the form of a note', () => {
  for (const [what, text, lines] of [
    ['one signature', 'text\n', [LINE]],
    ['100 signatures', 'text\n', Array.from({ length: 100 }, () => LINE)],
    ['empty lines in the text', 'one\n\n\n— two\n', [LINE]],
    ['a text of one empty line', '\n', [LINE]],
    ['letters of any script', 'Ångström — ναι 漢字 😀\n', [named('beispiel.example/prüfer-漢')]],
    ['a byte order mark', '\ufefftext\n', [LINE]],
    ['a signature of one byte', 'text\n', ['— a AAAAAAA=\n']],
    ['a signature of 5,000 bytes', 'text\n', [`— a ${Buffer.alloc(5004).toString('base64')}\n`]],
  ] as const) {
    it(`may have ${what}`, () => {
      const note = formatNote(text, lines);
      assert.equal(note, `${text}\n${lines.join('')}`);
      for (const form of [note, Buffer.from(note), new Uint8Array(Buffer.from(note))]) {
        const read = parseNote(form);
        assert.equal(read.text, text);
        assert.deepEqual(read.signatures.map(formatSignatureLine), [...lines]);
      }
    });
  }

  for (const [what, note] of [
    ['nothing', ''],
    ['no signature block', 'text\n'],
    ['an empty signature block', 'text\n\n'],
    ['only an empty line in it', 'text\n\n\n'],
    ['no blank line', `text\n${LINE}`],
    ['no text', `\n${LINE}`],
    ['no final newline', `text\n\n${LINE.trimEnd()}`],
    ['an empty line after the signatures', `text\n\n${LINE}\n`],
    ['a line among them that is no signature', `text\n\n${LINE}hello\n${LINE}`],
    ['101 signatures', `text\n\n${LINE.repeat(101)}`],
    ['a hyphen for the em dash', `text\n\n${LINE.replace('—', '-')}`],
    ['no space after the em dash', `text\n\n${LINE.replace('— ', '—')}`],
    ['two spaces after it', `text\n\n${LINE.replace('— ', '—  ')}`],
    ['no name', `text\n\n— ${base64}\n`],
    ['a plus in the name', `text\n\n${named('a+b')}`],
    ['a space in the name', `text\n\n${named('a b')}`],
    ['a no-break space in the name', `text\n\n${named('a\u00a0b')}`],
    ['an ideographic space in the name', `text\n\n${named('a\u3000b')}`],
    ['a next-line character in the name', `text\n\n${named('a\u0085b')}`],
    ['no signature', 'text\n\n— a.example/log\n'],
    ['an empty signature', 'text\n\n— a.example/log \n'],
    ['only a key id', 'text\n\n— a.example/log AAAAAA==\n'],
    ['a space after the signature', `text\n\n${LINE.replace('\n', ' \n')}`],
    ['base64 without padding', `text\n\n${LINE.replace('=', '')}`],
    ['base64 with bits over', `text\n\n— a.example/log AAAAAAB=\n`],
    ['base64url', 'text\n\n— a.example/log AAAA_-AA\n'],
    [
      'a newline in the base64',
      `text\n\n${LINE.replace(base64, `${base64.slice(0, 8)}\n${base64.slice(8)}`)}`,
    ],
    ['a carriage return', `text\r\n\n${LINE}`],
    ['a tab', `te\txt\n\n${LINE}`],
    ['a null character', `te\0xt\n\n${LINE}`],
    ['a unit separator in the name', `text\n\n${named('a\u001fb')}`],
    ['half a surrogate pair', `te\ud800xt\n\n${LINE}`],
    ['half a surrogate pair in the name', `text\n\n${named('a\udc00')}`],
    ['bytes that are not UTF-8', Buffer.concat([Buffer.of(0xff), Buffer.from(`text\n\n${LINE}`)])],
    ['an overlong encoding', Buffer.concat([Buffer.of(0xc0, 0xaf), Buffer.from(`text\n\n${LINE}`)])],
    ['a surrogate in UTF-8', Buffer.concat([Buffer.of(0xed, 0xa0, 0x80), Buffer.from(`text\n\n${LINE}`)])],
    ['too many bytes', `${'x'.repeat(LARGEST_NOTE_BYTES - LINE.length)}\n\n${LINE}`],
    ['too many bytes, in few characters', `${'😀'.repeat(LARGEST_NOTE_BYTES / 4)}\n\n${LINE}`],
  ] as const) {
    it(`may not have ${what}`, () => {
      assert.throws(() => parseNote(note), code('malformed'));
      if (typeof note !== 'string' || !note.isWellFormed()) return;
      assert.throws(() => parseNote(Buffer.from(note)), code('malformed'));
    });
  }

  it('is not made of a text that would be read as another, nor of lines that are not signatures', () => {
    for (const [text, lines] of [
      ['no newline', [LINE]],
      ['', [LINE]],
      ['text\n', []],
      ['text\n', ['hello\n']],
      ['text\n', [LINE.trimEnd()]],
      ['text\n', ['\n', LINE]],
      [`text\n\n${LINE}`, ['', '']],
    ] as const) {
      assert.throws(() => formatNote(text, lines), code('malformed'), text);
    }
  });

  it('of a witness’s answer is signature lines alone', () => {
    assert.equal(parseSignatureLines(LINE + LINE).length, 2);
    assert.equal(parseSignatureLines(Buffer.from(LINE))[0]?.name, 'a.example/log');
    for (const wrong of ['', '\n', LINE.trimEnd(), `text\n\n${LINE}`, `${LINE}\n`]) {
      assert.throws(() => parseSignatureLines(wrong), code('malformed'));
    }
  });
});
