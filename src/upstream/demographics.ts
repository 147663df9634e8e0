import { randomUUID } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';

import type { ConfiguredDemographics } from '../config/load.ts';
import { beforeEnd, startDeadline, type Deadline } from '../deadline.ts';
import { DeliveryError } from '../errors.ts';
import { FHIR_JSON } from '../fhir/resource.ts';
import { errorFields, type Log } from '../log.ts';
import type { Lane, Registration, RegistrationSource } from '../routing/registration.ts';
import type { ToldRestrictions } from '../routing/told-restrictions.ts';
import { AccessTokens } from './access-tokens.ts';
import { Destination } from './destination.ts';
import { exchange, type Answer } from './exchange.ts';
import { KeptRegistrations } from './kept-registrations.ts';
import { PacedCalls } from './paced-calls.ts';
import { readPdsAnswer } from './pds-answer.ts';
import { retryAfterMs } from './retry-after.ts';
import { SharedCall } from './shared-call.ts';

const MOST_ANSWER_BYTES = 256 * 1024;
const FIRST_HOLD_MS = 500;
const LONGEST_HOLD_MS = 60_000;

/** An answer, and when the question was sent: milliseconds since the epoch. */
interface Heard {
  readonly registration: Registration;
  readonly askedAt: number;
}

type Asker = Parameters<RegistrationSource['registrationOf']>[1];

/**
 * PDS FHIR R4 (`GET /Patient/{nhs-number}`) as a source of registrations, with application-restricted access. Simultaneous
 * questions about one patient become one call, and an answer serves for a while: PDS allows five calls a second, which
 * are paced. A question that gets no turn within its time is *not reached*, and is not sent when that is over. Whom they told
 * as restricted is restricted while they are not reached, for however long.
 */
export class Demographics implements RegistrationSource {
  readonly destination: Destination;
  readonly #settings: ConfiguredDemographics;
  readonly #log: Log;
  readonly #agent: http.Agent | https.Agent;
  readonly #tokens: AccessTokens | undefined;
  readonly #pace: PacedCalls;
  readonly #kept: KeptRegistrations;
  readonly #restrictions: ToldRestrictions;
  readonly #now: () => number;
  readonly #underWay = new Map<string, SharedCall<Registration>>();
  /** Answers in a row that asked for less, or were errors of the service's own. */
  #troubles = 0;

  constructor(settings: ConfiguredDemographics, restrictions: ToldRestrictions, log: Log, now: () => number) {
    this.#settings = settings;
    this.#restrictions = restrictions;
    this.#log = log;
    this.#now = now;
    const Agent = settings.base.startsWith('http:') ? http.Agent : https.Agent;
    this.#agent = new Agent({ keepAlive: true, maxSockets: settings.breaker.capacity });
    const { credentials } = settings;
    this.#tokens = credentials.kind === 'oauth2' ? new AccessTokens(credentials, now) : undefined;
    this.#pace = new PacedCalls(settings.rate_per_second);
    this.#kept = new KeptRegistrations(settings.cache, now);
    this.destination = new Destination(
      'demographics',
      'demographics',
      settings.breaker,
      (deadline) => this.#probe(deadline),
      log,
    );
  }

  /** A question waits for `timeout_ms` at most, its turn included; one in the background for its deadline. */
  async registrationOf(nhsNumber: string, asker: Asker, lane: Lane = 'clinician'): Promise<Registration> {
    const fresh = this.#kept.fresh(nhsNumber);
    if (fresh !== undefined) return fresh;
    const told = await this.#askShared(nhsNumber, asker, lane).catch((error: unknown): Registration => {
      this.#log.warn({ destination: 'demographics', ...errorFields(error) }, 'registration not told');
      return { kind: 'not-reached' };
    });
    return told.kind === 'not-reached' ? await this.#toldBefore(nhsNumber) : told;
  }

  /** That the patient is restricted outweighs an older answer: another replica may have been told it since. */
  async #toldBefore(nhsNumber: string): Promise<Registration> {
    const kept = this.#kept.standIn(nhsNumber);
    if (kept?.kind === 'restricted') return kept;
    if (await this.#restrictions.has(nhsNumber)) return { kind: 'restricted-before' };
    return kept ?? { kind: 'not-reached' };
  }

  close(): void {
    this.destination.close();
    this.#pace.close();
    this.#tokens?.close();
    this.#agent.destroy();
  }

  /** The call has a budget of its own: the one who began it may hang up while others wait for it. */
  async #askShared(nhsNumber: string, asker: Asker, lane: Lane): Promise<Registration> {
    if (this.destination.status().circuit !== 'closed')
      throw new DeliveryError('circuit-open', 'demographics');
    const longest = lane === 'background' ? Infinity : this.#settings.timeout_ms;
    using patience = startDeadline(Math.min(asker.remainingMs(), longest));
    let shared = this.#underWay.get(nhsNumber);
    if (shared === undefined) {
      shared = new SharedCall((call) =>
        this.#ask(nhsNumber, call).finally(() => this.#underWay.delete(nhsNumber)),
      );
      this.#underWay.set(nhsNumber, shared);
    }
    const leave = shared.join(lane, performance.now() + patience.remainingMs());
    this.#pace.look();
    try {
      return await beforeEnd(beforeEnd(shared.result(), patience), asker);
    } finally {
      leave();
      this.#pace.look();
    }
  }

  async #ask(nhsNumber: string, call: SharedCall<Registration>): Promise<Registration> {
    const authorization = await this.#authorization();
    const answer = await this.#inTurn(call, () => this.#get(nhsNumber, authorization));
    if (answer !== 'unauthorised') return await this.#keep(nhsNumber, answer);
    // Its token was ended before its time: once more, with another, and in another turn.
    this.#tokens?.forget(authorization ?? '');
    const anew = await this.#authorization();
    return await this.#keep(nhsNumber, await this.#inTurn(call, () => this.#getAgain(nhsNumber, anew)));
  }

  async #keep(nhsNumber: string, { registration, askedAt }: Heard): Promise<Registration> {
    await this.#restrictions.heard(nhsNumber, registration, askedAt);
    this.#kept.keep(nhsNumber, registration);
    return registration;
  }

  /** Before the turn: a call that waits for its token then would be sent at another time than its own. */
  async #authorization(): Promise<string | undefined> {
    const tokens = this.#tokens;
    const kept = tokens?.atHand();
    if (tokens === undefined || kept !== undefined) return kept;
    using deadline = startDeadline(this.#settings.timeout_ms);
    return await this.destination.call(() => tokens.authorization(deadline));
  }

  async #inTurn<Result>(call: SharedCall<Registration>, get: () => Promise<Result>): Promise<Result> {
    const answered = await this.#pace.turn(call);
    try {
      return await this.destination.call(get);
    } finally {
      answered();
    }
  }

  async #get(nhsNumber: string, authorization: string | undefined): Promise<Heard | 'unauthorised'> {
    using deadline = startDeadline(this.#settings.timeout_ms);
    const { base, organisation } = this.#settings;
    const requestId = randomUUID();
    const askedAt = this.#now();
    const answer = await exchange(
      {
        method: 'GET',
        url: `${base}/Patient/${nhsNumber}`,
        headers: {
          Accept: FHIR_JSON,
          'X-Request-ID': requestId,
          ...(organisation === undefined ? {} : { 'NHSD-End-User-Organisation-ODS': organisation }),
          ...(authorization === undefined ? {} : { Authorization: authorization }),
        },
        agent: this.#agent,
        mostBytes: MOST_ANSWER_BYTES,
      },
      deadline,
    );
    this.#backOff(answer);
    if (answer.status === 401 && authorization !== undefined) return 'unauthorised';
    return { registration: readPdsAnswer(answer, nhsNumber, requestId, this.#now()), askedAt };
  }

  /** @throws DeliveryError `peer-failed` for a token that is refused as well: that counts against the service */
  async #getAgain(nhsNumber: string, authorization: string | undefined): Promise<Heard> {
    const heard = await this.#get(nhsNumber, authorization);
    if (heard === 'unauthorised') throw new DeliveryError('peer-failed', 'no access');
    return heard;
  }

  /** 429 and 5xx: for as long as it says, or longer each time. One error by itself delays nobody. */
  #backOff(answer: Answer): void {
    const { status } = answer;
    if (status !== 429 && status < 500) {
      this.#troubles = 0;
      return;
    }
    this.#troubles += 1;
    const doublings = this.#troubles - (status === 429 ? 1 : 2);
    const own = doublings < 0 ? 0 : FIRST_HOLD_MS * 2 ** doublings;
    const asked = retryAfterMs(answer.header('retry-after'), this.#now());
    this.#pace.hold(Math.min(asked ?? own, LONGEST_HOLD_MS));
  }

  /** Any HTTP answer below 500 shows that the service is there. It is a call like any other to who counts them. */
  async #probe(deadline: Deadline): Promise<void> {
    const end = performance.now() + deadline.remainingMs();
    const answered = await this.#pace.turn({ lane: 'clinician', until: () => end });
    try {
      const { base } = this.#settings;
      const answer = await exchange(
        { method: 'GET', url: `${base}/_ping`, agent: this.#agent, mostBytes: MOST_ANSWER_BYTES },
        deadline,
      );
      if (answer.status >= 500) throw new DeliveryError('peer-failed', 'demographics');
    } finally {
      answered();
    }
  }
}
