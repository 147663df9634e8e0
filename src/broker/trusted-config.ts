import type { Config } from '../config/load.ts';
import type { Secrets } from '../config/secrets.ts';
import type { Store } from '../store/contracts.ts';
import type { Revocation } from '../trust/decisions.ts';
import { Neighbours, type Decided } from '../trust/neighbours.ts';
import { directoryWith } from './live-directory.ts';
import { RegisterBroken, TrustRegister } from './trust-register.ts';
import { identities, trustedNeighbours } from './trusted-neighbours.ts';

/**
 * Every decision that took trust back, or gave it again, oldest first.
 *
 * @throws RegisterBroken: nobody can tell what was revoked; HouseError `store-unavailable`
 */
export async function revocationsOf(
  { entity }: Pick<Config, 'entity'>,
  { trustKey: key }: Pick<Secrets, 'trustKey'>,
  { decisions: store }: Pick<Store, 'decisions'>,
): Promise<readonly Revocation[]> {
  const register = await TrustRegister.open({ entity, files: [], store, key });
  return register.revocations;
}

const NOBODY: Decided = {
  revoked: true,
  revokedKeys: new Set(),
  revokedCertificates: new Set(),
  pausedUntil: undefined,
};

/**
 * A configuration with the neighbours as they stand by every decision, for commands that work beside a broker. Where the
 * decisions in the store cannot be believed nobody is trusted, and what was written can still be read.
 *
 * @throws HouseError `store-unavailable`
 */
export async function trustedConfig(
  config: Config,
  secrets: Pick<Secrets, 'trustKey'>,
  store: Pick<Store, 'decisions'>,
): Promise<Config> {
  try {
    return await believedConfig(config, secrets, store);
  } catch (error) {
    if (!(error instanceof RegisterBroken)) throw error;
    return { ...config, neighbours: config.neighbours.map((one) => ({ ...one, decided: NOBODY })) };
  }
}

/**
 * The same, for commands that must know of every neighbour: they do nothing where the decisions cannot be believed.
 *
 * @throws RegisterBroken; HouseError `store-unavailable`
 */
export async function believedConfig(
  config: Config,
  { trustKey: key }: Pick<Secrets, 'trustKey'>,
  { decisions: store }: Pick<Store, 'decisions'>,
): Promise<Config> {
  const { standings } = await TrustRegister.open({
    ...{ entity: config.entity, files: config.neighbours, store, key },
  });
  const known = new Neighbours(identities(standings)).all();
  return {
    ...config,
    neighbours: trustedNeighbours(config.neighbours, standings),
    directory: directoryWith(config.directory, known),
  };
}
