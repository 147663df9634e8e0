import axios, { AxiosError, type AxiosResponseHeaders } from 'axios';
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';

import type { Deadline } from '../deadline.ts';
import { DeliveryError, type DeliveryCode } from '../errors.ts';
import { faultOfText, UNNAMED } from '../trust/unnamed-fault.ts';
import { Attempt } from './attempt.ts';
import { connectionCode } from './connection-code.ts';

export interface Call {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly agent: http.Agent | https.Agent;
  /** From the start of a new connection until TLS, where there is any, is done; absent: the deadline alone. */
  readonly connectMs?: number;
  /** A larger answer is refused as it comes in. */
  readonly mostBytes: number;
}

export interface Answer {
  readonly status: number;
  header(name: string): string | undefined;
  readonly body: Buffer;
  readonly socket: Socket;
}

/** Room for the signed response of a whole-record question; Node's own limit is 16 KiB. */
const HEADER_BYTES = 128 * 1024;

/**
 * axios hands its options to the transport: the one place where the parser's header limit can be set, and where it is
 * said aloud that certificates are verified: without it a variable of the environment could turn that off.
 */
const transportFor = (attempt: Attempt) => ({
  request: (options: https.RequestOptions, onResponse: (response: http.IncomingMessage) => void) => {
    const safe = { ...options, maxHeaderSize: HEADER_BYTES, rejectUnauthorized: true };
    return attempt.watch((options.protocol === 'http:' ? http : https).request(safe, onResponse));
  },
});

const client = axios.create({
  responseType: 'arraybuffer',
  maxRedirects: 0,
  // Never a proxy from the environment: who is asked is the configuration's to say.
  proxy: false,
  decompress: false,
  validateStatus: () => true,
  transformRequest: [(body: unknown) => body],
  transformResponse: [(body: unknown) => body],
});

/**
 * Makes one HTTP call within a deadline. Every status is an answer; redirects are never followed.
 *
 * @throws DeliveryError `timeout`, `cancelled`, `connect-timeout`, `refused-connection`, `lost-connection`, `tls-failed`,
 *   `answer-too-large`; `unanswered` where nothing of an answer came back
 */
export async function exchange(call: Call, deadline: Deadline): Promise<Answer> {
  const attempt = new Attempt(call.connectMs);
  try {
    const response = await client.request<Buffer>({
      method: call.method,
      url: call.url,
      data: call.body,
      headers: { 'Accept-Encoding': 'identity', ...call.headers },
      httpAgent: call.agent,
      httpsAgent: call.agent,
      maxContentLength: call.mostBytes,
      signal: deadline.signal,
      transport: transportFor(attempt),
    });
    const headers = response.headers as AxiosResponseHeaders;
    return {
      status: response.status,
      header: (name) => {
        const value: unknown = headers[name];
        return typeof value === 'string' ? value : undefined;
      },
      body: response.data,
      socket: (response.request as http.ClientRequest).socket as Socket,
    };
  } catch (error) {
    const code = deliveryCode(error, deadline);
    const detail = code === 'tls-failed' ? tlsDetail(error) : undefined;
    const failure = new DeliveryError(code, detail, { cause: sparse(error) });
    if (NOT_THERE.has(code)) failure.unanswered = attempt.unanswered;
    // One connection that was kept too long is no sign of how the other side is.
    failure.blameless = failure.unanswered === 'kept';
    throw failure;
  }
}

/** Failures of a connection, as against those of what is at its other end. */
const NOT_THERE: ReadonlySet<DeliveryCode> = new Set([
  'connect-timeout',
  'refused-connection',
  'lost-connection',
]);

/** Which check of the other end's certificate failed: ours, or OpenSSL's or Node's code for theirs. */
function tlsDetail(error: unknown): string | undefined {
  if (!(error instanceof AxiosError)) return undefined;
  if (error.cause instanceof DeliveryError) return error.cause.detail;
  return error.code === UNNAMED ? (faultOfText(error.message) ?? UNNAMED) : error.code;
}

function deliveryCode(error: unknown, deadline: Deadline): DeliveryCode {
  if (deadline.reason !== undefined) return deadline.reason;
  if (error instanceof DeliveryError) return error.code;
  if (!(error instanceof AxiosError)) return 'lost-connection';
  if (error.cause instanceof DeliveryError) return error.cause.code;
  const code = error.code ?? '';
  if (code === 'ERR_BAD_RESPONSE' && error.message.includes('maxContentLength')) return 'answer-too-large';
  if (code === 'HPE_HEADER_OVERFLOW') return 'answer-too-large';
  return connectionCode(code);
}

/** axios errors carry the whole request, token and patient included: only the code is kept. */
function sparse(error: unknown): Error {
  const code = error instanceof AxiosError ? error.code : error instanceof Error ? error.name : undefined;
  return new Error(code ?? 'unknown');
}
