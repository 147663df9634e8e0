import { createPublicKey } from 'node:crypto';

import { EvidenceError, StartError } from '../errors.ts';
import type { EntityStatement, PublicJwk } from '../trust/entity-statement.ts';
import { neighbourFrom, type Decided, type Neighbour } from '../trust/neighbours.ts';
import type { Signer } from './keys.ts';
import { verifyStatement } from './statement.ts';

/** A neighbour as its pin names it. */
export interface Pin {
  readonly region: string;
  readonly entity: string;
  readonly federationKeys: readonly PublicJwk[];
  readonly anchors: readonly string[];
  readonly statementToken: string;
  readonly decided?: Decided | undefined;
}

/**
 * Verifies each neighbour's approved statement with the federation keys pinned for it.
 *
 * @throws StartError a sentence with the neighbour, the check that failed and what to do
 */
export function pinnedNeighbours(pins: readonly Pin[], now: number): Promise<Neighbour[]> {
  return Promise.all(
    pins.map(async (pin) => {
      const statement = await verified(pin.statementToken, pin.federationKeys, pin.entity, now, pin.region);
      if (statement.metadata.wayleave_broker.region !== pin.region) {
        throw new StartError(
          `neighbours: the statement of ${pin.region} is for another region: ask it for its own.`,
        );
      }
      return neighbourFrom(statement, pin.anchors, pin.decided);
    }),
  );
}

/** What we sign with, and the log that we write: all of it must be in the statement that neighbours know us by. */
export interface OwnNames {
  readonly messageKey: Signer;
  readonly logKey: Signer;
  readonly witnessKey: Signer;
  /** The origin of our log (C2SP tlog-checkpoint), as the configuration gives it. */
  readonly logOrigin: string;
}

/**
 * Verifies our own statement, and that it lists the keys that we sign with and our log.
 *
 * @throws StartError
 */
export async function ownStatement(
  own: { entity: string; region: string; statementToken: string; federationKeys: readonly PublicJwk[] },
  names: OwnNames,
  now: number,
): Promise<EntityStatement> {
  const statement = await verified(own.statementToken, own.federationKeys, own.entity, now, own.region);
  const broker = statement.metadata.wayleave_broker;
  const missing: readonly [string, boolean][] = [
    ['the message key of the secrets', !lists(broker.message_keys, names.messageKey)],
    ['the log key of the secrets (`log_keys`)', !lists(broker.log_keys, names.logKey)],
    ['the witness key of the secrets (`witness_keys`)', !lists(broker.witness_keys, names.witnessKey)],
    [`our log ${names.logOrigin} (\`logs\`)`, !broker.logs.includes(names.logOrigin)],
  ];
  const what = missing.filter(([, isMissing]) => isMissing).map(([name]) => name);
  if (what.length > 0) {
    throw new StartError(
      `statement: our entity statement does not list ${what.join(', nor ')}: sign a statement that does.`,
    );
  }
  return statement;
}

/** By what the key is, too: a name that is kept while the key is another would be refused by every neighbour. */
function lists(keys: readonly PublicJwk[], { kid, key }: Signer): boolean {
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  return keys.some((one) => one.kid === kid && one.x === x);
}

async function verified(
  token: string,
  keys: readonly PublicJwk[],
  entity: string,
  now: number,
  region: string,
): Promise<EntityStatement> {
  try {
    return await verifyStatement(token, keys, entity, now);
  } catch (error) {
    const code = error instanceof EvidenceError ? error.code : 'malformed';
    throw new StartError(
      `statement: the entity statement of ${region} is not accepted (${code}): ` +
        'get the one that its pinned federation key signed, and that is in date.',
      { cause: error },
    );
  }
}
