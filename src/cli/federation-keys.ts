import type { Command } from 'commander';
import { readFileSync } from 'node:fs';

import { publicJwk, type PublicJwk } from '../trust/entity-statement.ts';
import { CommandFailed } from './io.ts';
import { gather } from './subcommand.ts';

/** The option of a command that verifies: federation keys that are known from elsewhere. */
export function withFederationKeys(command: Command): Command {
  return command.option(
    '--federation-key <file>',
    "a JWKS with a region's federation keys; may be given for each region",
    gather,
  );
}

/** The federation keys of a JWKS file. @throws CommandFailed */
export function keysIn(file: string): PublicJwk[] {
  return jwksOf('--federation-key', file);
}

/** The keys of a JWKS file that an option names. @throws CommandFailed */
export function jwksOf(option: string, file: string): PublicJwk[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readBytes(file).toString('utf8'));
  } catch (error) {
    if (error instanceof CommandFailed) throw error;
    parsed = undefined;
  }
  const keys = publicJwk
    .array()
    .min(1)
    .safeParse((parsed as { keys?: unknown } | undefined)?.keys);
  if (keys.success) return keys.data;
  throw new CommandFailed(`${option} ${file} is no JWKS of public keys: write one.`, 2);
}

/** @throws CommandFailed */
export function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CommandFailed(
      `${file} cannot be read: name a file that exists and that this user may read.`,
      2,
      {
        cause: error,
      },
    );
  }
}
