import { randomUUID } from 'node:crypto';
import https from 'node:https';
import { join } from 'node:path';

import { viewerIdentity } from '../../src/cli/viewer-tokens.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Bundle } from '../../src/fhir/resource.ts';
import { ANSWERING, ASKING, configFile, KEYS, type Places } from './places.ts';
import { HELD, NHS_NUMBER } from './stand-ins.ts';

/** Longer than the longest budget of a Bundle: what has not come by then is lost. */
const LOST_MS = 15_000;
/** Well within a token's life. */
const TOKEN_MS = 60_000;

/** `part`: a region is missing, and the answer says so; `unanswered`: no region in time; `lost`: no answer at all. */
export type Outcome = 'whole' | 'part' | 'refused' | 'unanswered' | 'lost';

export interface Sent {
  readonly id: string;
  readonly outcome: Outcome;
  readonly ms: number;
}

/** A viewer that is not put off: it asks whatever it is answered, and keeps what that was. */
export class PressingViewer {
  readonly all: Sent[] = [];
  readonly #agent: https.Agent;
  readonly #url: string;
  readonly #newToken: () => Promise<string>;
  #token: Promise<string> | undefined;
  #madeAt = 0;

  private constructor(url: string, agent: https.Agent, newToken: () => Promise<string>) {
    this.#url = url;
    this.#agent = agent;
    this.#newToken = newToken;
  }

  static async of(places: Places): Promise<PressingViewer> {
    const config = loadConfig(configFile(ASKING));
    const keys = join(KEYS, ASKING, 'viewers', config.viewers[0]?.id ?? '');
    const identity = viewerIdentity(config, { keys });
    const tls = { cert: identity.certificate, key: identity.key, ca: identity.brokerAnchor };
    const url = `https://127.0.0.1:${places.regions[ASKING].viewer}/fhir/Condition?patient=${NHS_NUMBER}`;
    const agent = new https.Agent({ ...tls, keepAlive: true, maxFreeSockets: 4_096 });
    return new PressingViewer(url, agent, () => identity.tokenFor(NHS_NUMBER));
  }

  async ask(): Promise<Sent> {
    if (this.#token === undefined || performance.now() - this.#madeAt > TOKEN_MS) {
      this.#madeAt = performance.now();
      this.#token = this.#newToken();
    }
    const headers = { Authorization: `Bearer ${await this.#token}`, 'X-Request-Id': randomUUID() };
    const from = performance.now();
    const outcome = await new Promise<Outcome>((done) => {
      const request = https.get(this.#url, { agent: this.#agent, headers, timeout: LOST_MS }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', () => done('lost'));
        response.once('end', () => done(outcomeOf(response.statusCode ?? 0, Buffer.concat(chunks))));
      });
      request.once('timeout', () => request.destroy(new Error('timeout')));
      request.once('error', () => done('lost'));
    });
    const sent = { id: headers['X-Request-Id'], outcome, ms: performance.now() - from };
    this.all.push(sent);
    return sent;
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** @returns `part` where a region is missing, which the answer says */
function outcomeOf(status: number, body: Buffer): Outcome {
  if (status === 503) return 'refused';
  if (status !== 200) return 'unanswered';
  const { total } = JSON.parse(body.toString('utf8')) as Bundle;
  return total === HELD * ANSWERING.length ? 'whole' : 'part';
}
