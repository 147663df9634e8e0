import { constants } from 'node:crypto';
import type { SecureContextOptions, TlsOptions } from 'node:tls';

/** A certificate and the private key that proves it, both PEM. */
export interface TlsIdentity {
  readonly certificate: string;
  readonly key: string;
}

/**
 * The listener between brokers: TLS 1.3, client certificate required. The authorities here are only a first
 * sieve for the handshake; who the peer is, `Neighbours.identify` says on every request. No tickets are
 * given, so that a connection is never resumed without its certificate being seen.
 */
export function federationServerTls(own: TlsIdentity, anchors: readonly string[]): TlsOptions {
  return {
    cert: own.certificate,
    key: own.key,
    ca: [...anchors],
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
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
    secureOptions: constants.SSL_OP_NO_TICKET,
    ...mutual,
  };
}

/** The client end towards one neighbour: its own anchors and nothing else, certificate always sent. */
export function federationClientTls(own: TlsIdentity, anchors: readonly string[]): SecureContextOptions {
  return { cert: own.certificate, key: own.key, ca: [...anchors], minVersion: 'TLSv1.3' };
}
