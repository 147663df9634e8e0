import assert from 'node:assert/strict';
import fc from 'fast-check';

import {
  fromNhsNumberToken,
  isNhsNumber,
  NHS_NUMBER_SYSTEM,
  nhsNumbersOf,
  nhsNumberToken,
} from '../../src/fhir/nhs-number.ts';

/** The check digit of nine digits by the rule of the NHS Data Dictionary; undefined where there is none. */
function checkDigit(nine: string): number | undefined {
  const sum = [...nine].reduce((total, digit, position) => total + Number(digit) * (10 - position), 0);
  const check = 11 - (sum % 11);
  return check === 10 ? undefined : check % 11;
}

const nineDigits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 9, maxLength: 9 });

describe('the NHS number', () => {
  const VALID = ['9990000018', '9990000026', '9990000034', '9990000042', '9000000009', '4010232137'];
  for (const number of VALID) it(`takes ${number}`, () => assert.ok(isNhsNumber(number)));

  const WRONG: Record<string, string> = {
    'a wrong check digit': '9990000019',
    'two digits that changed places': '9990000081',
    'a remainder that would need the check digit 10': '9990000000',
    'nine digits': '999000001',
    'eleven digits': '99900000180',
    'spaces, as it is printed': '999 000 0018',
    'a letter': '999000001X',
    'digits of another script': '٩٩٩٠٠٠٠٠١٨',
    'a line end after it': '9990000018\n',
    nothing: '',
  };
  for (const [what, text] of Object.entries(WRONG))
    it(`refuses ${what}`, () => assert.ok(!isNhsNumber(text)));

  it('has at most one check digit for any nine digits, and the one that the rule gives', () => {
    fc.assert(
      fc.property(nineDigits, (nine) => {
        const taken = [...'0123456789'].filter((digit) => isNhsNumber(nine + digit)).map(Number);
        const wanted = checkDigit(nine);
        assert.deepEqual(taken, wanted === undefined ? [] : [wanted]);
      }),
    );
  });

  it('is a token with its system, and comes back out of it', () => {
    assert.equal(nhsNumberToken('9990000018'), `${NHS_NUMBER_SYSTEM}|9990000018`);
    assert.equal(fromNhsNumberToken(nhsNumberToken('9990000018')), '9990000018');
  });

  const NO_TOKENS: Record<string, string> = {
    'no system': '9990000018',
    'another system': 'https://example.org/Id/hospital|9990000018',
    'a system that only begins alike': `${NHS_NUMBER_SYSTEM}x|9990000018`,
    'an invalid number': `${NHS_NUMBER_SYSTEM}|9990000019`,
    'two numbers': `${NHS_NUMBER_SYSTEM}|9990000018,${NHS_NUMBER_SYSTEM}|9990000026`,
  };
  for (const [what, token] of Object.entries(NO_TOKENS)) {
    it(`reads no number out of ${what}`, () => assert.equal(fromNhsNumberToken(token), undefined));
  }

  it('finds the valid numbers among identifiers that come from outside, whatever they look like', () => {
    const identifiers: unknown = [
      null,
      'text',
      { system: NHS_NUMBER_SYSTEM, value: 9990000018 },
      { system: NHS_NUMBER_SYSTEM, value: '9990000019' },
      { system: 'https://example.org/Id/hospital', value: '9990000026' },
      { system: NHS_NUMBER_SYSTEM, value: '9990000034' },
    ];
    assert.deepEqual(nhsNumbersOf(identifiers), ['9990000034']);
    for (const none of [undefined, null, {}, 'text', 5]) assert.deepEqual(nhsNumbersOf(none), []);
  });
});
