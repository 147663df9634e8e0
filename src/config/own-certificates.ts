import type { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';

import type { TlsRole } from '../trust/key-pair-files.ts';
import { endsAt } from '../trust/own-chain.ts';
import { ownChain, ownPair, type OwnPlaces } from './own-places.ts';

/** One of our certificates as it is in place. */
export interface OwnCertificate {
  readonly role: TlsRole;
  /** Undefined where there is no file yet. */
  readonly leaf: X509Certificate | undefined;
  /** Those of the authorities given that it leads to. */
  readonly authorities: readonly X509Certificate[];
  /** A key that waits for its certificate. */
  readonly nextKey: boolean;
  readonly formerPair: boolean;
}

/** @param listed the authorities of our statement. @throws StartError */
export function ownCertificates(places: OwnPlaces, listed: readonly X509Certificate[]): OwnCertificate[] {
  return (['server', 'client'] as const).map((role) => {
    const chain = ownChain(places, role);
    const { place } = ownPair(places, role);
    return {
      ...{ role, leaf: chain[0] },
      authorities: listed.filter((one) => endsAt(chain, [one])),
      nextKey: existsSync(place.nextKey),
      formerPair: existsSync(place.formerCertificate),
    };
  });
}
