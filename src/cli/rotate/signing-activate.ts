import { Command } from 'commander';

import { privateJwkText, replaced, type HeldKey } from '../../config/signing-keys.ts';
import { activationSteps } from '../../trust/signing-key-files.ts';
import { CommandFailed, INCOMPLETE, type Io } from '../io.ts';
import { withLinks } from './open-links.ts';
import { withOwnRegion } from '../own-region.ts';
import {
  askReadiness,
  mustBeReady,
  TAKE_WHAT_IS_TRIED,
  withWithout,
  type WithoutOptions,
} from './ready-neighbours.ts';
import type { RegionOptions } from '../region-config.ts';
import { nextLine, notNow, signingState, type SigningState } from './signing-state.ts';

type Options = RegionOptions & WithoutOptions;

export function signingActivateCommand(io: Io): Command {
  return withWithout(withOwnRegion(new Command('activate')))
    .description('Sign with the next message key from now on, when every neighbour takes it.')
    .option('--json', 'print what was done as JSON')
    .addHelpText(
      'after',
      '\nEach neighbour that is trusted is asked which statement of ours it has, and sent a ping that the next key signs.' +
        '\nThe former key stays listed. A command that was cut short goes on when it is called again.' +
        '\nExit codes: 0 the key is in use; 1 not done; 2 called wrongly; 3 not yet: nothing was changed.',
    )
    .action(async (options: Options) => {
      const state = await signingState(options);
      const { stage } = state;
      if (stage === 'activated') {
        return io.print(options.json ? JSON.stringify({ done: true, ...named(state) }) : nextLine(state));
      }
      const { next, present, place } = state.keys;
      if (stage !== 'published' || next === undefined)
        throw notNow(state, stage === 'prepared' ? INCOMPLETE : 1);
      const found = await withLinks(
        options,
        (links) => askReadiness(links, TAKE_WHAT_IS_TRIED),
        next.privateJwk,
      );
      const ready = mustBeReady(io, found, options);
      await assertStillNext(state, options);
      const former = await privateJwkText(replaced(present, Date.now()), state.places.passphrase);
      for (const step of activationSteps(place, former)) await step();
      const now = await signingState(options);
      if (options.json) return io.print(JSON.stringify({ done: true, ...named(now), ...ready.json }));
      for (const line of [...ready.lines, nextLine(now)]) io.print(line);
    });
}

/** Another command may have made another next key while the neighbours were asked: none of them has seen that one. */
async function assertStillNext({ keys }: SigningState, options: Options): Promise<void> {
  const { stage, keys: now } = await signingState(options);
  const isSame = (one: HeldKey | undefined, other: HeldKey | undefined): boolean =>
    one?.publicJwk.kid === other?.publicJwk.kid && one?.publicJwk.x === other?.publicJwk.x;
  if (stage === 'published' && isSame(keys.next, now.next) && isSame(keys.present, now.present)) return;
  throw new CommandFailed(
    'The keys or the statement in place were changed while the neighbours were asked, so that nothing was done: ' +
      'see `wayleave trust rotate signing`, and call it again.',
    INCOMPLETE,
  );
}

function named({ keys: { present, former }, restsUntil }: SigningState): object {
  return {
    ...{ present: present.publicJwk.kid, former: former?.publicJwk.kid },
    retireFrom: restsUntil?.toISOString(),
  };
}
