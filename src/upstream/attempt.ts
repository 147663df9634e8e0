import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

import { DeliveryError } from '../errors.ts';

/** A connection that was closed just before it was used shows that within a journey there and back. */
const STALE_MS = 1_000;

/** One request on its connection: whether that is made in time, and whether anything of an answer came over it. */
export class Attempt {
  readonly #connectMs: number | undefined;
  #on:
    | { readonly socket: Socket; readonly kept: boolean; readonly read: number; readonly at: number }
    | undefined;

  /** @param connectMs from the start of a new connection until TLS, where there is any, is done */
  constructor(connectMs: number | undefined) {
    this.#connectMs = connectMs;
  }

  watch(request: ClientRequest): ClientRequest {
    return request.once('socket', (socket) => {
      this.#on = { socket, kept: request.reusedSocket, read: socket.bytesRead, at: performance.now() };
      if (socket.connecting && this.#connectMs !== undefined) endUnlessMade(socket, this.#connectMs);
    });
  }

  /** After it failed: on which connection not a byte of an answer came; undefined where one came, or none was there. */
  get unanswered(): 'new' | 'kept' | undefined {
    if (this.#on === undefined || this.#on.socket.bytesRead > this.#on.read) return undefined;
    const { kept, at } = this.#on;
    return kept && performance.now() - at <= STALE_MS ? 'kept' : 'new';
  }
}

function endUnlessMade(socket: Socket, withinMs: number): void {
  const late = (): void => void socket.destroy(new DeliveryError('connect-timeout'));
  const timer = setTimeout(late, withinMs);
  const done = (): void => clearTimeout(timer);
  socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', done).once('close', done);
}
