import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';

import type { Log } from '../../src/log.ts';

/** A log that nobody reads. */
export const SILENT: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Breaker settings whose circuit stays closed, for tests of something else. */
export const NEVER_OPEN = {
  volume_threshold: 1000,
  error_percentage: 50,
  window_ms: 10_000,
  slow_ms: 5_000,
  reset_ms: 60_000,
  probe_ms: 500,
  capacity: 64,
};

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export type Script = (seen: Seen, response: http.ServerResponse, request: http.IncomingMessage) => void;

/** A server on a free port of 127.0.0.1 that does what `script` says, and keeps what it was asked. */
export class ScriptedServer {
  readonly origin: string;
  readonly seen: Seen[] = [];
  script: Script;
  readonly #server: http.Server;

  private constructor(server: http.Server, scheme: string, script: Script) {
    this.#server = server;
    this.script = script;
    this.origin = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { method = '', url = '', headers } = request;
        const seen = { method, url, headers, body: Buffer.concat(chunks).toString() };
        this.seen.push(seen);
        this.script(seen, response, request);
      });
    });
  }

  static async start(script: Script, tls?: https.ServerOptions): Promise<ScriptedServer> {
    const server = tls === undefined ? http.createServer() : https.createServer(tls);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ScriptedServer(server, tls === undefined ? 'http' : 'https', script);
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

export function sendJson(response: http.ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(body));
}
