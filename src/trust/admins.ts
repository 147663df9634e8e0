import type { X509Certificate } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';

import { RequestError } from '../errors.ts';
import { certificatesIn } from './certificates-in.ts';
import { judgeCertificate } from './judge-certificate.ts';
import type { PeerCertificate } from './peer-certificate.ts';
import { oneName } from './peer-names.ts';

/** What an admin may do, each role with everything that the one before it may: look, operate, decide whom we trust. */
export const ADMIN_ROLES = ['viewer', 'operator', 'security-officer'] as const;
export type AdminRole = (typeof ADMIN_ROLES)[number];

/** An admin as configured: a person of our own region, known by a certificate. */
export interface Admin {
  readonly id: string;
  readonly name: string;
  readonly role: AdminRole;
  /** The one URI name of the admin's certificate. */
  readonly certificate: { readonly uri: string };
  /** PEM of the authorities that alone may have issued it. */
  readonly anchors: string;
}

declare const identified: unique symbol;
/** An admin who proved, on the connection at hand and at a given time, who they are. */
export interface IdentifiedAdmin extends Pick<Admin, 'id' | 'name' | 'role'> {
  /** RFC 8705 `x5t#S256` of the certificate that proved it. */
  readonly thumbprint: string;
  readonly [identified]: true;
}

/** The admins of this broker, found by what they prove. */
export class Admins {
  #byName: ReadonlyMap<string, { admin: Admin; anchors: readonly X509Certificate[] }> = new Map();

  /** @throws Error when an anchor cannot be read */
  constructor(admins: readonly Admin[]) {
    this.replace(admins);
  }

  /**
   * From now on these, and nobody else.
   *
   * @returns false where they are the same as before
   * @throws Error when an anchor cannot be read; then all stays as it was
   */
  replace(admins: readonly Admin[]): boolean {
    const byName = new Map(
      admins.map((admin) => [admin.certificate.uri, { admin, anchors: certificatesIn(admin.anchors) }]),
    );
    const before = [...this.#byName.values()].map(({ admin }) => admin);
    this.#byName = byName;
    return !isDeepStrictEqual(before, admins);
  }

  /** How many have this very role. */
  count(role: AdminRole): number {
    return [...this.#byName.values()].filter(({ admin }) => admin.role === role).length;
  }

  /** PEM authorities for the handshake's first sieve. */
  anchors(): string[] {
    return [...new Set([...this.#byName.values()].map(({ admin }) => admin.anchors))];
  }

  /**
   * The admin whose certificate this is, judged anew on every request.
   *
   * The certificate must carry exactly one URI name, that of an admin, and chain to the anchors of *that* admin.
   *
   * @param at milliseconds since the epoch
   * @throws RequestError `certificate-missing`, `certificate-unknown`, `certificate-expired`
   */
  byCertificate(peer: PeerCertificate | undefined, at: number): IdentifiedAdmin {
    if (peer === undefined) throw new RequestError('certificate-missing');
    const found = this.#byName.get(oneName(peer));
    if (found === undefined) throw new RequestError('certificate-unknown', 'no such admin');
    judgeCertificate(peer, found.anchors, 'client', at);
    const { id, name, role } = found.admin;
    return { id, name, role, thumbprint: peer.thumbprint } as IdentifiedAdmin;
  }
}

/** Whether an admin may do what takes `role`. */
export function mayAct(admin: Pick<IdentifiedAdmin, 'role'>, role: AdminRole): boolean {
  return ADMIN_ROLES.indexOf(admin.role) >= ADMIN_ROLES.indexOf(role);
}
