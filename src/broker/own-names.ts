import type { Config } from '../config/load.ts';
import type { Secrets } from '../config/secrets.ts';
import { importSigner } from '../evidence/keys.ts';
import type { OwnNames } from '../evidence/pinned-neighbours.ts';
import { logOrigin } from '../tlog/origin.ts';

/** What a region signs with and writes, as its own statement must list it. */
export async function ownNames(config: Config, secrets: Secrets): Promise<OwnNames> {
  return {
    messageKey: await importSigner(secrets.messageKey),
    logKey: await importSigner(secrets.logKey),
    witnessKey: await importSigner(secrets.witnessKey),
    logOrigin: logOrigin(config.entity, config.replica),
  };
}
