import https from 'node:https';
import { join } from 'node:path';

import { viewerIdentity } from '../../src/cli/viewer-tokens.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Bundle } from '../../src/fhir/resource.ts';
import { ASKING, configFile, KEYS, type Places } from '../bench/places.ts';
import { NHS_NUMBER } from '../bench/stand-ins.ts';

/** Whole only when every byte of the answer came; `status` is 0 where not even the first did. */
export interface Asked {
  readonly whole: boolean;
  readonly status: number;
  readonly text: string;
}

const ANSWER_MS = 8_000;
/** Well within a token's life: a run goes on for longer than that. */
const TOKEN_MS = 60_000;

/** The asking region's viewer, for processes that are about to meet a fault. */
export class PlacesViewer {
  readonly #agent: https.Agent;
  readonly #url: string;
  readonly #newToken: () => Promise<string>;
  readonly #answerMs: number;
  #token: Promise<string> | undefined;
  #madeAt = 0;

  private constructor(url: string, agent: https.Agent, newToken: () => Promise<string>, answerMs: number) {
    this.#url = url;
    this.#agent = agent;
    this.#newToken = newToken;
    this.#answerMs = answerMs;
  }

  /** @param answerMs after so many milliseconds without a byte it gives up */
  static of(places: Places, answerMs = ANSWER_MS, maxFreeSockets = 256): PlacesViewer {
    const config = loadConfig(configFile(ASKING));
    const keys = join(KEYS, ASKING, 'viewers', config.viewers[0]?.id ?? '');
    const identity = viewerIdentity(config, { keys });
    const tls = { cert: identity.certificate, key: identity.key, ca: identity.brokerAnchor };
    const url = `https://127.0.0.1:${places.regions[ASKING].viewer}/fhir/Condition?patient=${NHS_NUMBER}`;
    const newToken = (): Promise<string> => identity.tokenFor(NHS_NUMBER);
    const agent = new https.Agent({ ...tls, keepAlive: true, maxFreeSockets });
    return new PlacesViewer(url, agent, newToken, answerMs);
  }

  /** Asks once. */
  async ask(id?: string): Promise<Asked> {
    if (this.#token === undefined || performance.now() - this.#madeAt > TOKEN_MS) {
      this.#madeAt = performance.now();
      this.#token = this.#newToken();
    }
    const headers = {
      Authorization: `Bearer ${await this.#token}`,
      ...(id === undefined ? {} : { 'X-Request-Id': id }),
    };
    return new Promise((done) => {
      const failed = (): void => done({ whole: false, status: 0, text: '' });
      const request = https.get(
        this.#url,
        { agent: this.#agent, headers, timeout: this.#answerMs },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (part: string) => (text += part));
          response.once('error', () => done({ whole: false, status: response.statusCode ?? 0, text }));
          response.once('end', () =>
            done({ whole: response.complete, status: response.statusCode ?? 0, text }),
          );
        },
      );
      request.once('timeout', () => request.destroy(new Error('timeout')));
      request.once('error', failed);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

export function bundleOf({ text }: Asked): Bundle {
  return JSON.parse(text) as Bundle;
}
