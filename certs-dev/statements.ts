import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { readConfigFile } from '../src/config/load.ts';
import type { ConfigFile } from '../src/config/schema.ts';
import { importSigner } from '../src/evidence/keys.ts';
import { signStatement, verifyStatement } from '../src/evidence/statement.ts';
import type { BrokerMetadata, EntityStatement, PublicJwk } from '../src/trust/entity-statement.ts';
import { logOrigin } from '../src/tlog/origin.ts';

const LIFE_S = 180 * 86_400;
const RENEW_BEFORE_S = 30 * 86_400;
const REFRESH_HINT_S = 300;

/**
 * Sees to it that a region's entity statement says what its configuration file says, signed by its development
 * federation key. A statement that still does is kept; a new one has a higher sequence.
 *
 * @param directory the region's own directory of generated keys
 * @returns true when a statement was signed
 */
export async function ensureStatement(configFile: string, directory: string, now: number): Promise<boolean> {
  const config = readConfigFile(configFile);
  const target = join(directory, 'public', 'entity-statement.jwt');
  const { keys } = await readJson<{ keys: PublicJwk[] }>(join(directory, 'public', 'federation.jwks.json'));
  const metadata = await describe(config, directory);
  const current = await readCurrent(target, keys, config.entity, now);
  const kept = current?.metadata.wayleave_broker;
  if (current !== undefined && kept !== undefined && current.exp - now / 1000 > RENEW_BEFORE_S) {
    if (isDeepStrictEqual(kept, { ...metadata, sequence: kept.sequence })) return false;
  }
  const iat = Math.floor(now / 1000);
  const statement: EntityStatement = {
    iss: config.entity,
    sub: config.entity,
    iat,
    exp: iat + LIFE_S,
    jwks: { keys },
    metadata: { wayleave_broker: { ...metadata, sequence: (kept?.sequence ?? 0) + 1 } },
  };
  const signer = await importSigner(await readJson(join(directory, 'offline', 'federation.jwk.json')));
  await writeFile(`${target}.new`, signStatement(signer, statement));
  await rename(`${target}.new`, target);
  return true;
}

async function describe(config: ConfigFile, directory: string): Promise<Omit<BrokerMetadata, 'sequence'>> {
  const file = (name: string): string => join(directory, 'public', name);
  return {
    region: config.region,
    name: config.name,
    contact: config.contact,
    endpoints: {
      federation: config.federation_base,
      ...(config.statement_base === undefined ? {} : { statement: config.statement_base }),
    },
    tls: { anchors: [await readFile(file('ca.pem'), 'utf8')] },
    message_keys: [await readJson<PublicJwk>(file('message.jwk.json'))],
    log_keys: [await readJson<PublicJwk>(file('log.jwk.json'))],
    logs: [logOrigin(config.entity, config.replica)],
    witness_keys: [await readJson<PublicJwk>(file('witness.jwk.json'))],
    coverage: config.coverage,
    records: config.records.map(({ id, name, offers, care_setting }) => ({ id, name, offers, care_setting })),
    refresh_hint: REFRESH_HINT_S,
  };
}

async function readCurrent(
  target: string,
  keys: readonly PublicJwk[],
  entity: string,
  now: number,
): Promise<EntityStatement | undefined> {
  try {
    return await verifyStatement(await readFile(target, 'utf8'), keys, entity, now);
  } catch {
    return undefined;
  }
}

async function readJson<Shape extends object>(file: string): Promise<Shape> {
  return JSON.parse(await readFile(file, 'utf8')) as Shape;
}
