import type { KeyObject } from 'node:crypto';

import { verifyingKey } from '../../evidence/keys.ts';
import type { KnownLog, Witness } from '../../tlog/checkpoint.ts';
import { covers, witnessName } from '../../tlog/origin.ts';
import type { PublicJwk } from '../../trust/entity-statement.ts';
import type { Neighbour, Neighbours } from '../../trust/neighbours.ts';

/** Whose log a checkpoint may be of, and who may have cosigned it: as the approved statements say it now. */
export class KnownLogs {
  readonly #neighbours: Neighbours;

  constructor(neighbours: Neighbours) {
    this.#neighbours = neighbours;
  }

  /** A neighbour's log, if its approved statement lists that origin, or the one that it follows. */
  async logOf(neighbour: Neighbour, origin: string): Promise<KnownLog | undefined> {
    const { logs, log_keys: keys } = neighbour.broker;
    return covers(logs, origin) ? { origin, keys: await keysOf(keys) } : undefined;
  }

  /** The neighbour that an origin belongs to, and its log. */
  async byOrigin(origin: string): Promise<{ neighbour: Neighbour; log: KnownLog } | undefined> {
    for (const neighbour of this.#neighbours.all()) {
      const log = await this.logOf(neighbour, origin);
      if (log !== undefined) return { neighbour, log };
    }
    return undefined;
  }

  async witnessesOf(neighbour: Neighbour): Promise<Witness[]> {
    const name = witnessName(neighbour.entity);
    return (await keysOf(neighbour.broker.witness_keys)).map((key) => ({ name, key }));
  }
}

function keysOf(jwks: readonly PublicJwk[]): Promise<KeyObject[]> {
  return Promise.all(jwks.map(verifyingKey));
}
