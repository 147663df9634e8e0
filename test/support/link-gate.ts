import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A way to a broker's port that a test can cut: what comes is reset, and so is what was under way. */
export class LinkGate {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #target = 0;
  #isDown = false;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => this.#pass(socket));
  }

  static async open(): Promise<LinkGate> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new LinkGate(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  leadTo(port: number): void {
    this.#target = port;
  }

  cut(): void {
    this.#isDown = true;
    for (const socket of this.#open) socket.resetAndDestroy();
  }

  mend(): void {
    this.#isDown = false;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #pass(socket: Socket): void {
    if (this.#isDown) return void socket.resetAndDestroy();
    const target = connect(this.#target, '127.0.0.1');
    for (const [one, other] of [
      [socket, target],
      [target, socket],
    ] as const) {
      this.#open.add(one);
      one
        .on('error', () => undefined)
        .once('close', () => {
          this.#open.delete(one);
          other.destroy();
        });
      one.pipe(other);
    }
  }
}
