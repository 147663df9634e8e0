import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Bundle } from '../../src/fhir/resource.ts';

export interface Served {
  readonly origin: string;
  close(): Promise<void>;
}

/** Serves what `make` builds for the origin that it will have, on a free port of 127.0.0.1. */
export async function serve(make: (origin: string) => RequestListener): Promise<Served> {
  const server: Server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  server.on('request', make(origin));
  return {
    origin,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** `Type/id` of the entries with this search mode, in order. */
export function keys(bundle: Bundle, mode: 'match' | 'include' = 'match'): string[] {
  return (bundle.entry ?? [])
    .filter((entry) => entry.search?.mode === mode)
    .map(({ resource }) => `${resource?.resourceType ?? ''}/${resource?.id ?? ''}`);
}
