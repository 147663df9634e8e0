import { X509Certificate } from 'node:crypto';

import { MaterialError } from '../errors.ts';
import type { EntityStatement, PublicJwk } from '../trust/entity-statement.ts';
import { includesKey, jwkThumbprint } from '../trust/jwk-thumbprint.ts';
import { anchorIn, endsAt, nameOf } from '../trust/own-chain.ts';
import type { StatementRequest } from '../trust/statement-request.ts';
import { ownChain, type OwnPlaces } from './own-places.ts';
import { ownStatementRequest } from './own-statement.ts';
import { signingKeys, type SigningKeys } from './signing-keys.ts';

export interface Collecting {
  /** The statement that is in place; undefined before the first. */
  readonly present: EntityStatement | undefined;
  /** The origin of this replica's log. */
  readonly logOrigin: string;
  /** Authorities to be listed; by default those of the present statement, or those that our chains end at. */
  readonly anchors?: readonly X509Certificate[] | undefined;
  /** Message keys to be listed; by default those in use and next, and the former one while it is listed. */
  readonly messageKeys?: PublicJwk[] | undefined;
  readonly days?: number | undefined;
}

/**
 * Collects what our next entity statement is to say: our configuration, the public halves of our keys, and our anchors.
 * Log and witness keys that the present statement lists stay, for what they signed is still to be verified, and so do
 * logs; a former message key stays until it is retired.
 *
 * @throws MaterialError `issuer-missing`, `anchor-unlisted`; StartError
 */
export async function collectRequest(
  places: OwnPlaces,
  { present, logOrigin, anchors = [], messageKeys, days }: Collecting,
): Promise<StatementRequest> {
  const broker = present?.metadata.wayleave_broker;
  const chains = [ownChain(places, 'server'), ownChain(places, 'client')];
  const listed = anchors.length > 0 ? anchors.map(String) : (broker?.tls.anchors ?? foundIn(chains));
  checkAnchors(chains, listed);
  const [ofMessages, logKeys, witnessKeys] = await Promise.all([
    messageKeys ?? listedMessageKeys(places, broker?.message_keys ?? []),
    inUse(places, 'log'),
    inUse(places, 'witness'),
  ]);
  const request = ownStatementRequest(places.config, {
    messageKeys: ofMessages,
    logKeys: joined(logKeys, broker?.log_keys ?? [], jwkThumbprint),
    witnessKeys: joined(witnessKeys, broker?.witness_keys ?? [], jwkThumbprint),
    logs: joined([logOrigin], broker?.logs ?? [], String),
    anchors: listed,
    ...(broker === undefined ? {} : { refreshHint: broker.refresh_hint }),
    ...(days === undefined ? {} : { days }),
  });
  // What a statement says beyond the configuration is carried on as it is.
  const { sequence: _, ...carried } = broker ?? { sequence: 0 };
  const tls = { ...(broker?.tls ?? {}), ...request.broker.tls };
  return { ...request, broker: { ...carried, ...request.broker, tls } };
}

async function inUse(places: OwnPlaces, purpose: 'log' | 'witness'): Promise<PublicJwk[]> {
  return publicOf(await signingKeys(places, purpose));
}

/** The former one does not come back once a statement without it is in place. */
async function listedMessageKeys(places: OwnPlaces, listed: readonly PublicJwk[]): Promise<PublicJwk[]> {
  const keys = await signingKeys(places, 'message');
  const former = keys.former?.publicJwk;
  const stays = former !== undefined && includesKey(listed, former);
  return joined(stays ? [former] : [], publicOf(keys), jwkThumbprint);
}

function publicOf({ present, next }: SigningKeys): PublicJwk[] {
  return [present, next].flatMap((key) => (key === undefined ? [] : [key.publicJwk]));
}

function foundIn(chains: readonly (readonly X509Certificate[])[]): string[] {
  const found = chains.map(anchorIn).filter((one) => one !== undefined);
  return [...new Map(found.map((one) => [one.fingerprint256, one.toString()])).values()];
}

/** A statement whose anchors did not issue the certificates that we use would cut us off from every neighbour. */
function checkAnchors(chains: readonly (readonly X509Certificate[])[], listed: readonly string[]): void {
  if (listed.length === 0) {
    throw new MaterialError(
      'issuer-missing',
      'No authority of our certificates is known: name it with --anchor, or import a chain that holds it.',
    );
  }
  const anchors = listed.map((pem) => new X509Certificate(pem));
  const outside = chains.find((chain) => chain.length > 0 && !endsAt(chain, anchors));
  if (outside === undefined) return;
  throw new MaterialError(
    'anchor-unlisted',
    `${nameOf(outside[0])}, which we use, was issued by no authority of the statement: add its authority with --anchor.`,
  );
}

function joined<Item>(
  one: readonly Item[],
  other: readonly Item[],
  nameOfItem: (item: Item) => string,
): Item[] {
  return [...new Map([...other, ...one].map((item) => [nameOfItem(item), item])).values()];
}
