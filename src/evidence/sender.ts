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

/** A broker as it signs what travels under one of its certificates, as it is whenever it signs. */
export function liveSender(
  { certificate }: TlsIdentity,
  entity: string,
  now: () => SigningNow,
  checkpoint?: () => string | undefined,
): Sender {
  return {
    entity,
    thumbprint: thumbprintOf(new X509Certificate(certificate)),
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
export function senderAs(tls: TlsIdentity, entity: string, signer: Signer, statement: number): Sender {
  return liveSender(tls, entity, () => ({ signer, statement }));
}
