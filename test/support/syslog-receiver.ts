import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { createServer as createTlsServer, type TlsOptions, type TLSSocket } from 'node:tls';

import type { Credential } from '../../src/trust/issue.ts';
import { messagesIn } from './rfc5424.ts';

/**
 * What a receiver does with a connection.
 * - `orderly`: reads until the end, and answers it with its own
 * - `reset`: breaks off by TCP after the first bytes of a message
 * - `gone`: reads all; then its system ends TCP, and it says nothing itself (as a killed one)
 * - `deaf`: reads nothing; `endless`: reads all and never ends
 * - `hasty`: ends TLS in order at the first bytes, and reads on; `early`: the same, without reading on
 * - `unread`: as `early`, so late that our end is there already, but unread: its system tells that by a reset
 */
export type Manner = 'orderly' | 'reset' | 'gone' | 'deaf' | 'endless' | 'hasty' | 'early' | 'unread';

const LATE_MS = 200;

export interface Connection {
  readonly manner: Manner;
  readonly protocol: string | null;
  readonly bytes: Buffer[];
  /** Our end was read. */
  ended: boolean;
}

/** A syslog receiver over TLS (RFC 5425) on a free port of 127.0.0.1, real but for its manners. */
export class SyslogReceiver {
  manner: Manner = 'orderly';
  readonly connections: Connection[] = [];
  /** TCP connections, whatever became of their handshake. */
  knocks = 0;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  private constructor(server: Server, tls: TlsOptions) {
    this.#server = server;
    server.on('connection', (tcp: Socket) => this.#serve(tcp, tls));
  }

  static async start(own: Credential, more: TlsOptions = {}, port = 0): Promise<SyslogReceiver> {
    const server = createServer({ allowHalfOpen: true });
    const receiver = new SyslogReceiver(server, { cert: own.certificate, key: own.key, ...more });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Every whole message, in the order in which it came; of all connections, or of those that were ended in order. */
  messages(which: 'all' | 'ended' = 'all'): Buffer[] {
    return this.connections
      .filter(({ ended }) => which === 'all' || ended)
      .flatMap(({ bytes }) => messagesIn(Buffer.concat(bytes)));
  }

  async stop(): Promise<void> {
    for (const tcp of this.#open) tcp.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(tcp: Socket, options: TlsOptions): void {
    this.knocks += 1;
    this.#open.add(tcp);
    tcp.on('error', () => undefined).on('close', () => this.#open.delete(tcp));
    const { manner } = this;
    const server = createTlsServer(options, (tls) => {
      const connection = { manner, protocol: tls.getProtocol(), bytes: [] as Buffer[], ended: false };
      this.connections.push(connection);
      tls.on('error', () => undefined).on('end', () => (connection.ended = true));
      behave(manner, tls, tcp, (chunk) => void connection.bytes.push(chunk));
    });
    server.on('tlsClientError', () => tcp.destroy()).emit('connection', new Wire(tcp));
  }
}

function behave(manner: Manner, tls: TLSSocket, tcp: Socket, take: (chunk: Buffer) => void): void {
  if (manner === 'deaf') return void tcp.pause();
  let first = true;
  tls.on('data', (chunk: Buffer) => {
    take(chunk);
    if (!first) return;
    first = false;
    if (manner === 'reset') tcp.resetAndDestroy();
    if (manner === 'hasty' || manner === 'early') tls.end();
    if (manner === 'early') tcp.pause();
    if (manner !== 'unread') return;
    tcp.pause();
    setTimeout(() => tls.end(() => tcp.destroy()), LATE_MS);
  });
  tls.on('end', () => {
    if (manner === 'orderly') tls.end(() => tcp.end());
    if (manner === 'gone') tcp.destroy();
  });
}

/** Between TLS and TCP: each ends by itself, so that a manner can have the one without the other. */
class Wire extends Duplex {
  readonly #tcp: Socket;

  constructor(tcp: Socket) {
    super({ allowHalfOpen: true });
    this.#tcp = tcp;
    tcp.on('data', (chunk: Buffer) => void this.push(chunk));
    tcp.on('end', () => this.push(null));
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, written: () => void): void {
    this.#tcp.write(chunk, () => written());
  }
}
