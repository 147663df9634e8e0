import http, { type RequestListener } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket, TlsOptions } from 'node:tls';

import { RequestError, StartError, type RequestCode } from '../errors.ts';
import { errorOutcome } from '../fhir/operation-outcome.ts';
import { FHIR_JSON } from '../fhir/resource.ts';

export interface Listener {
  readonly port: number;
  readonly server: http.Server | https.Server;
  /**
   * New connections are made with these from now on. Those that are open stay as they are; where our certificate is
   * another, each ends after the next answer on it.
   */
  setTls(tls: TlsOptions): void;
  /** Closes every open TLS connection that is not to stay, whatever is under way on it. */
  closeUnless(stays: (socket: TLSSocket) => boolean): void;
  /** Stops taking connections, lets requests end within `graceMs`, then closes what is left. */
  close(graceMs: number): Promise<void>;
}

export interface ListenOptions {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Absent: plain HTTP, for listeners that stay on this machine. */
  readonly tls?: TlsOptions;
  readonly handler: RequestListener;
  /** The most that the request line and headers may have together; default 32 KiB. */
  readonly headerBytes?: number;
  /** The most that a request may take to arrive, in milliseconds; default one minute. */
  readonly requestMs?: number;
  /**
   * Called when the handshake of a connection with a client certificate is over, before Node has looked at it: where its
   * issuers are to be seen, they must be looked at here (nodejs/node#65579).
   */
  readonly onHandshake?: (socket: TLSSocket) => void;
  /** Finds a code for a verdict on a client's certificate that Node has no name for. */
  readonly nameOf?: (verdict: string, socket: TLSSocket) => string;
  /** Called with the code of a failed handshake or an unreadable request; nothing else is known of it. */
  readonly onFault?: (code: string) => void;
}

const HEADER_BYTES = 32 * 1024;

const HEADER_MS = 10_000;
const REQUEST_MS = 60_000;
/** How often what is too slow is looked for. */
const CHECKING_MS = 5_000;
const HANDSHAKE_MS = 10_000;
const IDLE_MS = 65_000;
const CLOSING_MS = 50;
const MOST_CONNECTIONS = 5_000;

/**
 * Starts one listener.
 *
 * @throws StartError a sentence with the listener, the address and what to do when the port is taken
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const requestMs = options.requestMs ?? REQUEST_MS;
  const shared = {
    maxHeaderSize: options.headerBytes ?? HEADER_BYTES,
    headersTimeout: Math.min(HEADER_MS, requestMs),
    requestTimeout: requestMs,
    connectionsCheckingInterval: Math.min(CHECKING_MS, requestMs),
    // Node's own refusal has no body: `createApp` refuses it.
    requireHostHeader: false,
  };
  const server =
    options.tls === undefined
      ? http.createServer(shared, options.handler)
      : https.createServer({ ...shared, ...options.tls, handshakeTimeout: HANDSHAKE_MS }, options.handler);
  server.keepAliveTimeout = IDLE_MS;
  server.maxConnections = MOST_CONNECTIONS;
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    // Node judges a client certificate after the handshake: the verdict is on the socket, as a string.
    const verdict: unknown = socket.authorizationError;
    if (typeof verdict !== 'string') return void options.onFault?.(error.code ?? 'tls');
    options.onFault?.(options.nameOf?.(verdict, socket) ?? verdict);
  });
  const open = new Set<TLSSocket>();
  const outdated = new WeakSet<Duplex>();
  let certificate = options.tls?.cert;
  server.on('secureConnection', (socket: TLSSocket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  if (options.onHandshake !== undefined) seeHandshakes(server, options.onHandshake);
  const answering = new WeakMap<Duplex, http.ServerResponse>();
  const underWay = new Set<http.ServerResponse>();
  let closing = false;
  server.prependListener('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
    answering.set(request.socket, response);
    if (closing || outdated.has(request.socket)) response.shouldKeepAlive = false;
    underWay.add(response);
    response.once('close', () => underWay.delete(response));
  });
  // An expectation that is not known is no reason to refuse (RFC 9110, 10.1.1), and Node's refusal has no body.
  server.on('checkExpectation', (request, response) => void server.emit('request', request, response));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const code = error.code ?? '';
    // What is no fault of HTTP was one of TLS, counted above, or a caller that hung up.
    if (!/^(HPE|ERR_HTTP)_/.test(code)) return void socket.destroy();
    if (socket.writableEnded) return;
    options.onFault?.(code);
    refuseUnreadable(code, socket, answering.get(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(startError(options, error)));
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    server,
    setTls: (tls) => {
      if (!(server instanceof https.Server)) return;
      server.setSecureContext(tls);
      if (tls.cert === certificate) return;
      certificate = tls.cert;
      for (const socket of open) outdated.add(socket);
    },
    closeUnless: (stays) => {
      for (const socket of open) if (!stays(socket)) socket.destroy();
    },
    close: (graceMs) => {
      closing = true;
      for (const response of underWay) response.shouldKeepAlive = false;
      return closeServer(server, graceMs);
    },
  };
}

/**
 * Node 24.21 looks at a client's certificate by itself when the handshake is over, and loses the issuers that came with
 * it, so that no later look finds them. The key log is the one event that tells of a connection before that; what it
 * tells of its keys is wiped at once.
 */
function seeHandshakes(server: http.Server | https.Server, see: (socket: TLSSocket) => void): void {
  const seen = new WeakSet<TLSSocket>();
  server.on('keylog', (line: Buffer, socket: TLSSocket) => {
    line.fill(0);
    if (seen.has(socket)) return;
    seen.add(socket);
    socket.prependOnceListener('secure', () => see(socket));
  });
}

/**
 * Answers what is no readable HTTP request (Node makes neither a request nor a response of it) and closes the
 * connection, since nobody knows where in the stream a next request would begin.
 */
function refuseUnreadable(code: string, socket: Duplex, answer: http.ServerResponse | undefined): void {
  const within = answer !== undefined && answer.headersSent && !answer.writableFinished;
  if (!socket.writable || within) return void socket.destroy();
  const error = new RequestError(UNREADABLE[code] ?? 'bad-request');
  const { status } = error.publicForm;
  const body = JSON.stringify(errorOutcome(error));
  const head = [
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}`,
    'Connection: close',
    'Cache-Control: no-store',
    `Content-Type: ${FHIR_JSON}; charset=utf-8`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

/** Codes of Node's HTTP parser and server. */
const UNREADABLE: Readonly<Record<string, RequestCode>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'too-slow',
};

function closeServer(server: http.Server | https.Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), graceMs);
    // What is busy now is idle in a moment, and its other end may keep it for long.
    const idle = setInterval(() => server.closeIdleConnections(), CLOSING_MS);
    server.close(() => {
      clearTimeout(force);
      clearInterval(idle);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function startError(options: ListenOptions, error: NodeJS.ErrnoException): StartError {
  const address = `${options.host}:${options.port}`;
  if (error.code === 'EADDRINUSE') {
    return new StartError(
      `listeners.${options.name}: ${address} is taken: stop the program that listens there, or write another port.`,
      { cause: error },
    );
  }
  return new StartError(
    `listeners.${options.name}: ${address} cannot be listened on (${error.code ?? 'unknown'}): write an address of this machine.`,
    { cause: error },
  );
}
