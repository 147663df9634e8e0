import type { ConnectionOptions } from 'node:tls';

import type { ConfiguredSyslogStream } from '../config/audit-streams.ts';
import { startDeadline, type Deadline } from '../deadline.ts';
import { DeliveryError } from '../errors.ts';
import { namedServerTls } from '../trust/tls.ts';
import { deliverConfirmed } from './confirmed-delivery.ts';

/**
 * The way to a syslog receiver over TLS (RFC 5425). Syslog has no acknowledgement, so a batch is a connection: when it
 * has ended in order, all of it was received (`decisions/0011`).
 */
export class SyslogLink {
  readonly #settings: ConfiguredSyslogStream;
  readonly #tls: ConnectionOptions;
  #underWay: Deadline | undefined;
  #closed = false;

  constructor(settings: ConfiguredSyslogStream) {
    this.#settings = settings;
    this.#tls = namedServerTls(settings.name, settings.anchors, settings.own);
  }

  /**
   * Sends RFC 5424 messages, one call at a time. It resolves when the receiver has shown that it was given them all.
   *
   * @throws DeliveryError; then nobody knows how many arrived
   */
  async send(messages: readonly Buffer[]): Promise<void> {
    if (this.#closed) throw new DeliveryError('cancelled');
    const { host, port, timeoutMs } = this.#settings;
    using deadline = startDeadline(timeoutMs);
    this.#underWay = deadline;
    await deliverConfirmed(Buffer.concat(messages.flatMap(frame)), { host, port, tls: this.#tls }, deadline);
  }

  close(): void {
    this.#closed = true;
    this.#underWay?.cancel();
  }
}

/** Octet counting (RFC 5425, 4.3): the message's length in bytes, a space, the message. */
function frame(message: Buffer): Buffer[] {
  return [Buffer.from(`${message.length} `), message];
}
