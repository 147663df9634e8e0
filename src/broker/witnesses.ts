import type { Config } from '../config/load.ts';
import type { Secrets } from '../config/secrets.ts';
import { ownStatement } from '../evidence/pinned-neighbours.ts';
import { createLog } from '../log.ts';
import type { BrokerMetadata } from '../trust/entity-statement.ts';
import type { Neighbour } from '../trust/neighbours.ts';
import type { WitnessLink } from '../upstream/witness-link.ts';
import { neighboursWithCrls } from './crls.ts';
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
  const { metadata } = await ownStatement(config, await ownNames(config, secrets), Date.now());
  const client = { certificate: config.clientCertificate, key: secrets.tlsClientKey };
  const log = createLog(config.region, 'silent');
  const { neighbours, crls } = await neighboursWithCrls(config, log, Date.now);
  await crls.start();
  const links = linksTo(config, neighbours, () => client, log, Date.now);
  return {
    own: metadata.wayleave_broker,
    neighbours: neighbours.all().filter(({ region }) => region !== config.region),
    links: witnessesAmong(links, config),
    close: () => {
      crls.stop();
      for (const link of links.values()) link.close();
    },
  };
}
