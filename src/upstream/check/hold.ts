import type { Duplex } from 'node:stream';
import https from 'node:https';
import type { TLSSocket } from 'node:tls';

/** Sends every request over the one connection that the check has looked at, and opens no other. */
export class HeldConnection extends https.Agent {
  readonly #socket: TLSSocket;

  constructor(socket: TLSSocket) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#socket = socket;
  }

  override createConnection(): Duplex {
    return this.#socket;
  }
}
