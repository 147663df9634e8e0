import assert from 'node:assert/strict';

import { registerReader } from '../../src/routing/register-file.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const ONE = '9990000018';

function read(header: string, line: string): object {
  const reader = registerReader(header, NOW);
  return typeof reader === 'function' ? reader(line) : reader;
}
const HEADER = 'nhs_number,practice,from,until';
const day = (text: string): number => Date.parse(text);

describe('a line of a register', () => {
  const here = { nhsNumber: ONE, practice: 'F81027', hasLeft: false };
  const GOOD: [what: string, header: string, line: string, expected: object][] = [
    ['with nothing but number and practice', 'nhs_number,practice', `${ONE},F81027`, here],
    ['with a byte order mark and capital letters', '\uFEFFNHS_Number,Practice', `${ONE},F81027`, here],
    ['with the number as it is printed', HEADER, '999 000 0018,F81027,,', here],
    ['with dates', HEADER, `${ONE},F81027,2020-02-29,`, { ...here, from: day('2020-02-29') }],
    ['of who has left', HEADER, `${ONE},F81027,,2026-11-01`, { ...here, hasLeft: true }],
    ['of who will leave', HEADER, `${ONE},F81027,,2027-01-01`, here],
    [
      'in another order, with columns of others',
      'name,practice,nhs_number',
      `"Bond, ""J""",F81027,${ONE}`,
      here,
    ],
    ['with every cell in quotation marks', HEADER, `"${ONE}", "f81027" ,"",""`, here],
  ];
  for (const [what, header, line, expected] of GOOD) {
    it(`is read ${what}`, () => assert.deepEqual(read(header, line), expected));
  }

  const BAD: [what: string, line: string][] = [
    ['a wrong check digit', '9990000019,F81027,,'],
    ['no number', ',F81027,,'],
    ['no practice', `${ONE},,,`],
    ['a practice that is no code', `${ONE},High Street,,`],
    ['a cell less', `${ONE},F81027,2020-01-01`],
    ['a cell more', `${ONE},F81027,,,`],
    ['a line that is cut', `${ONE},F8`],
    ['an open quotation mark', `${ONE},"F81027,,`],
    ['a day that is not there', `${ONE},F81027,2026-02-31,`],
    ['another form of date', `${ONE},F81027,01/02/2020,`],
    ['a date that is to come', `${ONE},F81027,2027-01-01,`],
    ['an end before the beginning', `${ONE},F81027,2020-01-02,2020-01-01`],
    ['binary', `\u0000\u0001${ONE}`],
  ];
  for (const [what, line] of BAD) {
    it(`is refused with ${what}, and the fault tells no value`, () => {
      const fault = read(HEADER, line);
      assert.ok('wrong' in fault);
      assert.ok(!String(fault.wrong).includes(ONE));
    });
  }

  for (const header of ['', 'nhs_number', 'practice,name', 'nhs_number,practice,practice', `${ONE},F81027`]) {
    it(`is not read under "${header}"`, () => {
      const fault = registerReader(header, NOW);
      assert.ok(typeof fault === 'object' && !fault.wrong.includes(ONE));
    });
  }
});
