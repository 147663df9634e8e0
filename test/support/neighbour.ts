import { randomUUID, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import tls, { type TLSSocket } from 'node:tls';

import type { RegionId } from '../../src/demo/places.ts';
import { importSigner, type Signer } from '../../src/evidence/keys.ts';
import { signMessage } from '../../src/evidence/message.ts';
import { TYP, type QueryClaims } from '../../src/evidence/claims.ts';
import { nhsNumberToken } from '../../src/fhir/nhs-number.ts';
import { thumbprintOf } from '../../src/trust/peer-certificate.ts';
import type { TestFederation } from './federation.ts';
import type { Reply } from './viewer.ts';

export interface TlsMaterial {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly ca?: string | undefined;
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3';
}

export interface NeighbourRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** In the place of `{"query": token}`. */
  readonly body?: string | Buffer;
  readonly tls?: TlsMaterial;
  /** Connections that are kept; default: one for this request alone. */
  readonly agent?: https.Agent;
  readonly signal?: AbortSignal;
}

/** A region as its neighbours meet it: its client certificate and its message key, in the hands of a test. */
export class TestNeighbour {
  readonly region: RegionId;
  readonly #federation: TestFederation;
  readonly #keys: string;

  constructor(federation: TestFederation, region: RegionId) {
    this.#federation = federation;
    this.region = region;
    this.#keys = join(federation.directory, 'keys', region);
  }

  tls(to: RegionId): Required<Pick<TlsMaterial, 'cert' | 'key' | 'ca'>> {
    const ca = readFileSync(join(this.#federation.directory, 'keys', to, 'public/ca.pem'), 'utf8');
    return { cert: this.#read('public/tls-client.pem'), key: this.#read('private/tls-client.key.pem'), ca };
  }

  signer(): Promise<Signer> {
    return importSigner(this.privateJwk());
  }

  privateJwk(): Record<string, unknown> {
    return JSON.parse(this.#read('private/message.jwk.json')) as Record<string, unknown>;
  }

  publicJwk(): Record<string, unknown> {
    return JSON.parse(this.#read('public/message.jwk.json')) as Record<string, unknown>;
  }

  /** The claims of a good query from this region to another; `change` overrides any of them. */
  claims(to: RegionId, nhsNumber: string, change: Partial<Record<keyof QueryClaims, unknown>> = {}): object {
    const iat = Math.floor(Date.now() / 1000);
    const config = this.#federation.config(this.region);
    const claims: Record<string, unknown> = {
      iss: config.entity,
      aud: this.#federation.config(to).entity,
      iat,
      exp: iat + 60,
      jti: randomUUID(),
      stmt: 1,
      cnf: { 'x5t#S256': thumbprintOf(new X509Certificate(this.#read('public/tls-client.pem'))) },
      patient: nhsNumberToken(nhsNumber),
      search: [{ id: 'AllergyIntolerance', query: 'AllergyIntolerance' }],
      reason_for_request: 'directcare',
      scope: 'patient/*.read',
      requesting_system: 'https://viewer.example/system',
      requesting_organization: config.coverage.organisations[0],
      requesting_user: 'https://fhir.nhs.uk/Id/sds-user-id|100000000001',
      requesting_user_role: 'R8000',
      relationship: 'asserted',
      origin: 'A'.repeat(43),
      ...change,
    };
    for (const [name, value] of Object.entries(claims)) if (value === undefined) delete claims[name];
    return claims;
  }

  /** A signed query; with no changes, a good one. */
  async query(
    to: RegionId,
    nhsNumber: string,
    change: Partial<Record<keyof QueryClaims, unknown>> = {},
    { typ = TYP.query, signer }: { typ?: string; signer?: Signer } = {},
  ): Promise<string> {
    return signMessage(signer ?? (await this.signer()), typ, this.claims(to, nhsNumber, change)).token;
  }

  /** An idle connection to another region's federation listener, as a keep-alive leaves it. */
  async connect(to: RegionId): Promise<TLSSocket> {
    const socket = tls.connect({
      port: this.#federation.broker(to).ports.federation,
      host: '127.0.0.1',
      ...this.tls(to),
      checkServerIdentity: () => undefined,
    });
    await new Promise((done, failed) => socket.once('secureConnect', done).once('error', failed));
    return socket.on('error', () => undefined).resume();
  }

  /** Sends a body to another region's federation listener over a connection of its own. */
  send(to: RegionId, token: unknown, request: NeighbourRequest = {}): Promise<Reply> {
    const {
      method = 'POST',
      path = '/federation/v1/query',
      headers = {},
      body,
      tls,
      agent = false,
      signal,
    } = request;
    return new Promise((resolve, reject) => {
      const sending = https.request(
        {
          host: '127.0.0.1',
          port: this.#federation.broker(to).ports.federation,
          path,
          method,
          headers: { 'Content-Type': 'application/json', ...headers },
          agent,
          signal,
          checkServerIdentity: (): undefined => undefined,
          ...this.tls(to),
          ...tls,
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            let parsed: Reply['body'] = { resourceType: 'none' };
            if (text.startsWith('{')) parsed = JSON.parse(text) as Reply['body'];
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parsed });
          });
        },
      );
      sending.on('error', reject);
      sending.end(method === 'GET' ? undefined : (body ?? JSON.stringify({ query: token })));
    });
  }

  #read(name: string): string {
    return readFileSync(join(this.#keys, name), 'utf8');
  }
}
