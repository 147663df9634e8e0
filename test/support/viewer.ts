import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';

import { importSigner } from '../../src/evidence/keys.ts';
import { signViewerToken, type ViewerClaims } from '../../src/evidence/viewer-token.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { SYSTEM } from '../../src/fhir/codes.ts';
import { nhsNumberToken } from '../../src/fhir/nhs-number.ts';
import type { Issue } from '../../src/fhir/operation-outcome.ts';
import type { Bundle, BundleEntry, Resource } from '../../src/fhir/resource.ts';
import { thumbprintOf } from '../../src/trust/peer-certificate.ts';
import type { TestFederation } from './federation.ts';

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly body: Resource;
}

export interface ViewerRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** A token of the test's own in the place of a good one. */
  readonly token?: string;
  readonly signal?: AbortSignal;
}

/** One of a region's registered viewers, with its own certificate and key. */
export class TestViewer {
  readonly base: string;
  readonly id: string;
  readonly #federation: TestFederation;
  readonly #region: RegionId;
  readonly #directory: string;
  readonly #agent: https.Agent;

  constructor(federation: TestFederation, region: RegionId, id?: string) {
    const config = federation.config(region);
    this.#federation = federation;
    this.#region = region;
    this.id = id ?? config.viewers[0]?.id ?? '';
    this.base = `https://127.0.0.1:${federation.broker(region).ports.viewer}`;
    this.#directory = join(federation.directory, 'keys', region, 'viewers', this.id);
    this.#agent = new https.Agent({ ...this.tls(), keepAlive: true, maxCachedSessions: 0 });
  }

  /** Certificate, key and anchor, for clients of the test's own. */
  tls(): { cert: string; key: string; ca: string } {
    return {
      cert: this.#read('client.pem'),
      key: this.#read('client.key.pem'),
      ca: this.#read('broker-ca.pem'),
    };
  }

  /** The claims of a good token for one patient. */
  claims(nhsNumber: string): Omit<ViewerClaims, 'iat' | 'exp' | 'jti'> {
    const config = this.#federation.config(this.#region);
    const viewer = config.viewers.find(({ id }) => id === this.id);
    return {
      iss: viewer?.issuer ?? '',
      aud: config.entity,
      cnf: { 'x5t#S256': thumbprintOf(new X509Certificate(this.#read('client.pem'))) },
      patient: nhsNumberToken(nhsNumber),
      reason_for_request: 'directcare',
      scope: 'patient/*.read',
      requesting_system: `${viewer?.issuer}/system`,
      requesting_organization: viewer?.organisations[0] ?? '',
      requesting_user: `${viewer?.issuer}/Id/user|dr.test`,
      requesting_user_role: 'R8000',
    };
  }

  /** A token with claims changed as the test likes; `now` in milliseconds. */
  async token(
    nhsNumber: string,
    change: Partial<ViewerClaims> = {},
    { lifeS = 300, now = Date.now() } = {},
  ): Promise<string> {
    const signer = await importSigner(JSON.parse(this.#read('viewer.jwk.json')) as object);
    return signViewerToken(signer, { ...this.claims(nhsNumber), ...change }, lifeS, now);
  }

  /** The viewer's private JWK, for signatures that must be refused. */
  privateJwk(): Record<string, unknown> {
    return JSON.parse(this.#read('viewer.jwk.json')) as Record<string, unknown>;
  }

  /** Asks about one patient with a good token; `path` below the base, or an absolute link. */
  async ask(nhsNumber: string, path: string, request: ViewerRequest = {}): Promise<Reply> {
    const token = request.token ?? (await this.token(nhsNumber));
    return this.send(path, { ...request, headers: { Authorization: `Bearer ${token}`, ...request.headers } });
  }

  send(path: string, { method = 'GET', headers = {}, body, signal }: ViewerRequest = {}): Promise<Reply> {
    const url = path.startsWith('https:') ? path : `${this.base}${path}`;
    return new Promise((resolve, reject) => {
      const request = https.request(url, { agent: this.#agent, method, headers, signal }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parse(text) });
        });
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  #read(name: string): string {
    return readFileSync(join(this.#directory, name), 'utf8');
  }
}

function parse(text: string): Resource {
  try {
    return JSON.parse(text) as Resource;
  } catch {
    return { resourceType: 'none' };
  }
}

/** The match entries of a Bundle. */
export function matchesOf(resource: Resource): (BundleEntry & { resource: Resource; fullUrl: string })[] {
  return ((resource as Bundle).entry ?? []).filter(
    (entry): entry is BundleEntry & { resource: Resource; fullUrl: string } => entry.search?.mode === 'match',
  );
}

/** The issues of the one OperationOutcome (asserting that there is at most one). */
export function issuesOf(resource: Resource): Issue[] {
  if (resource.resourceType === 'OperationOutcome') return resource['issue'] as Issue[];
  const outcomes = ((resource as Bundle).entry ?? []).filter((entry) => entry.search?.mode === 'outcome');
  if (outcomes.length > 1) throw new Error('more than one OperationOutcome');
  return (outcomes[0]?.resource?.['issue'] as Issue[] | undefined) ?? [];
}

/** region -> [outcome, ...reasons] of the information roll-call. */
export function rollCallOf(resource: Resource): Record<string, string[]> {
  const rows = issuesOf(resource)
    .filter((issue) => issue.severity === 'information')
    .map((issue) => ({ region: codes(issue, SYSTEM.region)[0] ?? '', issue }))
    .filter(({ region, issue }) => region !== '' && codes(issue, SYSTEM.careSetting).length === 0);
  return Object.fromEntries(
    rows.map(({ region, issue }) => [
      region,
      [codes(issue, SYSTEM.outcome)[0] ?? '', ...codes(issue, SYSTEM.reason)],
    ]),
  );
}

/** The warnings, each as `code region[/record][?search] outcome reason`. */
export function warningsOf(resource: Resource): string[] {
  return issuesOf(resource)
    .filter((issue) => issue.severity === 'warning')
    .map((issue) => {
      const part = (system: string): string => codes(issue, system).join('+');
      const place = [part(SYSTEM.region), part(SYSTEM.record), part(SYSTEM.search)].filter(Boolean).join('/');
      return [issue.code, place, part(SYSTEM.outcome), part(SYSTEM.reason)].filter(Boolean).join(' ');
    });
}

/** The code of the first issue's error, as the one table names it. */
export function errorCode(resource: Resource): string | undefined {
  const [issue] = issuesOf(resource);
  return issue === undefined ? undefined : codes(issue, SYSTEM.error)[0];
}

function codes(issue: Issue, system: string): string[] {
  return (issue.details.coding ?? [])
    .filter((coding) => coding.system === system)
    .map(({ code }) => code ?? '');
}
