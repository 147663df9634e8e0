import { Command, Option } from 'commander';

import { privateJwkText } from '../../config/signing-keys.ts';
import { OWNER_ALONE, removeDurably, writeNewDurably } from '../../trust/durable-file.ts';
import { publicJwk } from '../../trust/entity-statement.ts';
import { generateSigningKey, type SigningAlgorithm } from '../../trust/signing-key.ts';
import { CommandFailed, type Io } from '../io.ts';
import { refuseExisting } from '../new-file.ts';
import { withOwnRegion } from '../own-region.ts';
import type { RegionOptions } from '../region-config.ts';
import { notNow, signingState } from './signing-state.ts';
import { claimsJson, claimsLine, collectClaims, writeClaims } from '../statement-claims.ts';

interface Options extends RegionOptions {
  readonly alg?: SigningAlgorithm;
  readonly out: string;
  readonly json?: true;
}

export function signingPrepareCommand(io: Io): Command {
  return withOwnRegion(new Command('prepare'))
    .description(
      'Make the next message key, and the claims of a statement that lists it beside the present one.',
    )
    .requiredOption('--out <file>', 'where to write the claims; they hold nothing secret')
    .addOption(
      new Option('--alg <alg>', 'what it signs with (default: as the present one)').choices([
        'ES256',
        'EdDSA',
      ]),
    )
    .option('--json', 'print what was made as JSON')
    .addHelpText(
      'after',
      '\nThe next key waits as message.next.jwk.json, under the passphrase where one is configured, and signs nothing' +
        '\nyet. It is never written over: where one waits, `wayleave trust request` writes its claims again.',
    )
    .action(async (options: Options) => {
      refuseExisting(options.out);
      const state = await signingState(options);
      const { places, keys, statement, stage } = state;
      const { place, present } = keys;
      if (keys.next !== undefined) {
        throw new CommandFailed(
          `${place.nextKey} waits already: write its claims with \`wayleave trust request\`, or take the key away.`,
        );
      }
      if (stage !== 'none') throw notNow(state, 1);
      const fresh = await generateSigningKey(options.alg ?? present.publicJwk.alg);
      const claims = await collectClaims(places, options.out, {
        present: statement,
        messageKeys: [present.publicJwk, publicJwk.parse(fresh.publicJwk)],
      });
      const text = await privateJwkText(fresh.privateJwk, places.passphrase);
      await writeNewDurably(place.nextKey, text, OWNER_ALONE);
      try {
        writeClaims(claims);
      } catch (error) {
        await removeDurably(place.nextKey);
        throw error;
      }
      const { kid } = fresh.publicJwk;
      if (options.json) return io.print(JSON.stringify({ key: place.nextKey, kid, ...claimsJson(claims) }));
      io.print(`${place.nextKey}: the next message key, ${kid}. It signs nothing yet.`);
      io.print(claimsLine(claims));
      io.print('Put the statement in place. Neighbours take the key by themselves. Then:');
      io.print('  wayleave trust rotate signing activate');
    });
}
