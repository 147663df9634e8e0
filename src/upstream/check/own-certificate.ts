import { createPrivateKey } from 'node:crypto';

import type { BrokerMetadata } from '../../trust/entity-statement.ts';
import { Neighbours, type Neighbour } from '../../trust/neighbours.ts';
import { peerCertificateIn } from '../../trust/peer-certificate.ts';
import type { TlsIdentity } from '../../trust/tls.ts';
import { certificateDetail, certificateFault } from './connect.ts';
import type { Found } from './step.ts';

/** We, as the neighbours that have our newest statement see us. */
export function ourselves(entity: string, broker: BrokerMetadata): Neighbour {
  const { region } = broker;
  return { region, entity, broker, anchors: broker.tls.anchors, validFrom: 0, validUntil: Infinity };
}

/**
 * Step `own-certificate`: a certificate of ours with its key, judged as a neighbour that has our newest statement would
 * judge it. Nothing is connected to. The value is there when a connection can be tried with it, refused or not.
 *
 * @param role what it is for: `client` where we ask, `server` where we listen
 */
export function judgeOwn(
  identity: TlsIdentity,
  self: Neighbour,
  role: 'client' | 'server',
  at: number,
): Found<TlsIdentity> {
  const own = peerCertificateIn(identity.certificate);
  if (own === undefined) return { fault: { code: 'no-certificate' } };
  const detail = certificateDetail(own);
  if (!isKeyOf(identity)) return { detail, fault: { code: 'key-mismatch' } };
  try {
    new Neighbours([self]).identify(own, role, at);
    return { value: identity, detail };
  } catch (error) {
    return { value: identity, detail, fault: certificateFault(error) };
  }

  /** The cause of a failure is not kept: it may quote the key. */
  function isKeyOf({ key }: TlsIdentity): boolean {
    try {
      return own?.leaf.checkPrivateKey(createPrivateKey(key)) ?? false;
    } catch {
      return false;
    }
  }
}
