import { X509Certificate } from 'node:crypto';

import { thumbprintOf } from '../trust/peer-certificate.ts';
import type { TlsIdentity } from '../trust/tls.ts';
import type { Signer } from './keys.ts';
import type { Sender } from './query.ts';

/** What of a sender may change while the broker runs. */
export interface SigningNow {
  readonly signer: Signer;
  /** Our entity statement's sequence. */
  readonly statement: number;
}

/**
 * A broker as it signs what travels under one of its certificates, as it is whenever it signs.
 *
 * @param thumbprint of the certificate that the message will travel under, now
 */
export function liveSender(
  entity: string,
  thumbprint: () => string,
  now: () => SigningNow,
  checkpoint?: () => string | undefined,
): Sender {
  return {
    entity,
    get thumbprint() {
      return thumbprint();
    },
    get signer() {
      return now().signer;
    },
    get statement() {
      return now().statement;
    },
    ...(checkpoint === undefined ? {} : { checkpoint }),
  };
}

/** A broker as it signs what travels under one of its certificates. @param statement our entity statement's sequence */
export function senderAs(
  { certificate }: TlsIdentity,
  entity: string,
  signer: Signer,
  statement: number,
): Sender {
  const thumbprint = thumbprintOf(new X509Certificate(certificate));
  return { entity, signer, statement, thumbprint };
}
