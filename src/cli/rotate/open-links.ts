import { believedConfig, openLinkChecks, openStore, type LinkChecks } from '../../broker.ts';
import type { Config } from '../../config/load.ts';
import { openSecrets } from '../../config/open-secrets.ts';
import type { Store } from '../../store/contracts.ts';
import { CommandFailed } from '../io.ts';
import { regionConfig, type RegionOptions } from '../region-config.ts';

/** Checks of our links to every neighbour that is trusted now, whether a file pins it or it was enrolled. */
export interface TrustedLinks {
  readonly checks: LinkChecks;
  /** Those that were revoked are not among them; those that are paused are. */
  readonly regions: readonly string[];
}

/**
 * Gives an action the links to all whom we trust, beside a broker that may be running. Where it is not known for certain
 * whom we trust, nothing is done.
 *
 * @param nextMessageKey a private JWK, to be tried in the place of the message key in use
 * @throws CommandFailed, StartError, HouseError
 */
export async function withLinks<Result>(
  options: RegionOptions,
  action: (links: TrustedLinks) => Promise<Result>,
  nextMessageKey?: object,
): Promise<Result> {
  const file = regionConfig(options);
  const inUse = await openSecrets(file);
  const secrets = nextMessageKey === undefined ? inUse : { ...inUse, messageKey: nextMessageKey };
  const store = await openStore(file);
  try {
    const config = await believedConfig(file, secrets, store);
    await assertAllKnown(file, config, store);
    const checks = await openLinkChecks(config, secrets);
    const trusted = config.neighbours.filter(({ decided }) => decided?.revoked !== true);
    return await action({ checks, regions: trusted.map(({ region }) => region) });
  } finally {
    await store.close();
  }
}

/** A neighbour that we do not know of would not be asked, and would be cut off without a word. */
async function assertAllKnown(file: Config, config: Config, { state }: Pick<Store, 'state'>): Promise<void> {
  if ((await state.read()).closed !== undefined) {
    throw new CommandFailed(
      'The store is closed, and may not know all whom we trust: open it with `wayleave trust confirm` first.',
    );
  }
  const unknown = file.neighbours.find(
    ({ region }) => !config.neighbours.some((one) => one.region === region),
  );
  if (unknown === undefined) return;
  throw new CommandFailed(
    `The statement of ${unknown.region} is not signed by its pinned federation key: get the one that is, from the region itself.`,
  );
}
