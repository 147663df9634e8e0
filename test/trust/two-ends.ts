import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';

import { HANDSHAKES } from '../../src/broker/handshakes.ts';
import type { BreakerConfig } from '../../src/config/schema.ts';
import { startDeadline } from '../../src/deadline.ts';
import { DeliveryError, RequestError } from '../../src/errors.ts';
import { listen } from '../../src/http/listen.ts';
import { Neighbours, type IdentifiedPeer, type Neighbour } from '../../src/trust/neighbours.ts';
import { peerCertificateOf, thumbprintOf, type PeerCertificate } from '../../src/trust/peer-certificate.ts';
import type { RevocationLists } from '../../src/trust/revocation.ts';
import { federationServerTls } from '../../src/trust/tls.ts';
import { NeighbourLink } from '../../src/upstream/neighbour-link.ts';
import { made, type Made } from '../support/made-certificate.ts';
import { soon } from '../support/soon.ts';
import { NEVER_OPEN, SILENT } from '../upstream/scripted-server.ts';

export type Role = 'client' | 'server';

/** What the other end presents: a leaf with its key, and what is sent with it, in this order. */
export interface Presented {
  readonly leaf: Made;
  readonly with?: readonly Made[];
}

/** Who is pinned, and how; the first is the one whom our client's end asks. */
export interface Pinned {
  readonly region: string;
  readonly anchors: readonly Made[];
  readonly names?: readonly string[];
  readonly lists?: RevocationLists;
}

export const entityOf = (region: string): string => `https://${region}.wayleave.example`;

/** Neighbours whose pins a test may change between two requests. */
export class ChangingNeighbours extends Neighbours {
  now = 0;
  #current = new Neighbours([]);

  constructor(pinned: readonly Pinned[]) {
    super([]);
    this.pin(pinned);
  }

  pin(pinned: readonly Pinned[]): void {
    this.#current = new Neighbours(
      pinned.map(neighbourOf),
      (region) => pinned.find((one) => one.region === region)?.lists,
    );
  }

  override identify(peer: PeerCertificate | undefined, role: Role, at: number): IdentifiedPeer {
    return this.#current.identify(peer, role, at + this.now);
  }
}

function neighbourOf({ region, anchors, names }: Pinned, ports?: unknown): Neighbour {
  // As a callback of `map` it is given a position.
  const [first = 1, ...others] = Array.isArray(ports) ? (ports as number[]) : [];
  const at = (port: number): string => `https://127.0.0.1:${port}`;
  const broker = {
    region,
    endpoints: { federation: at(first), federation_alternates: others.map(at) },
    tls: { anchors: [], ...(names === undefined ? {} : { names: [...names] }) },
  };
  return {
    region,
    entity: entityOf(region),
    broker: broker as unknown as Neighbour['broker'],
    anchors: anchors.map(({ certificate }) => certificate),
    ...{ validFrom: 0, validUntil: Infinity },
  };
}

const OURS = made({ name: 'Our CA', authority: true });
const ourLeaf = made({ name: 'us', by: OURS, usages: ['client', 'server'], uris: [entityOf('us')] });
const own = { certificate: ourLeaf.certificate, key: ourLeaf.key };
/** An attacker's own end does not mind weak keys. */
const CARELESS = { ciphers: 'DEFAULT:@SECLEVEL=0' };

function sent({ leaf, with: others = [] }: Presented): { cert: string; key: string } {
  return { cert: [leaf, ...others].map(({ certificate }) => certificate).join(''), key: leaf.key };
}

/** One end of ours that stays while the other one asks it, or is asked by it, again and again. */
export interface OurEnd extends AsyncDisposable {
  /** Who the other end is, or the code for which it is refused. */
  say(): Promise<string>;
  /** The connections that there were. */
  readonly connections: number;
  /** The requests that the other end has heard, where it is the one that is asked. */
  readonly heard: number;
}

/** Our listener, as the broker makes it, and a client with one keep-alive connection at most. */
export async function ourServer(
  presented: Presented,
  pinned: readonly Pinned[],
  neighbours: Neighbours,
): Promise<OurEnd> {
  const faults: string[] = [];
  const anchors = pinned.flatMap((one) => one.anchors.map(({ certificate }) => certificate));
  const listener = await listen({
    ...{ name: 'federation', host: '127.0.0.1', port: 0, tls: federationServerTls(own, anchors) },
    onFault: (code) => faults.push(code),
    ...HANDSHAKES,
    handler: (request, response) => {
      const peer = peerCertificateOf(request.socket as TLSSocket);
      response.end(told(() => neighbours.identify(peer, 'client', Date.now())));
    },
  });
  let connections = 0;
  listener.server.on('secureConnection', () => (connections += 1));
  const agent = new https.Agent({
    ...{ ...sent(presented), ...CARELESS, ca: OURS.certificate, keepAlive: true, maxSockets: 1 },
    checkServerIdentity: () => undefined,
  });
  return {
    say: async () => {
      try {
        return await get(agent, listener.port);
      } catch {
        return coded(await soon(() => faults.shift()));
      }
    },
    get connections() {
      return connections;
    },
    heard: 0,
    [Symbol.asyncDispose]: async () => {
      agent.destroy();
      await listener.close(0);
    },
  };
}

function told(identify: () => IdentifiedPeer): string {
  try {
    return identify().neighbour.region;
  } catch (error) {
    if (error instanceof RequestError) return error.code;
    throw error;
  }
}

function get(agent: https.Agent, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = https.get({ agent, host: '127.0.0.1', port, path: '/' }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks).toString()));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}

/** A code of ours as it is, and OpenSSL's or Node's marked as one of the handshake. */
function coded(code: string): string {
  return /^(certificate|crl)-/.test(code) ? code : `handshake ${code}`;
}

/** Our link to the first of the pinned, and a server in that one's place. */
export async function ourClient(
  presented: Presented,
  pinned: readonly Pinned[],
  neighbours: Neighbours,
): Promise<OurEnd> {
  let heard = 0;
  let connections = 0;
  const server = https.createServer(
    { ...sent(presented), ...CARELESS, ca: OURS.certificate, requestCert: true, minVersion: 'TLSv1.3' },
    (_request, response) => {
      heard += 1;
      response.end('well');
    },
  );
  server.on('secureConnection', () => (connections += 1));
  server.on('tlsClientError', () => undefined);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const [asked] = pinned;
  if (asked === undefined) throw new TypeError('somebody must be pinned');
  const link = new NeighbourLink(
    neighbourOf(asked, [(server.address() as AddressInfo).port]),
    neighbours,
    { own: () => own, breaker: NEVER_OPEN, timeoutMs: 5_000, connectMs: 5_000, marginMs: 0 },
    SILENT,
    Date.now,
  );
  return {
    say: async () => {
      using deadline = startDeadline(5_000);
      try {
        await link.text('GET', '/', undefined, deadline);
        return asked.region;
      } catch (error) {
        if (!(error instanceof DeliveryError) || error.code !== 'tls-failed') throw error;
        return coded(error.detail ?? error.code);
      }
    },
    get connections() {
      return connections;
    },
    get heard() {
      return heard;
    },
    [Symbol.asyncDispose]: async () => {
      link.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What our end says of a certificate in one handshake, as server and as client; a refused one is told nothing. */
export async function verdictOf(
  presented: Presented,
  pinned: readonly Pinned[],
  otherIs: Role,
  ahead = 0,
): Promise<string> {
  const neighbours = new ChangingNeighbours(pinned);
  neighbours.now = ahead;
  await using end = await (otherIs === 'client' ? ourServer : ourClient)(presented, pinned, neighbours);
  const verdict = await end.say();
  if (otherIs === 'server' && verdict !== pinned[0]?.region && end.heard > 0)
    throw new Error('it heard the question');
  return verdict;
}

/** Our link to a neighbour that is asked at these ports, and what a message that goes over it must be bound to. */
export function linkTo(
  pinned: Pinned,
  ports: readonly number[],
  change: { readonly breaker?: Partial<BreakerConfig>; readonly connectMs?: number } = {},
): { link: NeighbourLink; thumbprint: string } {
  const { breaker, connectMs = 5_000 } = change;
  const settings = { own: () => own, breaker: { ...NEVER_OPEN, ...breaker }, timeoutMs: 5_000, marginMs: 0 };
  const neighbours = new ChangingNeighbours([pinned]);
  const neighbour = neighbourOf(pinned, ports);
  const link = new NeighbourLink(neighbour, neighbours, { ...settings, connectMs }, SILENT, Date.now);
  return { link, thumbprint: thumbprintOf(new X509Certificate(own.certificate)) };
}

/** What a server in a neighbour's place is made with, so that our link takes it. */
export function serverTls(presented: Presented): https.ServerOptions {
  return { ...sent(presented), ca: OURS.certificate, requestCert: true, minVersion: 'TLSv1.3' };
}
