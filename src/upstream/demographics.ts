import { randomUUID } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';

import type { DemographicsConfig } from '../config/schema.ts';
import { beforeEnd, startDeadline, type Deadline } from '../deadline.ts';
import { DeliveryError } from '../errors.ts';
import { FHIR_JSON, isObject } from '../fhir/resource.ts';
import type { Log } from '../log.ts';
import { readRegistration, type Registration, type RegistrationSource } from '../routing/registration.ts';
import { Destination } from './destination.ts';
import { exchange } from './exchange.ts';

const MOST_ANSWER_BYTES = 256 * 1024;

/**
 * PDS FHIR R4 (`GET /Patient/{nhs-number}`) as a source of registrations. Answers are kept for a while and
 * simultaneous questions about one patient become one call: PDS allows five a second.
 */
export class Demographics implements RegistrationSource {
  readonly destination: Destination;
  readonly #settings: DemographicsConfig;
  readonly #agent: http.Agent | https.Agent;
  readonly #now: () => number;
  readonly #kept = new Map<string, { registration: Registration; until: number }>();
  readonly #underWay = new Map<string, Promise<Registration>>();

  constructor(settings: DemographicsConfig, log: Log, now: () => number) {
    this.#settings = settings;
    this.#now = now;
    const Agent = settings.base.startsWith('http:') ? http.Agent : https.Agent;
    this.#agent = new Agent({ keepAlive: true, maxSockets: settings.breaker.capacity });
    this.destination = new Destination(
      'demographics',
      'demographics',
      settings.breaker,
      (d) => this.#probe(d),
      log,
    );
  }

  async registrationOf(
    nhsNumber: string,
    deadline: Pick<Deadline, 'signal' | 'reason'>,
  ): Promise<Registration> {
    const kept = this.#kept.get(nhsNumber);
    if (kept !== undefined && this.#now() < kept.until) return kept.registration;
    let asking = this.#underWay.get(nhsNumber);
    if (asking === undefined) {
      // The call has a budget of its own: the one who began it may hang up while others wait for it.
      asking = this.#ask(nhsNumber).finally(() => this.#underWay.delete(nhsNumber));
      this.#underWay.set(nhsNumber, asking);
    }
    return beforeEnd(asking, deadline).catch(() => ({ kind: 'not-reached' }));
  }

  close(): void {
    this.destination.close();
    this.#agent.destroy();
  }

  async #ask(nhsNumber: string): Promise<Registration> {
    using deadline = startDeadline(this.#settings.timeout_ms);
    try {
      const registration = await this.destination.call(() => this.#get(nhsNumber, deadline));
      this.#keep(nhsNumber, registration);
      return registration;
    } catch {
      return { kind: 'not-reached' };
    }
  }

  async #get(nhsNumber: string, deadline: Deadline): Promise<Registration> {
    const { base, organisation } = this.#settings;
    const answer = await exchange(
      {
        method: 'GET',
        url: `${base}/Patient/${nhsNumber}`,
        headers: {
          Accept: FHIR_JSON,
          'X-Request-ID': randomUUID(),
          ...(organisation === undefined ? {} : { 'NHSD-End-User-Organisation-ODS': organisation }),
        },
        agent: this.#agent,
        mostBytes: MOST_ANSWER_BYTES,
      },
      deadline,
    );
    const body = readJson(answer.body);
    if (answer.status === 404) return { kind: isInvalidated(body) ? 'invalidated' : 'unknown' };
    if (answer.status === 429) throw new DeliveryError('peer-throttled', 'demographics');
    const registration = answer.status === 200 ? readRegistration(body, this.#now()) : undefined;
    if (registration === undefined) throw new DeliveryError('peer-failed', 'demographics');
    return registration;
  }

  #keep(nhsNumber: string, registration: Registration): void {
    const { entries, seconds } = this.#settings.cache;
    this.#kept.delete(nhsNumber);
    if (entries === 0 || seconds === 0) return;
    const oldest = this.#kept.size >= entries ? this.#kept.keys().next().value : undefined;
    if (oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(nhsNumber, { registration, until: this.#now() + seconds * 1000 });
  }

  /** Any HTTP answer below 500 shows that the service is there. */
  async #probe(deadline: Deadline): Promise<void> {
    const { base } = this.#settings;
    const answer = await exchange(
      { method: 'GET', url: `${base}/_ping`, agent: this.#agent, mostBytes: MOST_ANSWER_BYTES },
      deadline,
    );
    if (answer.status >= 500) throw new DeliveryError('peer-failed', 'demographics');
  }
}

function readJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function isInvalidated(body: unknown): boolean {
  const issues = isObject(body) && Array.isArray(body['issue']) ? (body['issue'] as unknown[]) : [];
  return JSON.stringify(issues).includes('INVALIDATED_RESOURCE');
}
