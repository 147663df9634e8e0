import { env } from 'node:process';

import { StartError } from '../errors.ts';

/** The environment of this process, unless a test gives another. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The passphrase that a variable of the environment holds.
 *
 * @param setting what names the variable, for the message
 * @returns undefined where no variable is named
 * @throws StartError when it is named and not set, or empty
 */
export function passphraseIn(
  name: string | undefined,
  setting: string,
  environment: Environment = env,
): string | undefined {
  if (name === undefined) return undefined;
  const passphrase = environment[name];
  if (passphrase !== undefined && passphrase !== '') return passphrase;
  throw new StartError(
    `${setting} names the variable ${name}, which is ${passphrase === undefined ? 'not set' : 'empty'}: ` +
      'put the passphrase into it.',
  );
}
