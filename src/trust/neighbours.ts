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
  /** What was decided here since, and outranks any statement. */
  readonly decided?: Decided | undefined;
}

/** What admins of ours have decided about a neighbour. */
export interface Decided {
  /** The neighbour as a whole is trusted no more. */
  readonly revoked: boolean;
  /** `kid`s of message keys, and `x5t#S256` of certificates, that are trusted no more. */
  readonly revokedKeys: ReadonlySet<string>;
  readonly revokedCertificates: ReadonlySet<string>;
  /** Not asked until then, milliseconds since the epoch. */
  readonly pausedUntil: number | undefined;
}

declare const identified: unique symbol;
/** A neighbour that proved, on the connection at hand and at a given time, that it is who it says. */
export interface IdentifiedPeer {
  readonly neighbour: Neighbour;
  readonly thumbprint: string;
  readonly [identified]: true;
}

/** Makes a neighbour of a statement that was verified with the neighbour's pinned federation keys. */
export function neighbourFrom(
  statement: EntityStatement,
  pinnedAnchors: readonly string[],
  decided?: Decided,
): Neighbour {
  const broker = statement.metadata.wayleave_broker;
  return {
    region: broker.region,
    entity: statement.sub,
    broker,
    anchors: pinnedAnchors,
    validFrom: statement.iat * 1000,
    validUntil: statement.exp * 1000,
    decided,
  };
}

/**
 * Who our neighbours are, and which keys and certificates speak for them at a given time. Whoever holds this sees what
 * it was last replaced by: trust changes while the broker runs.
 */
export class Neighbours {
  #byEntity: ReadonlyMap<string, Pinned> = new Map();
  #byRegion: ReadonlyMap<string, Pinned> = new Map();
  readonly #listsOf: (region: string) => RevocationLists | undefined;
  /** Called with a region whose approved statement seems not to be its newest. */
  onOutdated: (region: string) => void = () => undefined;

  /** @param listsOf the revocation lists that are held for a region; undefined where none are configured */
  constructor(
    neighbours: readonly Neighbour[],
    listsOf: (region: string) => RevocationLists | undefined = () => undefined,
  ) {
    this.#listsOf = listsOf;
    this.replace(neighbours);
  }

  /** From now on these are all, and each is as it is given here. */
  replace(neighbours: readonly Neighbour[]): void {
    const pinned = neighbours.map((neighbour) => this.#pinned(neighbour));
    this.#byEntity = new Map(pinned.map((one) => [one.neighbour.entity, one]));
    this.#byRegion = new Map(pinned.map((one) => [one.neighbour.region, one]));
  }

  all(): Neighbour[] {
    return [...this.#byRegion.values()].map((pinned) => pinned.neighbour);
  }

  /** As it is now, whether it is in force or not. */
  byRegion(region: string): Neighbour | undefined {
    return this.#byRegion.get(region)?.neighbour;
  }

  /** The neighbour that serves `region`, if its approved statement is in force at `at` (ms) and it is not revoked. */
  inForce(region: string, at: number): Neighbour | undefined {
    const neighbour = this.byRegion(region);
    return neighbour && speaksAt(neighbour, at) && !isRevoked(neighbour) ? neighbour : undefined;
  }

  /** Why a region is not to be asked at `at` (ms): it is not in force, or an admin has paused it. */
  notAsked(region: string, at: number): 'not-trusted' | 'paused' | undefined {
    const neighbour = this.inForce(region, at);
    if (neighbour === undefined) return 'not-trusted';
    return at < (neighbour.decided?.pausedUntil ?? -Infinity) ? 'paused' : undefined;
  }

  /** The pinned message key that `kid` names, if it may sign for `neighbour` at `at` (ms), as it is now. */
  messageKey({ region }: Pick<Neighbour, 'region'>, kid: string, at: number): PublicJwk | undefined {
    const neighbour = this.byRegion(region);
    if (neighbour === undefined || this.hasRevoked(neighbour, kid)) return undefined;
    const seconds = at / 1000;
    const found = neighbour.broker.message_keys.find(
      (key) => key.kid === kid && (key.nbf ?? -Infinity) <= seconds && seconds < (key.exp ?? Infinity),
    );
    if (found === undefined) this.onOutdated(region);
    return found;
  }

  /** Whether admins of ours have revoked a message key of a neighbour's. */
  hasRevoked({ region }: Pick<Neighbour, 'region'>, kid: string): boolean {
    return this.byRegion(region)?.decided?.revokedKeys.has(kid) === true;
  }

  /** A message that was verified says which sequence its sender's own statement has. */
  heard({ region, broker }: Neighbour, sequence: number): void {
    if (sequence > broker.sequence) this.onOutdated(region);
  }

  /** Anchors that did not change keep their parsed form: what is known of their signatures hangs on it. */
  #pinned(neighbour: Neighbour): Pinned {
    const known = this.#byRegion.get(neighbour.region);
    const isSame = known !== undefined && known.neighbour.anchors.join() === neighbour.anchors.join();
    const anchors = isSame ? known.anchors : neighbour.anchors.map((pem) => new X509Certificate(pem));
    return { neighbour, anchors, entity: neighbour.entity, hosts: neighbour.broker.tls.names ?? [] };
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
   * @throws RequestError `certificate-missing`, `certificate-revoked`, `neighbour-revoked`, and what `whomItNames` and
   *   `judgeCertificate` throw
   */
  identify(peer: PeerCertificate | undefined, role: 'client' | 'server', at: number): IdentifiedPeer {
    if (peer === undefined) throw new RequestError('certificate-missing');
    const inForce = [...this.#byEntity.values()].filter(({ neighbour }) => speaksAt(neighbour, at));
    const pinned = whomItNames(peer, inForce);
    judgeCertificate(peer, pinned.anchors, role, at, this.#listsOf(pinned.neighbour.region));
    // Last, so that it is told to nobody but the neighbour itself.
    if (isRevoked(pinned.neighbour)) throw new RequestError('neighbour-revoked');
    if (pinned.neighbour.decided?.revokedCertificates.has(peer.thumbprint) === true) {
      throw new RequestError('certificate-revoked');
    }
    return { neighbour: pinned.neighbour, thumbprint: peer.thumbprint } as IdentifiedPeer;
  }
}

function isRevoked({ decided }: Neighbour): boolean {
  return decided?.revoked === true;
}

interface Pinned extends Named {
  readonly neighbour: Neighbour;
  readonly anchors: readonly X509Certificate[];
}

function speaksAt(neighbour: Neighbour, at: number): boolean {
  return neighbour.validFrom <= at && at < neighbour.validUntil;
}
