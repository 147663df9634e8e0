import assert from 'node:assert/strict';

import {
  exportLines,
  extractFrom,
  MalformedExport,
  readExport,
  type LogExtract,
} from '../../src/audit/questions/log-export.ts';
import { found, storeOf } from './found-entries.ts';

const NOON = Date.parse('2026-11-11T12:00:00Z');

describe('an export of the log', () => {
  const entries = [
    found(NOON + 300, 'response-believed', { region: 'b', jti: 'j', response_digest: 'r' }),
    found(NOON, 'query-sent', { region: 'b', jti: 'j', query_digest: 'q', organisation: 'RQW' }),
    found(NOON + 100, 'interrupted', { exchange: 'x' }),
    found(NOON + 200, 'query-sent', { region: 'c', jti: 'k' }),
  ];
  const extract = (): LogExtract =>
    extractFrom(storeOf(entries), { region: 'a', with: 'b', from: 0, to: NOON + 1_000 }, 1);
  const text = async (lines: AsyncIterable<string>): Promise<string> => {
    let whole = '';
    for await (const line of lines) whole += line;
    return whole;
  };
  const chunks = async function* (content: string, size = 7): AsyncGenerator<string, void, undefined> {
    for (let at = 0; at < content.length; at += size)
      yield await Promise.resolve(content.slice(at, at + size));
  };

  it('is read as it was written, in whatever pieces it comes', async () => {
    const written = await text(exportLines(extract()));
    const again = await readExport(chunks(written));
    assert.equal(await text(exportLines(again)), written);
    assert.equal(written.trimEnd().split('\n').length, 4);
    assert.doesNotMatch(written, /sealed|RQW|"k"/);
  });

  const WRONG: [string, (written: string) => string][] = [
    ['nothing', () => ''],
    ['no head', (written) => written.split('\n').slice(1).join('\n')],
    ['a line that is no JSON', (written) => `${written}{\n`],
    ['an entry of no known kind', (written) => written.replace('query-sent', 'query-guessed')],
    ['an entry out of its order', (written) => `${written}${written.split('\n')[1]}\n`],
  ];
  for (const [name, change] of WRONG) {
    it(`refuses ${name}`, async () => {
      const written = change(await text(exportLines(extract())));
      const read = async (): Promise<string> => text(exportLines(await readExport(chunks(written, 4096))));
      await assert.rejects(read, MalformedExport);
    });
  }

  it('does not read on in a line that has no end', async () => {
    let pieces = 0;
    const endless = async function* (): AsyncGenerator<string, void, undefined> {
      for (; pieces < 1_000; pieces += 1) yield await Promise.resolve('x'.repeat(1_024));
    };
    await assert.rejects(readExport(endless()), MalformedExport);
    assert.ok(pieces < 100, `${pieces}`);
  });
});
