import { readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';

import type { TlsMaterial } from './neighbour.ts';
import type { Reply } from './viewer.ts';

/** A client's certificate and key, and the authority that it believes, each PEM. */
export interface ClientTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export interface AdminCall {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** A connection that stays; without one each call has its own. */
  readonly agent?: https.Agent;
  readonly signal?: AbortSignal;
}

/** The certificate and key in a directory as an admin or a viewer has it, and the authority of the broker. */
export function clientIn(directory: string): ClientTls {
  const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
  return { cert: read('client.pem'), key: read('client.key.pem'), ca: read('broker-ca.pem') };
}

/**
 * One call of an admin API on 127.0.0.1, with whatever certificate. Among the headers is what is known of the
 * connection: `local-port`, so that a test sees which one was taken, and `session-reused`.
 */
export function callAdminApi(
  port: number,
  path: string,
  tls: TlsMaterial,
  call: AdminCall = {},
): Promise<Reply> {
  const { method = 'GET', headers = {}, body, agent = false, signal } = call;
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, method, headers, agent, signal, ...tls };
    const request = https.request(options, (response) => {
      const chunks: Buffer[] = [];
      const socket = response.socket as TLSSocket;
      const connection = {
        'local-port': String(socket.localPort),
        'session-reused': String(socket.isSessionReused()),
      };
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({
          status: response.statusCode ?? 0,
          headers: { ...response.headers, ...connection },
          text,
          body: (text === '' ? { resourceType: 'none' } : JSON.parse(text)) as Reply['body'],
        });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}
