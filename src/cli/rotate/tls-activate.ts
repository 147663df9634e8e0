import { Command } from 'commander';

import type { PlannedImport } from '../../trust/plan-import.ts';
import { plainPkcs8 } from '../../trust/private-key.ts';
import type { TlsIdentity } from '../../trust/tls.ts';
import { mendFor } from '../../upstream/check/mend.ts';
import { planFrom, putInPlace, withImporting, type ImportOptions } from '../import-certificate.ts';
import { CommandFailed, type Io } from '../io.ts';
import { withLinks } from './open-links.ts';
import { forRole, ownRegion, withOwnRegion } from '../own-region.ts';
import { signedStatement } from '../present-statement.ts';
import {
  askReadiness,
  KNOW_OUR_STATEMENT,
  mustBeReady,
  TAKE_WHAT_IS_TRIED,
  withWithout,
  type WithoutOptions,
} from './ready-neighbours.ts';
import type { RegionOptions } from '../region-config.ts';

interface Options extends RegionOptions, ImportOptions, WithoutOptions {
  readonly json?: true;
}

export function tlsActivateCommand(io: Io): Command {
  const command = withOwnRegion(new Command('activate'))
    .description('Put a new certificate of ours in place, when every neighbour takes it.')
    .argument('<file>', 'a PEM chain in any order, or PKCS#12')
    .addOption(forRole().makeOptionMandatory());
  return withImporting(withWithout(command))
    .addHelpText(
      'after',
      '\nIts authority must be one that our statement in place lists, and each neighbour that is trusted must have approved' +
        '\nthat. A client certificate is tried at each of them first, with a hello and a ping; a server certificate is judged' +
        '\nhere by our own statement. Then it does what `wayleave trust import` does.' +
        '\nExit codes: 0 it is in place; 1 not done; 2 called wrongly; 3 not yet: nothing was changed.',
    )
    .action(async (file: string, options: Options) => {
      const { for: role } = options;
      const places = ownRegion(options);
      const present = await signedStatement(places);
      const planned = await planFrom(places, file, options, present, false);
      const found = await withLinks(options, (links) => {
        const identity = identityOf(planned);
        const { fault } = links.checks.judge(identity, role);
        if (fault !== undefined) {
          const { mend } = mendFor('own-certificate', fault.code);
          throw new CommandFailed(`${file} (${fault.code}): ${mend}`);
        }
        return role === 'client'
          ? askReadiness(links, TAKE_WHAT_IS_TRIED, identity)
          : askReadiness(links, KNOW_OUR_STATEMENT);
      });
      const ready = mustBeReady(io, found, options);
      await putInPlace(io, places, planned, options, ready);
    });
}

/** As a connection takes it; the key is in clear here alone. */
function identityOf({ chain, key }: PlannedImport): TlsIdentity {
  return { certificate: chain.map(String).join(''), key: plainPkcs8(key) };
}
