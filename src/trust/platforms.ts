import type { X509Certificate } from 'node:crypto';

import { RequestError } from '../errors.ts';
import { certificatesIn } from './certificates-in.ts';
import { judgeCertificate } from './judge-certificate.ts';
import type { PeerCertificate } from './peer-certificate.ts';
import { oneName } from './peer-names.ts';

/** A platform as registered: it tells us where patients were treated. */
export interface Platform {
  readonly id: string;
  readonly certificate: { readonly uri: string };
  /** PEM of the authorities that may have issued its certificate. */
  readonly anchors: string;
  /** ODS codes of the organisations that it may speak of, each with its sites. */
  readonly organisations: readonly string[];
  readonly requests_per_second: number;
}

/** The registered platforms, found by what they prove. */
export class Platforms {
  readonly #platforms: readonly { platform: Platform; anchors: readonly X509Certificate[] }[];

  constructor(platforms: readonly Platform[]) {
    this.#platforms = platforms.map((platform) => ({ platform, anchors: certificatesIn(platform.anchors) }));
  }

  /** PEM authorities for the handshake's first sieve. */
  anchors(): string[] {
    return [...new Set(this.#platforms.map(({ platform }) => platform.anchors))];
  }

  /**
   * The platform whose certificate this is, judged anew on every request.
   *
   * @throws RequestError `certificate-missing`, `certificate-unknown`, and what `oneName` and `judgeCertificate` throw
   */
  byCertificate(peer: PeerCertificate | undefined, at: number): Platform {
    if (peer === undefined) throw new RequestError('certificate-missing');
    const name = oneName(peer);
    const found = this.#platforms.find(({ platform }) => platform.certificate.uri === name);
    if (found === undefined) throw new RequestError('certificate-unknown', 'no such platform');
    judgeCertificate(peer, found.anchors, 'client', at);
    return found.platform;
  }
}

/** True for an organisation that a platform speaks for, or a site of one. */
export function speaksFor({ organisations }: Pick<Platform, 'organisations'>, code: string): boolean {
  return organisations.some((organisation) => code.startsWith(organisation));
}
