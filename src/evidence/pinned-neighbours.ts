import { EvidenceError, StartError } from '../errors.ts';
import type { EntityStatement, PublicJwk } from '../trust/entity-statement.ts';
import { neighbourFrom, type Neighbour } from '../trust/neighbours.ts';
import { verifyStatement } from './statement.ts';

/** A neighbour as its pin names it. */
export interface Pin {
  readonly region: string;
  readonly entity: string;
  readonly federationKeys: readonly PublicJwk[];
  readonly anchors: readonly string[];
  readonly statementToken: string;
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
      return neighbourFrom(statement, pin.anchors);
    }),
  );
}

/**
 * Verifies our own statement and that it lists the key that we sign with.
 *
 * @throws StartError
 */
export async function ownStatement(
  own: { entity: string; region: string; statementToken: string; federationKeys: readonly PublicJwk[] },
  messageKid: string,
  now: number,
): Promise<EntityStatement> {
  const statement = await verified(own.statementToken, own.federationKeys, own.entity, now, own.region);
  if (!statement.metadata.wayleave_broker.message_keys.some((key) => key.kid === messageKid)) {
    throw new StartError(
      'statement: our entity statement does not list the message key of the secrets: sign a statement that does.',
    );
  }
  return statement;
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
