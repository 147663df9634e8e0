import { X509Certificate } from 'node:crypto';

import { RequestError } from '../errors.ts';
import type { PublicJwk } from './entity-statement.ts';
import { judgeCertificate } from './judge-certificate.ts';
import type { PeerCertificate } from './peer-certificate.ts';
import { oneName } from './peer-names.ts';

/** A viewer as registered: a platform whose users ask through us. */
export interface Viewer {
  readonly id: string;
  readonly name: string;
  /** `iss` of its tokens. */
  readonly issuer: string;
  readonly organisations: readonly string[];
  readonly own_records: readonly string[];
  readonly keys: readonly PublicJwk[];
  readonly binding: 'certificate' | 'single-use';
  readonly certificate?: { readonly uri: string } | undefined;
  /** PEM of the authorities that may have issued its certificate. */
  readonly anchor: string | undefined;
  /** Local role -> SDS job role code. */
  readonly roles: Readonly<Record<string, string>>;
  /** SDS job roles that may read the audit: of a token's one patient, and without naming any. */
  readonly auditors: { readonly one_patient: readonly string[]; readonly any_patient: readonly string[] };
}

/** The registered viewers, found by what they prove. */
export class Viewers {
  readonly #viewers: readonly { viewer: Viewer; anchors: readonly X509Certificate[] }[];

  constructor(viewers: readonly Viewer[]) {
    this.#viewers = viewers.map((viewer) => ({
      viewer,
      anchors: viewer.anchor === undefined ? [] : [new X509Certificate(viewer.anchor)],
    }));
  }

  /** True when any viewer of this binding has an auditor. */
  haveAuditors(binding: Viewer['binding']): boolean {
    return this.#viewers.some(
      ({ viewer }) =>
        viewer.binding === binding && Object.values(viewer.auditors).some((roles) => roles.length > 0),
    );
  }

  /** PEM authorities for the handshake's first sieve. */
  anchors(): string[] {
    return [...new Set(this.#viewers.map(({ viewer }) => viewer.anchor).filter((pem) => pem !== undefined))];
  }

  /**
   * The viewer whose certificate this is, judged anew on every request.
   *
   * @throws RequestError `certificate-missing`, `certificate-unknown`, and what `oneName` and `judgeCertificate` throw
   */
  byCertificate(peer: PeerCertificate | undefined, at: number): Viewer {
    if (peer === undefined) throw new RequestError('certificate-missing');
    const name = oneName(peer);
    const found = this.#viewers.find(({ viewer }) => viewer.certificate?.uri === name);
    if (found === undefined) throw new RequestError('certificate-unknown', 'no such viewer');
    judgeCertificate(peer, found.anchors, 'client', at);
    return found.viewer;
  }

  /** The viewer with single-use tokens that a token says it is from; its signature is still to be verified. */
  byIssuer(issuer: string | undefined): Viewer {
    const found = this.#viewers.find(
      ({ viewer }) => viewer.issuer === issuer && viewer.binding === 'single-use',
    );
    if (found === undefined) throw new RequestError('token-refused', 'issuer');
    return found.viewer;
  }
}
