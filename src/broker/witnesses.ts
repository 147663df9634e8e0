import type { Config } from '../config/load.ts';
import type { Secrets } from '../config/secrets.ts';
import { ownStatement, pinnedNeighbours } from '../evidence/pinned-neighbours.ts';
import { createLog } from '../log.ts';
import type { BrokerMetadata } from '../trust/entity-statement.ts';
import { Neighbours, type Neighbour } from '../trust/neighbours.ts';
import type { WitnessLink } from '../upstream/witness-link.ts';
import { linksTo, witnessesAmong } from './links.ts';
import { ownNames } from './own-names.ts';

/** The neighbours as a command asks them, in a broker's name and beside it. */
export interface OpenWitnesses {
  /** Our own approved statement. */
  readonly own: BrokerMetadata;
  readonly neighbours: readonly Neighbour[];
  readonly links: readonly WitnessLink[];
  close(): void;
}

/** @throws StartError as the broker's start would */
export async function openWitnesses(config: Config, secrets: Secrets): Promise<OpenWitnesses> {
  const neighbours = new Neighbours(await pinnedNeighbours(config.neighbours, Date.now()));
  const { metadata } = await ownStatement(config, await ownNames(config, secrets), Date.now());
  const client = { certificate: config.clientCertificate, key: secrets.tlsClientKey };
  const links = linksTo(config, neighbours, client, createLog(config.region, 'silent'), Date.now);
  return {
    own: metadata.wayleave_broker,
    neighbours: neighbours.all().filter(({ region }) => region !== config.region),
    links: witnessesAmong(links, config),
    close: () => {
      for (const link of links.values()) link.close();
    },
  };
}
