import { Command } from 'commander';

import { removeDurably } from '../../trust/durable-file.ts';
import { assertBrokerFollows } from './broker-follows.ts';
import { CommandFailed, INCOMPLETE, type Io } from '../io.ts';
import { refuseExisting } from '../new-file.ts';
import { withLinks } from './open-links.ts';
import { withOwnRegion } from '../own-region.ts';
import {
  askReadiness,
  KNOW_OUR_STATEMENT,
  mustBeReady,
  withWithout,
  type WithoutOptions,
} from './ready-neighbours.ts';
import type { RegionOptions } from '../region-config.ts';
import { notNow, signingState, UNDATED, type SigningState } from './signing-state.ts';
import { claimsJson, claimsLine, collectClaims, writeClaims } from '../statement-claims.ts';

interface Options extends RegionOptions, WithoutOptions {
  readonly out?: string;
}

export function signingRetireCommand(io: Io): Command {
  return withWithout(withOwnRegion(new Command('retire')))
    .description(
      'Leave the former message key out of our statement, once nothing that it signed is good any more.',
    )
    .option('--out <file>', 'where to write the claims of a statement without it; they hold nothing secret')
    .option('--json', 'print what was done as JSON')
    .addHelpText(
      'after',
      '\nCalled twice: the first time it writes the claims; when the statement without the key is in place and every' +
        "\nneighbour has it, the second time it takes the former key's file away." +
        '\nExit codes: 0 done; 1 not done; 2 called wrongly; 3 not yet: nothing was changed.',
    )
    .action(async (options: Options) => {
      const state = await signingState(options);
      if (state.stage === 'activated') return leaveOut(io, state, options);
      if (state.stage === 'retired') return takeAway(io, state, options);
      throw notNow(state, state.stage === 'none' ? 1 : INCOMPLETE);
    });
}

async function leaveOut(io: Io, { places, keys, statement, restsUntil }: SigningState, options: Options) {
  const { out, json } = options;
  if (restsUntil === undefined) throw new CommandFailed(UNDATED);
  if (restsUntil.getTime() > Date.now()) {
    throw new CommandFailed(
      `What the former key signed may be on its way until ${restsUntil.toISOString()}: retire it then.`,
      INCOMPLETE,
    );
  }
  if (out === undefined) throw new CommandFailed('Name a file for the claims with --out.', 2);
  refuseExisting(out);
  const notAsked = await assertBrokerFollows(options);
  const wish = { present: statement, messageKeys: [keys.present.publicJwk] };
  const claims = await collectClaims(places, out, wish);
  writeClaims(claims);
  if (json)
    return io.print(JSON.stringify({ retires: keys.former?.publicJwk.kid, ...claimsJson(claims), notAsked }));
  for (const line of [...notAsked, claimsLine(claims)]) io.print(line);
  io.print(
    "Put the statement in place. `wayleave trust rotate signing retire` then takes the key's file away.",
  );
}

async function takeAway(io: Io, { keys }: SigningState, options: Options) {
  const found = await withLinks(options, (links) => askReadiness(links, KNOW_OUR_STATEMENT));
  const ready = mustBeReady(io, found, options);
  const { formerKey } = keys.place;
  await removeDurably(formerKey);
  if (options.json) return io.print(JSON.stringify({ done: true, removed: formerKey, ...ready.json }));
  for (const line of ready.lines) io.print(line);
  io.print(`${formerKey} was taken away. The rotation has ended.`);
}
