import { X509Certificate } from 'node:crypto';

import { RequestError } from '../errors.ts';
import type { BrokerMetadata, EntityStatement, PublicJwk } from './entity-statement.ts';
import { judgeCertificate } from './judge-certificate.ts';
import type { PeerCertificate } from './peer-certificate.ts';
import { whomItNames, type Named } from './peer-names.ts';
import type { RevocationLists } from './revocation.ts';

/** The header in which a neighbour says which sequence of the caller's own entity statement it has approved. */
export const STATEMENT_HEADER = 'wayleave-statement';

/** A pinned neighbour: an identity, its approved statement and its own trust anchors. */
export interface Neighbour {
  readonly region: string;
  /** The entity identifier (OpenID Federation 1.0): an HTTPS URL that is a name, not an address. */
  readonly entity: string;
  readonly broker: BrokerMetadata;
  /** PEM certificates that alone may have issued this neighbour's certificates. */
  readonly anchors: readonly string[];
  /** Milliseconds since the epoch between which the approved statement speaks. */
  readonly validFrom: number;
  readonly validUntil: number;
}

declare const identified: unique symbol;
/** A neighbour that proved, on the connection at hand and at a given time, that it is who it says. */
export interface IdentifiedPeer {
  readonly neighbour: Neighbour;
  readonly thumbprint: string;
  readonly [identified]: true;
}

/** Makes a neighbour of a statement that was verified with the neighbour's pinned federation keys. */
export function neighbourFrom(statement: EntityStatement, pinnedAnchors: readonly string[]): Neighbour {
  const broker = statement.metadata.wayleave_broker;
  return {
    region: broker.region,
    entity: statement.sub,
    broker,
    anchors: pinnedAnchors,
    validFrom: statement.iat * 1000,
    validUntil: statement.exp * 1000,
  };
}

/** Who our neighbours are, and which keys and certificates speak for them at a given time. */
export class Neighbours {
  readonly #byEntity = new Map<string, Pinned>();
  readonly #byRegion = new Map<string, Pinned>();
  readonly #listsOf: (region: string) => RevocationLists | undefined;

  /** @param listsOf the revocation lists that are held for a region; undefined where none are configured */
  constructor(
    neighbours: readonly Neighbour[],
    listsOf: (region: string) => RevocationLists | undefined = () => undefined,
  ) {
    this.#listsOf = listsOf;
    for (const neighbour of neighbours) {
      const pinned = pin(neighbour);
      this.#byEntity.set(neighbour.entity, pinned);
      this.#byRegion.set(neighbour.region, pinned);
    }
  }

  all(): Neighbour[] {
    return [...this.#byRegion.values()].map((pinned) => pinned.neighbour);
  }

  /** The neighbour that serves `region`, if its approved statement is in force at `at` (ms). */
  inForce(region: string, at: number): Neighbour | undefined {
    const neighbour = this.#byRegion.get(region)?.neighbour;
    return neighbour && speaksAt(neighbour, at) ? neighbour : undefined;
  }

  /** The pinned message key that `kid` names, if it may sign for `neighbour` at `at` (ms). */
  messageKey(neighbour: Neighbour, kid: string, at: number): PublicJwk | undefined {
    const seconds = at / 1000;
    return neighbour.broker.message_keys.find(
      (key) => key.kid === kid && (key.nbf ?? -Infinity) <= seconds && seconds < (key.exp ?? Infinity),
    );
  }

  /**
   * Judges the certificate of a connection's other end, anew on every request.
   *
   * The certificate must name exactly one neighbour in force, by the entity identifier as its one URI name or, without
   * any URI name, by a host name that this neighbour's approved statement lists; and lead to the anchors pinned for
   * *that* neighbour: another neighbour's authority cannot vouch for it.
   *
   * @param role what the other end is on this connection
   * @param at milliseconds since the epoch
   * @throws RequestError `certificate-missing`, and what `whomItNames` and `judgeCertificate` throw
   */
  identify(peer: PeerCertificate | undefined, role: 'client' | 'server', at: number): IdentifiedPeer {
    if (peer === undefined) throw new RequestError('certificate-missing');
    const inForce = [...this.#byEntity.values()].filter(({ neighbour }) => speaksAt(neighbour, at));
    const pinned = whomItNames(peer, inForce);
    judgeCertificate(peer, pinned.anchors, role, at, this.#listsOf(pinned.neighbour.region));
    return { neighbour: pinned.neighbour, thumbprint: peer.thumbprint } as IdentifiedPeer;
  }
}

interface Pinned extends Named {
  readonly neighbour: Neighbour;
  readonly anchors: readonly X509Certificate[];
}

function pin(neighbour: Neighbour): Pinned {
  const { entity, broker } = neighbour;
  const anchors = neighbour.anchors.map((pem) => new X509Certificate(pem));
  return { neighbour, anchors, entity, hosts: broker.tls.names ?? [] };
}

function speaksAt(neighbour: Neighbour, at: number): boolean {
  return neighbour.validFrom <= at && at < neighbour.validUntil;
}
