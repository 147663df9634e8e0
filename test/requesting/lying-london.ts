import { randomUUID, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { REGION_IDS } from '../../src/demo/places.ts';
import { TYP, type QueryClaims, type Source } from '../../src/evidence/claims.ts';
import { resourceDigest, resourcesDigest, sha256 } from '../../src/evidence/digests.ts';
import type { Signer } from '../../src/evidence/keys.ts';
import { signingInputDigest, signMessage } from '../../src/evidence/message.ts';
import type { BundleEntry, Resource } from '../../src/fhir/resource.ts';
import { thumbprintOf } from '../../src/trust/peer-certificate.ts';
import { startFederation, type FederationOptions, type TestFederation } from '../support/federation.ts';
import { TestNeighbour } from '../support/neighbour.ts';

export const LONDON = 'https://london.wayleave.example';
export const HERTS = 'https://herts-west-essex.wayleave.example';
export const RECORD_BASE = `${LONDON}/regions/london/london-care-record/fhir`;

/** A query as London's stand-in hears it. */
export interface Heard {
  readonly request: IncomingMessage;
  readonly token: string;
  readonly claims: QueryClaims;
}

/** What goes back over the wire. */
export interface Wire {
  readonly status: number;
  readonly token?: string | undefined;
  readonly body: string | Buffer;
  readonly type?: string;
}

/** A whole answer, or a way of its own with the response. */
export type Behaviour = (
  heard: Heard,
  response: ServerResponse,
) => Wire | undefined | Promise<Wire | undefined>;

export interface Believable {
  readonly entries?: readonly BundleEntry[];
  readonly sources?: readonly Source[];
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly typ?: string;
  readonly signer?: Signer;
}

interface Identity {
  readonly cert: string;
  readonly key: string;
}

/**
 * Stands in the place of London's broker: London's server certificate, London's message key, and whatever
 * answer a test wants. The true broker of London runs beside it, and can be asked what it would have said.
 */
export class LyingLondon {
  readonly port: number;
  /** The headers of every query heard. */
  readonly heard: IncomingMessage['headers'][] = [];
  behaviour: Behaviour = (heard) => this.genuine(heard);
  /** How the breaker's probe is answered. */
  hello: (response: ServerResponse) => void = (response) => void response.writeHead(204).end();
  readonly #server: https.Server;
  #federation: TestFederation | undefined;

  private constructor(server: https.Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void this.#serve(request, response);
    });
  }

  static async listen(): Promise<LyingLondon> {
    const server = https.createServer({ requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return new LyingLondon(server);
  }

  /** Takes London's identity, or another for a test of its own; connections start anew. */
  present(federation: TestFederation, identity: Identity = londonIdentity(federation)): void {
    this.#federation = federation;
    const keys = join(federation.directory, 'keys');
    const ca = REGION_IDS.map((region) => readFileSync(join(keys, region, 'public/ca.pem'), 'utf8'));
    this.#server.setSecureContext({ ...identity, ca });
    this.#server.closeAllConnections();
  }

  /** What the true broker says to the same query, over a connection of the asker's own. */
  async genuine({ token }: Pick<Heard, 'token'>): Promise<Wire> {
    const reply = await new TestNeighbour(this.#need(), 'herts-west-essex').send('london', token);
    const header = reply.headers['wayleave-response'];
    return { status: reply.status, token: String(header), body: reply.text };
  }

  /** An answer that is believed, but for what the test changes. */
  async believable(
    { token, claims: query }: Pick<Heard, 'token' | 'claims'>,
    { entries = [aCondition(), thePatient()], sources, claims = {}, typ, signer }: Believable = {},
  ): Promise<Wire> {
    const body = JSON.stringify({ resourceType: 'Bundle', type: 'searchset', entry: entries });
    const count = entries.filter((entry) => entry.search?.mode === 'match').length;
    const iat = Math.floor(Date.now() / 1000);
    const all = {
      iss: LONDON,
      aud: query.iss,
      iat,
      exp: iat + 60,
      jti: randomUUID(),
      stmt: 1,
      cnf: { 'x5t#S256': thumbprintOf(new X509Certificate(londonIdentity(this.#need()).cert)) },
      query_jti: query.jti,
      query_digest: signingInputDigest(token),
      outcome: 'answered',
      status: 200,
      sources: sources ?? [conditions({ count })],
      body_digest: sha256(body),
      resources_digest: resourcesDigest(entries.map((entry) => resourceDigest(entry.resource ?? {}))),
      ...claims,
    };
    const by = signer ?? (await new TestNeighbour(this.#need(), 'london').signer());
    const signed = signMessage(by, typ ?? TYP.response, all);
    return { status: 200, token: signed.token, body };
  }

  /** Lets go of every connection, with the tickets for resuming them still good. */
  hangUp(): void {
    this.#server.closeAllConnections();
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #need(): TestFederation {
    if (this.#federation === undefined) throw new TypeError('present(federation) comes first');
    return this.#federation;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET') return this.hello(response);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.heard.push(request.headers);
    const sent = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, string | undefined>;
    const token = sent['query'] ?? sent['question'] ?? sent['locate'] ?? '';
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
    const wire = await this.behaviour(
      { request, token, claims: JSON.parse(payload) as QueryClaims },
      response,
    );
    if (wire === undefined) return;
    const signed = wire.token === undefined ? {} : { 'Wayleave-Response': wire.token };
    response.writeHead(wire.status, { 'Content-Type': wire.type ?? 'application/fhir+json', ...signed });
    response.end(wire.body);
  }
}

function londonIdentity({ directory }: TestFederation): Identity {
  const read = (name: string): string => readFileSync(join(directory, 'keys/london', name), 'utf8');
  return { cert: read('public/tls-server.pem'), key: read('private/tls-server.key.pem') };
}

export function conditions(change: Partial<Source> = {}): Source {
  return { record: 'london-care-record', search: 'Condition', outcome: 'answered', count: 1, ...change };
}

export function entryOf(resource: Resource, mode: 'match' | 'include' = 'match'): BundleEntry {
  return {
    fullUrl: `${RECORD_BASE}/${resource.resourceType}/${resource.id}`,
    resource,
    search: { mode },
  };
}

/** The word by which a resource of London's stand-in is known anywhere. */
export const MARK = 'told-by-london';

export function aCondition(change: object = {}): BundleEntry {
  const subject = { reference: 'Patient/p1' };
  return entryOf({ resourceType: 'Condition', id: 'c9', subject, code: { text: MARK }, ...change });
}

/** London's Patient, identifier only, as it travels beside every answer. */
export function thePatient(nhsNumber = '9990000018', id = 'p1'): BundleEntry {
  const identifier = [{ system: 'https://fhir.nhs.uk/Id/nhs-number', value: nhsNumber }];
  return entryOf({ resourceType: 'Patient', id, identifier }, 'include');
}

/** A federation whose neighbours find the stand-in where London's broker should be. */
export async function startWithLyingLondon(
  options: FederationOptions = {},
): Promise<{ federation: TestFederation; london: LyingLondon }> {
  const london = await LyingLondon.listen();
  try {
    const federation = await startFederation({
      ...options,
      edit: (region, config) => {
        if (region === 'london') config['federation_base'] = `https://127.0.0.1:${london.port}`;
        options.edit?.(region, config);
      },
    });
    london.present(federation);
    return { federation, london };
  } catch (error) {
    london.close();
    throw error;
  }
}
