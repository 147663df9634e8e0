import http from 'node:http';
import https from 'node:https';

import type { OAuth2Credentials } from '../config/load.ts';
import { beforeEnd, startDeadline, type Deadline } from '../deadline.ts';
import { DeliveryError } from '../errors.ts';
import {
  importAssertionSigner,
  signClientAssertion,
  type AssertionSigner,
} from '../evidence/client-assertion.ts';
import { isObject } from '../fhir/resource.ts';
import { exchange } from './exchange.ts';

/** A token is renewed this long before it ends, so that none ends on its way. */
const RENEW_BEFORE_MS = 30_000;
const SHORTEST_LIFE_S = 60;
const ASK_MS = 5_000;

/**
 * Access tokens for one record, or for demographics: OAuth 2.0 client credentials with `private_key_jwt` (RFC 7523, as in SMART
 * Backend Services, and NHS England's application-restricted APIs). One request at a time, shared by all callers; kept until shortly before it ends.
 */
export class AccessTokens {
  readonly #settings: OAuth2Credentials;
  readonly #agent: http.Agent | https.Agent;
  readonly #signer: Promise<AssertionSigner>;
  readonly #now: () => number;
  #token: { value: string; until: number } | undefined;
  #asking: Promise<string> | undefined;

  constructor(settings: OAuth2Credentials, now: () => number) {
    this.#settings = settings;
    this.#now = now;
    this.#signer = importAssertionSigner(settings.key);
    // Rejections are met where the signer is awaited.
    this.#signer.catch(() => undefined);
    this.#agent = settings.tokenEndpoint.startsWith('http:')
      ? new http.Agent({ keepAlive: true })
      : new https.Agent({
          keepAlive: true,
          ...(settings.anchors === undefined ? {} : { ca: settings.anchors }),
        });
  }

  /** The Authorization header. @throws DeliveryError when no token can be had */
  async authorization(deadline: Deadline): Promise<string> {
    const kept = this.atHand();
    if (kept !== undefined) return kept;
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    return bearer(await beforeEnd(this.#asking, deadline));
  }

  /** The same where one is at hand, without asking for one. */
  atHand(): string | undefined {
    const token = this.#token;
    return token !== undefined && this.#now() < token.until ? bearer(token.value) : undefined;
  }

  /** The record refused this token: the next who asks gets another. One that came since is not dropped. */
  forget(authorization: string): void {
    if (this.#token !== undefined && authorization === bearer(this.#token.value)) this.#token = undefined;
  }

  close(): void {
    this.#agent.destroy();
  }

  /** The request has a budget of its own: the one who began it may hang up while others wait for it. */
  async #ask(): Promise<string> {
    using deadline = startDeadline(ASK_MS);
    const { tokenEndpoint, clientId, scope } = this.#settings;
    const assertion = await signClientAssertion(await this.#signer, clientId, tokenEndpoint, this.#now());
    const answer = await exchange(
      {
        method: 'POST',
        url: tokenEndpoint,
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'application/json' },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          ...(scope === undefined ? {} : { scope }),
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: assertion,
        }).toString(),
        agent: this.#agent,
        mostBytes: 64 * 1024,
      },
      deadline,
    );
    const token = answer.status === 200 ? readToken(answer.body) : undefined;
    if (token === undefined) throw new DeliveryError('peer-failed', 'token endpoint');
    this.#token = { value: token.value, until: this.#now() + token.lifeS * 1000 - RENEW_BEFORE_MS };
    return token.value;
  }
}

function bearer(token: string): string {
  return `Bearer ${token}`;
}

function readToken(body: Buffer): { value: string; lifeS: number } | undefined {
  try {
    const answer: unknown = JSON.parse(body.toString('utf8'));
    if (!isObject(answer) || typeof answer['access_token'] !== 'string') return undefined;
    const life = answer['expires_in'];
    return { value: answer['access_token'], lifeS: typeof life === 'number' ? life : SHORTEST_LIFE_S };
  } catch {
    return undefined;
  }
}
