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

/** An answer, until when it serves, and until when it stands in. Milliseconds since the epoch. */
interface Kept {
  readonly registration: Registration;
  readonly freshUntil: number;
  readonly until: number;
}

/** What PDS says with a 404 of its own, and what it means. Any other 404 is that of a wrong address or a proxy. */
const NOT_HELD = { RESOURCE_NOT_FOUND: 'unknown', INVALIDATED_RESOURCE: 'invalidated' } as const;

/**
 * PDS FHIR R4 (`GET /Patient/{nhs-number}`) as a source of registrations. Simultaneous questions about one patient
 * become one call, and an answer serves for a while: PDS allows five a second. It is asked again soon, so that a
 * patient who has become restricted is known as such; an older answer stands in only where PDS is not reached.
 */
export class Demographics implements RegistrationSource {
  readonly destination: Destination;
  readonly #settings: DemographicsConfig;
  readonly #agent: http.Agent | https.Agent;
  readonly #now: () => number;
  readonly #kept = new Map<string, Kept>();
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
    if (kept !== undefined && this.#now() < kept.freshUntil) return kept.registration;
    let asking = this.#underWay.get(nhsNumber);
    if (asking === undefined) {
      // The call has a budget of its own: the one who began it may hang up while others wait for it.
      asking = this.#ask(nhsNumber).finally(() => this.#underWay.delete(nhsNumber));
      this.#underWay.set(nhsNumber, asking);
    }
    const told = await beforeEnd(asking, deadline).catch((): Registration => ({ kind: 'not-reached' }));
    const stand = told.kind === 'not-reached' && kept !== undefined && this.#now() < kept.until;
    return stand ? kept.registration : told;
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
    const notHeld = answer.status === 404 ? notHeldKind(body) : undefined;
    if (notHeld !== undefined) return { kind: notHeld };
    if (answer.status === 429) throw new DeliveryError('peer-throttled', 'demographics');
    const registration = answer.status === 200 ? readRegistration(body, this.#now()) : undefined;
    if (registration === undefined) throw new DeliveryError('peer-failed', 'demographics');
    return registration;
  }

  #keep(nhsNumber: string, registration: Registration): void {
    const { entries, fresh_seconds: fresh, seconds } = this.#settings.cache;
    this.#kept.delete(nhsNumber);
    if (entries === 0 || seconds === 0) return;
    const oldest = this.#kept.size >= entries ? this.#kept.keys().next().value : undefined;
    if (oldest !== undefined) this.#kept.delete(oldest);
    const now = this.#now();
    const freshUntil = now + Math.min(fresh, seconds) * 1000;
    this.#kept.set(nhsNumber, { registration, freshUntil, until: now + seconds * 1000 });
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

/** By the code of Spine's own OperationOutcome (Spine-ErrorOrWarningCode). */
function notHeldKind(body: unknown): 'unknown' | 'invalidated' | undefined {
  if (!isObject(body) || body['resourceType'] !== 'OperationOutcome') return undefined;
  const codes = listOf(body['issue'])
    .map((issue) => (isObject(issue) ? issue['details'] : undefined))
    .flatMap((details) => (isObject(details) ? listOf(details['coding']) : []))
    .map((coding) => (isObject(coding) ? coding['code'] : undefined));
  const known = Object.entries(NOT_HELD).find(([code]) => codes.includes(code));
  return known?.[1];
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}
