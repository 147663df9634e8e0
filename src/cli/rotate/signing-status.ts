import { Command } from 'commander';

import { replacedAt, type HeldKey } from '../../config/signing-keys.ts';
import { includesKey } from '../../trust/jwk-thumbprint.ts';
import type { Io } from '../io.ts';
import { withOwnRegion } from '../own-region.ts';
import type { RegionOptions } from '../region-config.ts';
import { nextLine, signingState, type SigningState } from './signing-state.ts';
import { plain } from '../subcommand.ts';
import { columns } from '../tell.ts';

interface Options extends RegionOptions {
  readonly json?: true;
}

export function signingStatusCommand(io: Io): Command {
  return withOwnRegion(new Command('status'))
    .description('Show where the rotation of our message key stands, and what is next. Nothing is written.')
    .option('--json', 'print it as JSON')
    .action(async (options: Options) => {
      const state = await signingState(options);
      if (options.json) return io.print(JSON.stringify(asJson(state)));
      for (const line of [...keyLines(state), nextLine(state)]) io.print(line);
    });
}

function asJson(state: SigningState): object {
  const { keys, statement, stage, restsUntil } = state;
  const { sequence, message_keys: listed } = statement.metadata.wayleave_broker;
  return {
    stage,
    keys: Object.fromEntries(held(state).map(({ name, key }) => [name, key.publicJwk.kid])),
    statement: { sequence, lists: listed.map(({ kid }) => kid) },
    replacedAt: keys.former && dateOf(replacedAt(keys.former)),
    retireFrom: restsUntil?.toISOString(),
    next: nextLine(state),
  };
}

/** Each key with whether our statement in place lists it. */
function keyLines(state: SigningState): string[] {
  const { sequence, message_keys: listed } = state.statement.metadata.wayleave_broker;
  const rows = held(state).map(({ name, key: { publicJwk } }) => [
    name,
    `${publicJwk.kid} (${publicJwk.alg})`,
    includesKey(listed, publicJwk)
      ? `listed in statement ${sequence}`
      : `NOT LISTED in statement ${sequence}`,
  ]);
  return columns(rows).map(plain);
}

function held({ keys }: SigningState): { name: string; key: HeldKey }[] {
  const { present, next, former } = keys;
  return Object.entries({ present, next, former }).flatMap(([name, key]) =>
    key === undefined ? [] : [{ name, key }],
  );
}

function dateOf(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString();
}
