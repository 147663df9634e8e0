import type { ListenOptions } from '../http/listen.ts';
import { peerCertificateOf } from '../trust/peer-certificate.ts';
import { faultOfRefused, UNNAMED } from '../trust/unnamed-fault.ts';

/** What every listener does with a client's certificate, whether or not it is refused. */
export const HANDSHAKES: Required<Pick<ListenOptions, 'onHandshake' | 'nameOf'>> = {
  onHandshake: (socket) => void peerCertificateOf(socket),
  nameOf: (verdict, socket) =>
    verdict === UNNAMED ? (faultOfRefused(peerCertificateOf(socket)) ?? verdict) : verdict,
};
