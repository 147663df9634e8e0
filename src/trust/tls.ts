import { constants } from 'node:crypto';
import {
  checkServerIdentity,
  createSecureContext,
  type ConnectionOptions,
  type PeerCertificate,
  type SecureContextOptions,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';

import { uriNames } from './peer-certificate.ts';

/** A certificate and the private key that proves it, both PEM. */
export interface TlsIdentity {
  readonly certificate: string;
  readonly key: string;
}

/**
 * Groups for the key exchange, best first (TLS 1.3 `supported_groups`): the hybrid of ML-KEM-768 and X25519
 * (draft-ietf-tls-ecdhe-mlkem), so that what is recorded today is not read by a quantum computer later; then those that
 * every TLS 1.3 stack has. `*`: a key share of it is sent at once, so that neither kind of other end costs a round trip.
 */
export const GROUPS = '*X25519MLKEM768:*X25519:P-256:P-384';

/**
 * The listener between brokers, and the one for admins: TLS 1.3, client certificate required. The authorities here are
 * only a first sieve for the handshake; who the peer is, `Neighbours.identify` and `Admins.byCertificate` say on every
 * request. No tickets are given, so that a connection is never resumed without its certificate being seen.
 */
export function federationServerTls(own: TlsIdentity, anchors: readonly string[]): TlsOptions {
  return {
    cert: own.certificate,
    key: own.key,
    ca: [...anchors],
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
    ecdhCurve: GROUPS,
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/**
 * A listener for viewers: TLS 1.2 or later. With `anchors` (the authorities of registered viewers) a client
 * certificate is required; the listener for single-use tokens has none and asks for no certificate.
 */
export function viewerServerTls(own: TlsIdentity, anchors: readonly string[] | undefined): TlsOptions {
  const mutual =
    anchors === undefined ? {} : { ca: [...anchors], requestCert: true, rejectUnauthorized: true };
  return {
    cert: own.certificate,
    key: own.key,
    minVersion: 'TLSv1.2',
    ecdhCurve: GROUPS,
    secureOptions: constants.SSL_OP_NO_TICKET,
    ...mutual,
  };
}

/** The client end towards one neighbour: its own anchors and nothing else, certificate always sent. */
export function federationClientTls(own: TlsIdentity, anchors: readonly string[]): SecureContextOptions {
  return {
    cert: own.certificate,
    key: own.key,
    ca: [...anchors],
    minVersion: 'TLSv1.3',
    ecdhCurve: GROUPS,
  };
}

/** Whether OpenSSL takes a pair: what it refuses must not be met by one listener after another. */
export function isUsable({ certificate, key }: TlsIdentity): boolean {
  try {
    createSecureContext({ cert: certificate, key, minVersion: 'TLSv1.3' });
    return true;
  } catch {
    return false;
  }
}

/**
 * For `checkServerIdentity` of a client that knows the server by its one URI name, whatever its address.
 *
 * @param uri the entity identifier that the certificate must carry, and no other
 */
export function serverNamed(uri: string): (host: string, certificate: PeerCertificate) => Error | undefined {
  return (_host, certificate) => {
    const uris = uriNames(certificate.subjectaltname);
    return uris?.length === 1 && uris[0] === uri
      ? undefined
      : Object.assign(new Error('another name'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  };
}

/**
 * A client of a service that is known by its name: TLS 1.2 or later with forward secrecy, the given authorities and no
 * others. The name must be among the certificate's DNS names: a common name is none (RFC 9525).
 */
export function namedServerTls(
  name: string,
  anchors: string,
  own: TlsIdentity | undefined,
): ConnectionOptions {
  const identity = own === undefined ? {} : { cert: own.certificate, key: own.key };
  return {
    secureContext: createSecureContext({
      ...identity,
      ca: anchors,
      minVersion: 'TLSv1.2',
      ciphers: FORWARD_SECRET,
    }),
    servername: name,
    // Said aloud: without it a variable of the environment could turn the verification off.
    rejectUnauthorized: true,
    checkServerIdentity: (host, certificate) =>
      /(?:^|, )DNS:/.test(certificate.subjectaltname ?? '')
        ? checkServerIdentity(host, certificate)
        : Object.assign(new Error('no DNS name'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }),
  };
}

/** The name of the group that a connection's keys were agreed in; undefined before the handshake's end. */
export function groupOf(socket: TLSSocket): string | undefined {
  // Empty at the server's end; the typings know neither that nor a group that is no curve.
  const info = socket.getEphemeralKeyInfo() as { name?: string } | null;
  return info?.name;
}

const FORWARD_SECRET = [
  ...['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'],
  ...['ECDHE+AESGCM', 'ECDHE+CHACHA20'],
].join(':');
