import { lookup } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

import { beforeEnd, type Deadline } from '../../deadline.ts';
import { isWayleaveError } from '../../errors.ts';
import type { IdentifiedPeer, Neighbour, Neighbours } from '../../trust/neighbours.ts';
import { peerCertificateOf, type PeerCertificate } from '../../trust/peer-certificate.ts';
import { federationClientTls, groupOf, type TlsIdentity } from '../../trust/tls.ts';
import type { Detail, Fault, Found } from './step.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Step `name`: the host of an endpoint that their approved statement names. */
export async function resolveName(url: string, deadline: Deadline): Promise<Found<Endpoint>> {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const value = { host, port: port === '' ? 443 : Number(port) };
  if (isIP(host) !== 0) return { value, detail: { host, port: value.port } };
  try {
    const found = await beforeEnd(lookup(host, { all: true }), deadline);
    return { value, detail: { host, port: value.port, addresses: found.map(({ address }) => address) } };
  } catch (error) {
    return { detail: { host }, fault: { code: codeOf(error) } };
  }
}

/** Step `tcp`. */
export async function openTcp({ host, port }: Endpoint, deadline: Deadline): Promise<Found<Socket>> {
  const socket = connect({ host, port, signal: deadline.signal });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
    });
    return { value: socket, detail: { address: socket.remoteAddress ?? host, port } };
  } catch (error) {
    socket.destroy();
    return { detail: { host, port }, fault: { code: codeOf(error) } };
  }
}

/** What a handshake showed of the other end, whether or not its certificate was taken. */
export interface Shaken {
  readonly socket: TLSSocket;
  readonly version: string;
  readonly group: string;
  readonly cipher: string;
  readonly peer: PeerCertificate | undefined;
  /** Who it is; undefined where `fault` says why it is nobody. */
  readonly identified: IdentifiedPeer | undefined;
  readonly fault: Fault | undefined;
}

export interface Shaking {
  readonly endpoint: Endpoint;
  readonly own: TlsIdentity;
  readonly neighbour: Neighbour;
  /** The neighbour alone: nobody else may be at the other end. */
  readonly neighbours: Neighbours;
  readonly now: () => number;
}

/**
 * Step `tls`, and what `certificate` is about. The connection is made as a link makes it, under the neighbour's own
 * anchors, and is gone when they do not vouch for its certificate: what the certificate was is seen before that.
 */
export function shakeHands(tcp: Socket, shaking: Shaking, deadline: Deadline): Promise<Found<Shaken>> {
  const { endpoint, own, neighbour, neighbours, now } = shaking;
  return new Promise((resolve) => {
    let seen: Shaken | undefined;
    const socket = connectTls({
      ...federationClientTls(own, neighbour.anchors),
      socket: tcp,
      rejectUnauthorized: true,
      ...(isIP(endpoint.host) === 0 ? { servername: endpoint.host } : {}),
      checkServerIdentity: () =>
        seen?.identified === undefined
          ? Object.assign(new Error('not this neighbour'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
          : undefined,
    });
    const end = (found: Found<Shaken>): void => {
      deadline.signal.removeEventListener('abort', stop);
      resolve(found);
    };
    const stop = (): void => void socket.destroy(Object.assign(new Error('timeout'), { code: 'timeout' }));
    deadline.signal.addEventListener('abort', stop, { once: true });
    // Before Node's own listener, which ends the connection when the certificate does not verify.
    socket.prependOnceListener('secure', () => (seen = lookAt(socket, neighbours, now())));
    socket.once('secureConnect', () => end(told(seen)));
    socket.on('error', (error) => {
      if (seen === undefined) return end({ fault: { code: tlsFault(codeOf(error)) } });
      end(told({ ...seen, identified: undefined, fault: seen.fault ?? { code: codeOf(error) } }));
    });
    socket.once('close', () => end(seen === undefined ? { fault: { code: 'closed' } } : told(seen)));
  });
}

function told(shaken: Shaken | undefined): Found<Shaken> {
  if (shaken === undefined) return { fault: { code: 'closed' } };
  const { version, group, cipher } = shaken;
  return { value: shaken, detail: { version, group, cipher, postQuantum: /MLKEM/i.test(group) } };
}

function lookAt(socket: TLSSocket, neighbours: Neighbours, at: number): Shaken {
  let peer: PeerCertificate | undefined;
  const seen = {
    ...{ socket, version: socket.getProtocol() ?? '', cipher: socket.getCipher().name },
    group: groupOf(socket) ?? '',
  };
  try {
    peer = peerCertificateOf(socket);
    return { ...seen, peer, identified: neighbours.identify(peer, 'server', at), fault: undefined };
  } catch (error) {
    return { ...seen, peer, identified: undefined, fault: certificateFault(error) };
  }
}

/** The code of the check that a certificate failed, whichever checks there are. */
export function certificateFault(error: unknown): Fault {
  // What cannot even be read is none that we take.
  if (!isWayleaveError(error)) return { code: 'certificate-unreadable' };
  return { code: error.code, ...(error.detail === undefined ? {} : { detail: { check: error.detail } }) };
}

/** Names and dates of a certificate; `chain` is what was sent above it. */
export function certificateDetail({ leaf, issuers, uris }: PeerCertificate): Detail {
  return {
    ...{ subject: oneLine(leaf.subject), uris: uris ?? [] },
    ...{ validFrom: leaf.validFromDate.toISOString(), validUntil: leaf.validToDate.toISOString() },
    chain: issuers.map(({ subject }) => oneLine(subject)),
  };
}

function oneLine(name: string | undefined): string {
  return (name ?? '').replaceAll('\n', ', ');
}

/**
 * The name of a TLS alert (RFC 8446, 6.2) in an error that OpenSSL made of it, as `unknown_ca`; undefined for others.
 */
export function alertIn(code: string): string | undefined {
  return /^ERR_SSL_.*?ALERT_(?:NUMBER_)?([A-Z0-9_]+)$/.exec(code)?.[1]?.toLowerCase();
}

/** What is no TLS at all shows as a record of no version. */
function tlsFault(code: string): string {
  if (/^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$/.test(code)) return 'no-tls';
  if (code === 'ERR_SSL_UNSUPPORTED_PROTOCOL') return 'protocol_version';
  return alertIn(code) ?? code;
}

export function codeOf(error: unknown): string {
  const { name, code } = error as NodeJS.ErrnoException;
  if (name === 'AbortError') return 'timeout';
  return code ?? 'unknown';
}
