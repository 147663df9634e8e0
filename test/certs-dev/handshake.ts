import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { connect, createServer } from 'node:tls';

import type { Credential } from '../../src/trust/issue.ts';

export interface End {
  readonly credential: Credential;
  /** PEM of the one authority that this end believes. */
  readonly pin: string;
}

export interface Handshake {
  /** What each end saw of the other: its alternative names, or the code for which it refused. */
  readonly client: { names: string } | { refused: string };
  readonly server: { names: string } | { refused: string };
}

/** One mutual TLS 1.3 handshake on 127.0.0.1, judged by both ends with Node's own checks. */
export async function handshake(server: End, client: End): Promise<Handshake> {
  const listener = createServer({
    cert: server.credential.certificate,
    key: server.credential.key,
    ca: server.pin,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  });
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  try {
    const serverSaw = new Promise<Handshake['server']>((resolve) => {
      listener.on('secureConnection', (socket) => {
        socket.on('error', () => undefined).end('wayleave');
        resolve(seenBy(socket));
      });
      listener.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
        // Node's typings say Error; on the server's side it is the code itself.
        const verdict = socket.authorizationError as Error | string | null;
        resolve({ refused: String(verdict ?? error.code) });
      });
    });

    const socket = connect({
      host: '127.0.0.1',
      port: (listener.address() as AddressInfo).port,
      cert: client.credential.certificate,
      key: client.credential.key,
      ca: client.pin,
      minVersion: 'TLSv1.3',
    });
    const clientSaw = new Promise<Handshake['client']>((resolve) => {
      socket.once('secureConnect', () => resolve(seenBy(socket)));
      socket.on('error', (error: NodeJS.ErrnoException) => resolve({ refused: error.code ?? error.message }));
    });
    const seen = { client: await clientSaw, server: await serverSaw };
    socket.destroy();
    return seen;
  } finally {
    listener.close();
  }
}

function seenBy(socket: TLSSocket): { names: string } {
  return { names: socket.getPeerX509Certificate()?.subjectAltName ?? '' };
}
