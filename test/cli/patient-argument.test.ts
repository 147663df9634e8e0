import assert from 'node:assert/strict';

import { CommandFailed } from '../../src/cli/io.ts';
import { patientOf } from '../../src/cli/patient-argument.ts';

const given = (line: string) => ({ inputLine: () => Promise.resolve(line) });

describe('the NHS number of a command', () => {
  it('is the argument, as it is printed or without spaces; the input is left alone', async () => {
    const io = { inputLine: () => Promise.reject(new Error('read')) };
    assert.equal(await patientOf('9990000018', io), '9990000018');
    assert.equal(await patientOf('999 000 0018', io), '9990000018');
  });

  it('is on the first line of the input where the argument is -', async () => {
    for (const line of ['9990000018', '999 000 0018', ' 9990000018\r']) {
      assert.equal(await patientOf('-', given(line)), '9990000018');
    }
  });

  it('is refused in a sentence without it when it is none', async () => {
    for (const [argument, line] of [
      ['9990000019', ''],
      ['-', '9990000019'],
      ['-', ''],
      ['-', '-'],
      ['-', 'x'.repeat(5000)],
      ['--', '9990000018'],
    ] as const) {
      await assert.rejects(
        patientOf(argument, given(line)),
        (error) =>
          error instanceof CommandFailed && error.exitCode === 2 && !/\d{3}|x{9}/.test(error.message),
      );
    }
  });
});
