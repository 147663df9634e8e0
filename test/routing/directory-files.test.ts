import assert from 'node:assert/strict';

import type { DirectoryRead } from '../../src/routing/directory-files/facts.ts';
import { readDirectoryFile } from '../../src/routing/directory-files/read-file.ts';
import { FileRefused } from '../../src/routing/directory-files/refused.ts';
import { separatedLines } from '../../src/routing/directory-files/separated.ts';
import {
  costCentreLine,
  icbLine,
  odsFile,
  odsFiles,
  practiceMap,
  SITES_HEADER,
} from '../support/ods-files.ts';

const TODAY = '2026-11-23';
const read = (text: string | Uint8Array): DirectoryRead =>
  readDirectoryFile(typeof text === 'string' ? Buffer.from(text) : text, TODAY);
const refusal = (text: string | Uint8Array): FileRefused => {
  try {
    read(text);
  } catch (error) {
    if (error instanceof FileRefused) return error;
    throw error;
  }
  return assert.fail('it was read');
};
const TWO = costCentreLine({ code: 'F81027' }) + costCentreLine({ code: 'E82006', commissioner: '06K' });

describe('lines with separators', () => {
  const cells = (text: string): unknown[] =>
    separatedLines(text, ',').map((one) => ('cells' in one ? one.cells : `${one.line} wrong`));

  it('are split at separators that are not in quotes, with either line end', () => {
    assert.deepEqual(cells('a,b\r\nc,"d,e"\n'), [
      ['a', 'b'],
      ['c', 'd,e'],
    ]);
    assert.deepEqual(cells('"a ""b"" c","",\n'), [['a "b" c', '', '']]);
    assert.deepEqual(cells('""""\n'), [['"']]);
    assert.deepEqual(cells(',\n\n"x"\n'), [['', ''], ['x']]);
  });

  it('and each with a quote in a wrong place is named, and spoils no other', () => {
    assert.deepEqual(cells('"a,b\nc,d\n"e"f,g\nh"i,j\n'), ['1 wrong', ['c', 'd'], '3 wrong', '4 wrong']);
  });

  it('and without an end of the last none is taken', () => {
    assert.throws(() => separatedLines('a,b\nc,d', ','), { line: 2 });
    assert.throws(() => separatedLines('a,b\r\nc,d\r', ','), { line: 2 });
  });
});

describe('a published file', () => {
  it('is known by what is in it', () => {
    const files: [string, string][] = [
      ['cost-centres', TWO],
      ['practice-map', practiceMap([['F81027', '07H', 'D7T5G']])],
      ['trusts', icbLine('RQW', 'D7T5G', { type: 'G' }) + icbLine('G6V2S', 'Z9B2Z', { type: 'H' })],
      ['sub-icbs', icbLine('07H', 'QM7', { roles: 'RO319' }) + icbLine('00C', 'QHM', { closed: '20200331' })],
      ['sites', `${SITES_HEADER}\n1~RQWG0~Hospital~Princess Alexandra~CM20 1QX~RQW~A trust\n`],
      ['icbs', 'ICB24CD,ICB24CDH,ICB24NM,ObjectId\nE54000025,QM7,NHS Hertfordshire and West Essex,11\n'],
    ];
    for (const [kind, text] of files) assert.equal(read(text).kind, kind);
    for (const [, text] of files) assert.deepEqual([read(text).refused, read(text).warnings], [[], []]);
  });

  it('says the same in both dialects', () => {
    const old = costCentreLine({ code: 'F81027', status: 'A', setting: '4' }, '\n');
    const now = costCentreLine({ code: 'F81027', status: 'ACTIVE', setting: 'RO76' });
    assert.deepEqual(read(old).organisations, read(now).organisations);
    const letters = ['A', 'C', 'D', 'P'].map((status, n) =>
      costCentreLine({ code: `F8100${n}`, status, setting: '3' }),
    );
    const found = [...read(letters.join('')).organisations.values()];
    assert.deepEqual(
      found.map(({ status }) => status),
      ['open', 'closed', 'dormant', 'proposed'],
    );
    assert.deepEqual(found[0]?.roles, ['RO80', 'RO87']);
    const both = read(costCentreLine({ code: 'B81042', setting: 'RO76|RO268' })).organisations.get('B81042');
    assert.deepEqual(both?.roles, ['RO76', 'RO268']);
  });

  it('gives what its columns say: the commissioner, not the ground', () => {
    const line = { code: 'F81062', icb: 'QMF', commissioner: '07H', opened: '19740401', closed: '20260331' };
    const facts = read(costCentreLine(line)).organisations.get('F81062');
    assert.deepEqual(facts, {
      ...{ name: 'PRACTICE F81062', status: 'open', subIcb: '07H', roles: ['RO76'] },
      ...{ opened: '1974-04-01', closed: '2026-03-31', joined: '2013-04-01', left: '2026-03-31' },
    });
    const map = read(practiceMap([['F81027', '07H', 'D7T5G']]));
    assert.equal(map.date, '2026-08-01');
    assert.deepEqual(map.organisations.get('F81027'), {
      name: 'SMITH, "JO" AND CO',
      subIcb: '07H',
      icb: 'D7T5G',
    });
  });

  it('with a byte order mark is read, and with bytes that are no UTF-8 as windows-1252, which is said', () => {
    assert.deepEqual(read(`\uFEFF${TWO}`).organisations, read(TWO).organisations);
    const marked = read(`\uFEFF${practiceMap([['F81027', '07H', 'D7T5G']])}`);
    assert.deepEqual([...marked.organisations.keys()], ['F81027']);
    const latin = Buffer.concat([
      Buffer.from(TWO),
      Buffer.from(costCentreLine({ code: 'E82074', name: 'CAF\u00C9' }), 'latin1'),
    ]);
    const decoded = read(latin);
    assert.equal(decoded.organisations.get('E82074')?.name, 'CAF\u00C9');
    assert.deepEqual(
      decoded.warnings.map(({ line }) => line),
      [3],
    );
  });

  it('that is none, or no text, is refused whole', () => {
    const none = ['', 'one line\n', 'nhs_number,kind\n9990000018,objection\n', '{"a":1}\n', '\n\n'];
    for (const text of none) assert.match(refusal(text).message, /name |not one/);
    assert.match(refusal(Buffer.from([0xff, 0xfe, 0x41, 0x00])).message, /UTF-16/);
    assert.match(refusal(Buffer.from([0x50, 0x4b, 3, 4, 0, 0, 0])).message, /no text/);
    // Sites of trusts and branches of practices have 27 columns too.
    assert.ok(refusal(icbLine('R0A01', 'QOP') + icbLine('R0A02', 'QOP')));
    assert.ok(refusal(costCentreLine({ code: 'E82006001' })));
  });

  it('that was cut short is refused whole, with the line', () => {
    for (let cut = 1; cut < 60; cut += 7) {
      assert.equal(refusal(TWO.slice(0, -cut - 1)).line, 2);
    }
    assert.equal(refusal(practiceMap([['F81027', '07H', 'D7T5G']]).slice(0, -3)).line, 2);
  });

  it('of the future is refused whole', () => {
    assert.match(refusal(practiceMap([['F81027', '07H', 'D7T5G']], '01Dec2026')).message, /2026-12-01/);
  });

  const LINES: [string, string, RegExp][] = [
    ['a column too few', costCentreLine({ code: 'F81028' }).replace('"1",', ''), /26 columns/],
    ['a column too many', costCentreLine({ code: 'F81028' }).replace('"1"', '"1","2"'), /28 columns/],
    [
      'a quote left open',
      costCentreLine({ code: 'F81028' }).replace('"HARLOW"', '"HARLOW'),
      /quote|columns|follows/,
    ],
    ['no commissioner', costCentreLine({ code: 'F81028', commissioner: '' }), /no commissioner/],
    ['a code that is none', costCentreLine({ code: 'F8-028' }), /no ODS code/],
    ['a code that was there', costCentreLine({ code: 'F81027', commissioner: '36L' }), /line 1 already/],
    ['a status nobody knows', costCentreLine({ code: 'F81028', status: 'GONE' }), /status/],
    ['a setting nobody knows', costCentreLine({ code: 'F81028', setting: '99' }), /setting/],
    ['a day that there is not', costCentreLine({ code: 'F81028', opened: '20260231' }), /open date/],
    [
      'a date far in the future',
      costCentreLine({ code: 'F81028', joined: '20990101' }),
      /joined date .* later/,
    ],
    ['an end before its beginning', costCentreLine({ code: 'F81028', closed: '19730101' }), /closes before/],
    ['no name', costCentreLine({ code: 'F81028', name: '' }), /no name/],
  ];
  for (const [name, line, why] of LINES) {
    it(`keeps its other lines where one has ${name}`, () => {
      const many = Array.from({ length: 12 }, (_, n) => costCentreLine({ code: `E820${10 + n}` })).join('');
      const found = read(`${TWO}${line}${many}`);
      assert.equal(found.organisations.size, 14);
      assert.equal(found.organisations.get('F81027')?.subIcb, '07H');
      assert.equal(found.organisations.has('F81028'), false);
      assert.deepEqual(
        found.refused.map(({ line: number }) => number),
        [3],
      );
      assert.match(found.refused[0]?.wrong ?? '', why);
    });
  }

  it('takes what lies on an island and is allocated to nobody, and an opening that is announced', () => {
    const text =
      costCentreLine({ code: 'Y00001', commissioner: '', kind: 'Z', postcode: 'IM9 1EX' }) +
      costCentreLine({ code: 'JER014', commissioner: '', kind: 'Z', postcode: '' }) +
      costCentreLine({ code: 'Y08839', opened: '20270101', status: 'P' });
    const { organisations, refused } = read(text);
    assert.deepEqual(refused, []);
    assert.deepEqual(
      [...organisations.values()].map((one) => one.crownDependency),
      [true, true, undefined],
    );
  });
});

if (odsFiles !== undefined) {
  describe('the files as they are published', () => {
    const FILES: [string, string, number][] = [
      ['epraccur_2025-08.csv', 'cost-centres', 16_685],
      ['epraccur_2026-02.csv', 'cost-centres', 15_389],
      ['gp-reg-pat-prac-map_2026-08-01.csv', 'practice-map', 6_129],
      ['etr_2025-12.csv', 'trusts', 273],
      ['etr_2026-07.csv', 'trusts', 274],
      ['eccg_2025-12.csv', 'sub-icbs', 320],
      ['nhs-website-hospital-sites_2020-01.tilde.csv', 'sites', 1_216],
      ['icb_names_codes_2024-12.csv', 'icbs', 42],
    ];
    for (const [file, kind, count] of FILES) {
      it(`${file} is read without a line refused, and not when it is cut in half`, () => {
        const bytes = odsFile(file);
        const found = read(bytes);
        assert.deepEqual([found.kind, found.organisations.size, found.refused], [kind, count, []]);
        assert.ok((refusal(bytes.subarray(0, Math.floor(bytes.length / 2))).line ?? 0) > 10);
      });
    }
  });
}
