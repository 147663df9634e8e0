import type { Agent } from 'node:http';
import type { Socket } from 'node:net';

/** The connections that an agent keeps for calls to come. */
export function freeSockets({ freeSockets: byName }: Pick<Agent, 'freeSockets'>): Socket[] {
  return Object.values(byName).flatMap((sockets) => sockets ?? []);
}

/** What is asked next goes over a new connection. Where one was found closed, its fellows likely are. */
export function closeFree(agent: Pick<Agent, 'freeSockets'>): void {
  for (const socket of freeSockets(agent)) socket.destroy();
}
