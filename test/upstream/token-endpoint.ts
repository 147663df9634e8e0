import {
  createPublicKey,
  generateKeyPairSync,
  randomUUID,
  verify,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';

import { ScriptedServer, sendJson, type Seen } from './scripted-server.ts';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

interface Assertion {
  iss?: unknown;
  sub?: unknown;
  aud?: unknown;
  exp?: unknown;
  iat?: unknown;
  jti?: unknown;
}

/** The signatures that an endpoint may want: how a key is made, and which digest is signed. */
const SIGNATURES = {
  ES256: { pair: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }), digest: 'sha256' },
  ES384: { pair: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }), digest: 'sha384' },
  RS384: { pair: () => generateKeyPairSync('rsa', { modulusLength: 2048 }), digest: 'sha384' },
  RS512: { pair: () => generateKeyPairSync('rsa', { modulusLength: 4096 }), digest: 'sha512' },
} as const;
export type Alg = keyof typeof SIGNATURES;

/** A client's key pair: what the broker is configured with, and what the endpoint knows it by. */
export function clientKey(kid: string, alg: Alg = 'ES256'): { privateJwk: JsonWebKey; publicKey: KeyObject } {
  const { privateKey, publicKey } = SIGNATURES[alg].pair();
  return { privateJwk: { ...privateKey.export({ format: 'jwk' }), kid, alg }, publicKey };
}

/**
 * An OAuth 2.0 token endpoint that really verifies what it is sent (RFC 7523, 3), with node:crypto alone: the
 * signature, who it is from, for whom, until when, and that it was not used before.
 */
export class TokenEndpoint {
  readonly url: string;
  readonly server: ScriptedServer;
  /** Why requests were refused, in order. */
  readonly refused: string[] = [];
  /** Tokens that were given and are still good. */
  readonly good = new Set<string>();
  lifeS: number | undefined = 300;
  /** The one algorithm that is accepted. */
  alg: Alg = 'ES256';
  /** The one scope that is accepted; null: none may be named. */
  scope: string | null = 'system/*.read';
  readonly #clients = new Map<string, KeyObject>();
  readonly #used = new Set<string>();
  readonly #now: () => number;

  private constructor(server: ScriptedServer, now: () => number) {
    this.server = server;
    this.url = `${server.origin}/oauth2/token`;
    this.#now = now;
    server.script = (seen, response) => {
      const wrong = this.#wrongWith(seen);
      if (wrong !== undefined) {
        this.refused.push(wrong);
        return sendJson(response, 400, { error: 'invalid_client' });
      }
      const token = `token-${randomUUID()}`;
      this.good.add(token);
      const life = this.lifeS === undefined ? {} : { expires_in: this.lifeS };
      sendJson(response, 200, { access_token: token, token_type: 'bearer', ...life });
    };
  }

  static async start(now: () => number): Promise<TokenEndpoint> {
    return new TokenEndpoint(await ScriptedServer.start(() => undefined), now);
  }

  register(clientId: string, key: KeyObject): void {
    this.#clients.set(clientId, key);
  }

  /** Whether a request carries a token that is good now. */
  accepts(authorization: string | undefined): boolean {
    return this.good.has((authorization ?? '').replace(/^Bearer /, ''));
  }

  #wrongWith({ method, url, headers, body }: Seen): string | undefined {
    if (method !== 'POST' || url !== '/oauth2/token') return 'address';
    if (headers['content-type'] !== 'application/x-www-form-urlencoded') return 'content type';
    const form = new URLSearchParams(body);
    if (form.get('grant_type') !== 'client_credentials') return 'grant';
    if (form.get('scope') !== this.scope) return 'scope';
    if (form.get('client_assertion_type') !== ASSERTION_TYPE) return 'assertion type';
    return this.#wrongAssertion(form.get('client_assertion') ?? '');
  }

  #wrongAssertion(assertion: string): string | undefined {
    const [head = '', payload = '', signature = ''] = assertion.split('.');
    const { alg } = JSON.parse(Buffer.from(head, 'base64url').toString()) as { alg?: unknown };
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Assertion;
    const { iss, sub, aud, exp, iat, jti } = claims;
    const key = this.#clients.get(String(iss));
    if (key === undefined || iss !== sub) return 'client';
    if (alg !== this.alg) return 'algorithm';
    const good = verify(
      SIGNATURES[this.alg].digest,
      Buffer.from(`${head}.${payload}`),
      {
        key: createPublicKey({ key: key.export({ format: 'jwk' }), format: 'jwk' }),
        dsaEncoding: 'ieee-p1363',
      },
      Buffer.from(signature, 'base64url'),
    );
    if (!good) return 'signature';
    if (aud !== this.url) return 'audience';
    const seconds = this.#now() / 1000;
    if (typeof exp !== 'number' || typeof iat !== 'number') return 'times';
    if (exp <= seconds || exp > seconds + 300 || iat > seconds + 5) return 'times';
    if (typeof jti !== 'string' || jti.length < 16 || this.#used.has(jti)) return 'jti';
    this.#used.add(jti);
    return undefined;
  }
}
