import http from 'node:http';
import https from 'node:https';
import { z } from 'zod';

import type { ConfiguredTracing } from '../config/trace-export.ts';
import { startDeadline, type Deadline } from '../deadline.ts';
import { DeliveryError } from '../errors.ts';
import { exchange } from './exchange.ts';

const MOST_ANSWER_BYTES = 64 * 1024;

/** `ExportTraceServiceResponse`: a 64-bit number is text in JSON, and some write it as a number. */
const answerForm = z.object({
  partialSuccess: z.object({ rejectedSpans: z.coerce.number().int().min(0).default(0) }).optional(),
});

/** The way to a receiver of traces: OTLP/HTTP with JSON. */
export class OtlpLink {
  readonly #settings: ConfiguredTracing;
  readonly #agent: http.Agent | https.Agent;
  #underWay: Deadline | undefined;

  constructor(settings: ConfiguredTracing) {
    this.#settings = settings;
    const { url, anchors, own } = settings;
    const ca = anchors === undefined ? {} : { ca: anchors };
    const shown = own === undefined ? {} : { cert: own.certificate, key: own.key };
    const shared = { keepAlive: true, maxSockets: 1 };
    this.#agent = url.startsWith('https:')
      ? // Said aloud: without it a variable of the environment could turn the verification off.
        new https.Agent({
          ...{ ...shared, ...ca, ...shown, rejectUnauthorized: true },
          ...{ minVersion: 'TLSv1.2', maxCachedSessions: 0 },
        })
      : new http.Agent(shared);
  }

  /**
   * Sends one request, one call at a time.
   *
   * @returns how many of its spans the receiver rejected
   * @throws DeliveryError
   */
  async send(body: string): Promise<number> {
    const { url, timeoutMs } = this.#settings;
    using deadline = startDeadline(timeoutMs);
    this.#underWay = deadline;
    const headers = { 'Content-Type': 'application/json' };
    const call = { method: 'POST', url, headers, body, agent: this.#agent } as const;
    const answer = await exchange({ ...call, mostBytes: MOST_ANSWER_BYTES }, deadline);
    if (answer.status === 429 || answer.status === 503) throw new DeliveryError('peer-throttled');
    if (answer.status < 200 || answer.status > 299) throw new DeliveryError('peer-refused');
    return rejectedIn(answer.body);
  }

  close(): void {
    this.#underWay?.cancel();
    this.#agent.destroy();
  }
}

/** An answer that is none of OTLP's says nothing of spans that it would have rejected. */
function rejectedIn(body: Buffer): number {
  try {
    return answerForm.parse(JSON.parse(body.toString('utf8'))).partialSuccess?.rejectedSpans ?? 0;
  } catch {
    return 0;
  }
}
