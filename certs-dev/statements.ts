import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { readConfigFile } from '../src/config/load.ts';
import { ownStatementRequest } from '../src/config/own-statement.ts';
import type { ConfigFile } from '../src/config/schema.ts';
import { importSigner } from '../src/evidence/keys.ts';
import { nextStatement } from '../src/evidence/next-statement.ts';
import { signStatement, verifyStatement } from '../src/evidence/statement.ts';
import type { EntityStatement, PublicJwk } from '../src/trust/entity-statement.ts';
import type { StatementRequest } from '../src/trust/statement-request.ts';
import { logOrigin } from '../src/tlog/origin.ts';

const RENEW_BEFORE_S = 30 * 86_400;

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
  const current = await readCurrent(target, keys, config.entity, now);
  const kept = current?.metadata.wayleave_broker;
  const request = await describe(config, directory, kept?.logs ?? []);
  if (current !== undefined && kept !== undefined && current.exp - now / 1000 > RENEW_BEFORE_S) {
    if (isDeepStrictEqual(kept, { ...request.broker, sequence: kept.sequence })) return false;
  }
  const federationKey = keys[0];
  if (federationKey === undefined) throw new TypeError('no federation key');
  const statement = nextStatement({ request, former: current, signingKey: federationKey, now });
  const signer = await importSigner(await readJson(join(directory, 'offline', 'federation.jwk.json')));
  await writeFile(`${target}.new`, signStatement(signer, statement));
  await rename(`${target}.new`, target);
  return true;
}

async function describe(
  config: ConfigFile,
  directory: string,
  formerLogs: readonly string[],
): Promise<StatementRequest> {
  const file = (name: string): string => join(directory, 'public', name);
  return ownStatementRequest(config, {
    messageKeys: [await readJson<PublicJwk>(file('message.jwk.json'))],
    logKeys: [await readJson<PublicJwk>(file('log.jwk.json'))],
    witnessKeys: [await readJson<PublicJwk>(file('witness.jwk.json'))],
    logs: [...new Set([...formerLogs, logOrigin(config.entity, config.replica)])],
    anchors: [await readFile(file('ca.pem'), 'utf8')],
  });
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
