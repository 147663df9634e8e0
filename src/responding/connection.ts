import type { TLSSocket } from 'node:tls';

import type { Sender } from '../evidence/query.ts';

/** What answers on any connection: as whom it signs depends on the certificate that we showed on the one at hand. */
export interface Answering {
  /** @throws RequestError `certificate-missing` for a connection that is closed */
  readonly senderOn: (socket: TLSSocket) => Sender;
}

/** The same on one connection. */
export type Connected<Broker extends Answering> = Broker & { readonly sender: Sender };

export function onConnection<Broker extends Answering>(broker: Broker, socket: TLSSocket): Connected<Broker> {
  return { ...broker, sender: broker.senderOn(socket) };
}
