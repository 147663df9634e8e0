import { X509Certificate } from 'node:crypto';
import type { ClientRequest } from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

import { DeliveryError } from '../errors.ts';
import { thumbprintOf } from '../trust/peer-certificate.ts';
import { federationClientTls, type TlsIdentity } from '../trust/tls.ts';
import { closeFree, freeSockets } from './free-sockets.ts';

/** Whom connections are made as, and how many there may be. */
export interface AgentSettings {
  readonly own: TlsIdentity;
  readonly breaker: { readonly capacity: number };
}

/**
 * Keep-alive connections to one neighbour, made under its own anchors alone; sessions are never resumed. `judge` looks
 * at the other end of each connection before the first byte of a request goes out, and again before every later
 * request, and throws a DeliveryError at one that is not, or no longer, the neighbour.
 */
export class PinnedAgent extends https.Agent {
  /** PEM certificates. */
  readonly anchors: readonly string[];
  readonly own: TlsIdentity;
  /** RFC 8705 `x5t#S256` of the certificate that we show. */
  readonly thumbprint: string;
  readonly #judge: (socket: TLSSocket) => void;

  /** @param anchors PEM certificates */
  constructor(anchors: readonly string[], settings: AgentSettings, judge: (socket: TLSSocket) => void) {
    super({
      ...federationClientTls(settings.own, anchors),
      keepAlive: true,
      maxSockets: settings.breaker.capacity,
      maxFreeSockets: settings.breaker.capacity,
      maxCachedSessions: 0,
    });
    this.anchors = anchors;
    this.own = settings.own;
    this.thumbprint = thumbprintOf(new X509Certificate(settings.own.certificate));
    this.#judge = judge;
  }

  /** Closes idle connections that would not be used again. */
  judgeFree(): void {
    for (const socket of freeSockets(this)) {
      if (this.#faultOf(socket as TLSSocket) !== undefined) socket.destroy();
    }
  }

  /** No connection is kept any longer than the call that it carries. */
  retire(): void {
    this.maxFreeSockets = 0;
    closeFree(this);
  }

  /** Node calls `checkServerIdentity` after its own verification and before anything is sent: it is given no socket. */
  override createConnection(
    options: https.RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const socket = super.createConnection(
      { ...options, checkServerIdentity: () => this.#faultOf(socket as TLSSocket) },
      callback,
    );
    return socket;
  }

  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    const fault = this.#faultOf(socket as TLSSocket);
    if (fault !== undefined) {
      // Both with the fault: the request would tell a lost connection, and the socket would go back into the pool.
      socket.destroy(fault);
      request.destroy(fault);
      return;
    }
    super.reuseSocket(socket, request);
  }

  #faultOf(socket: TLSSocket): Error | undefined {
    try {
      this.#judge(socket);
      return undefined;
    } catch (error) {
      return error instanceof DeliveryError
        ? error
        : new DeliveryError('tls-failed', undefined, { cause: error });
    }
  }
}
