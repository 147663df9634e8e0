import { X509Certificate } from 'node:crypto';

import { thumbprintOf } from '../trust/peer-certificate.ts';
import type { TlsIdentity } from '../trust/tls.ts';
import type { Signer } from './keys.ts';
import type { Sender } from './query.ts';

/** A broker as it signs what travels under one of its certificates. @param statement our entity statement's sequence */
export function senderAs(
  { certificate }: TlsIdentity,
  entity: string,
  signer: Signer,
  statement: number,
): Sender {
  return { entity, signer, statement, thumbprint: thumbprintOf(new X509Certificate(certificate)) };
}
