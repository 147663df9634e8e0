import assert from 'node:assert/strict';

import { Command } from 'commander';

import { failureOf } from '../../src/cli/failure.ts';
import { CommandFailed } from '../../src/cli/io.ts';
import { HouseError, StartError } from '../../src/errors.ts';

describe('a command that throws', () => {
  it('ends with a sentence and an exit code, and not with a stack', () => {
    const house = failureOf(
      new HouseError('store-unavailable', undefined, { cause: new Error('9990000018') }),
    );
    assert.equal(house?.exitCode, 1);
    assert.match(house?.says ?? '', /^The store cannot be reached\. \(store-unavailable\)$/);
    assert.deepEqual(failureOf(new StartError('Mend it.')), { exitCode: 1, says: 'Mend it.' });
    assert.deepEqual(failureOf(new CommandFailed('So not.', 2)), { exitCode: 2, says: 'So not.' });
  });

  it('leaves to commander what that has said', async () => {
    const command = new Command('x').exitOverride().configureOutput({ writeErr: () => undefined });
    const thrown: unknown = await command
      .parseAsync(['--no'], { from: 'user' })
      .catch((error: unknown) => error);
    assert.deepEqual(failureOf(thrown), { exitCode: 2, says: undefined });
  });

  it('shows a defect as it is', () => {
    assert.equal(failureOf(new TypeError('x')), undefined);
  });
});
