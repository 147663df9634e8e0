import { X509Certificate } from 'node:crypto';

import { ownFederationKeys, ownStatementText, type OwnPlaces } from '../config/own-places.ts';
import { heldStatement } from '../evidence/held-statement.ts';
import type { EntityStatement } from '../trust/entity-statement.ts';
import { CommandFailed } from './io.ts';

/** The statement of ours that is in place, whatever its dates; undefined where none was signed yet. */
export async function presentStatement(places: OwnPlaces): Promise<EntityStatement | undefined> {
  const token = ownStatementText(places);
  return token === undefined ? undefined : heldStatement(token, places.statement, ownFederationKeys(places));
}

/** The same, for what needs one. @throws CommandFailed */
export async function signedStatement(places: OwnPlaces): Promise<EntityStatement> {
  const statement = await presentStatement(places);
  if (statement !== undefined) return statement;
  throw new CommandFailed(
    `${places.statement} is not there: sign our statement first with \`wayleave trust sign\`.`,
  );
}

/** The anchors that a statement lists. */
export function listedAnchors(statement: EntityStatement): X509Certificate[] {
  return statement.metadata.wayleave_broker.tls.anchors.map((pem) => new X509Certificate(pem));
}
