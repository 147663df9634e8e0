import { connect as connectTcp, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';

import type { Deadline } from '../deadline.ts';
import { DeliveryError } from '../errors.ts';
import { connectionCode } from './connection-code.ts';

export interface TlsAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: ConnectionOptions;
}

const EARLY = 'ended-early';
/** How long an end of TLS may come behind the end of TCP in which it travelled. */
const BEHIND_MS = 250;
/** How long the end of TCP may come behind the end of TLS: a receiver that keeps it open has not broken it. */
const LINGER_MS = 500;
/** Between the last byte and our end: two journeys of a packet, within these limits. */
const SETTLE_MS = { least: 10, most: 1_000 } as const;

/**
 * Sends bytes to a receiver that never answers, on a TLS connection of their own, and resolves when the receiver has
 * shown that it was given all of them: it answered our end of the connection with its own, as TLS wants (RFC 5246,
 * 7.2.1; RFC 5425, 4.4). TLS is in order, so whoever read our end has read what came before.
 *
 * That end (`close_notify`) is authenticated: a killed receiver's system ends TCP for it, and whoever stands between
 * can; neither can say this. An end that comes before ours, or with data unread (TCP says so by a reset), is none.
 * Our end waits a moment, so that an end which the receiver made while the last bytes travelled is here before it.
 *
 * @throws DeliveryError `timeout`, `cancelled`, `refused-connection`, `tls-failed`, `lost-connection`; with the detail
 *   `unconfirmed` where TCP ended without TLS having ended, and `ended-early` where the receiver ended first
 */
export async function deliverConfirmed(bytes: Buffer, to: TlsAddress, deadline: Deadline): Promise<void> {
  const began = performance.now();
  const tcp = connectTcp({ host: to.host, port: to.port, allowHalfOpen: true, noDelay: true });
  const wire = new Wire(tcp);
  const tls = connectTls({ ...to.tls, socket: wire });
  const lost = failureOf(deadline, [tcp, wire, tls]);
  const theirEnd = happened(tls, 'end');
  const tcpEnd = happened(tcp, 'end');
  const until = <Result>(step: Promise<Result>): Promise<Result> => Promise.race([step, lost]);
  const early = Promise.race([theirEnd, tcpEnd]).then(() => EARLY);
  const beforeTheirEnd = async (step: Promise<unknown>): Promise<void> => {
    if ((await until(Promise.race([step, early]))) === EARLY)
      throw new DeliveryError('lost-connection', EARLY);
  };
  try {
    await beforeTheirEnd(happened(tcp, 'connect'));
    const journey = performance.now() - began;
    await beforeTheirEnd(happened(tls, 'secureConnect'));
    // What a receiver says is nothing to us, but its end comes after it.
    tls.resume();
    await beforeTheirEnd(new Promise((written) => tls.write(bytes, () => written(undefined))));
    await beforeTheirEnd(quiet(Math.min(Math.max(2 * journey, SETTLE_MS.least), SETTLE_MS.most)));
    tls.end();
    await until(Promise.race([theirEnd, tcpEnd.then(() => unlessBehind(theirEnd))]));
    await until(Promise.race([tcpEnd, quiet(LINGER_MS)]));
  } finally {
    tls.destroy();
    tcp.destroy();
  }
}

/** @throws DeliveryError */
async function unlessBehind(theirEnd: Promise<void>): Promise<void> {
  const nothing = quiet(BEHIND_MS).then(() => {
    throw new DeliveryError('lost-connection', 'unconfirmed');
  });
  await Promise.race([theirEnd, nothing]);
}

/** A while that keeps no process from its end. */
function quiet(ms: number): Promise<void> {
  return pause(ms, undefined, { ref: false });
}

/** Rejects when the deadline ends, or with the first error of a part; never resolves. */
function failureOf(deadline: Deadline, parts: readonly Duplex[]): Promise<never> {
  const lost = new Promise<never>((_, reject) => {
    const over = (): void => reject(new DeliveryError(deadline.reason ?? 'timeout'));
    if (deadline.signal.aborted) over();
    deadline.signal.addEventListener('abort', over, { once: true });
    for (const part of parts) part.on('error', (error: NodeJS.ErrnoException) => reject(toDelivery(error)));
  });
  // It may come after the last step has been waited for.
  lost.catch(() => undefined);
  return lost;
}

/** The cause keeps the code alone: an error of TLS carries the other side's certificate. */
function toDelivery(error: NodeJS.ErrnoException): DeliveryError {
  const code = error.code ?? error.name;
  const told = connectionCode(code);
  return new DeliveryError(told, told === 'tls-failed' ? code : undefined, { cause: new Error(code) });
}

function happened(emitter: Socket | TLSSocket, event: 'connect' | 'secureConnect' | 'end'): Promise<void> {
  return new Promise((resolve) => emitter.once(event, () => resolve()));
}

/**
 * The way between TLS and TCP. TLS is not told when TCP ends, so that an end which it does tell of is its own. And
 * when TLS ends, TCP stays open: the receiver's answer to that has to come back.
 */
class Wire extends Duplex {
  readonly #tcp: Socket;

  constructor(tcp: Socket) {
    super();
    this.#tcp = tcp;
    tcp.on('data', (chunk: Buffer) => {
      if (!this.destroyed && !this.push(chunk)) tcp.pause();
    });
  }

  override _read(): void {
    this.#tcp.resume();
  }

  override _write(chunk: Buffer, _encoding: string, written: (error?: Error | null) => void): void {
    this.#tcp.write(chunk, written);
  }
}
