import { randomUUID } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';

import type { DirectorySourceConfig } from '../config/schema.ts';
import { startDeadline, type Deadline } from '../deadline.ts';
import { DeliveryError } from '../errors.ts';
import { FHIR_JSON, isObject } from '../fhir/resource.ts';
import type { Log } from '../log.ts';
import { Destination } from './destination.ts';
import { exchange, type Answer } from './exchange.ts';

const MOST_PAGE_BYTES = 16 * 1024 * 1024;
/** The whole of the service's organisations, at 100 a page, and twice that. */
const MOST_PAGES = 10_000;
const MOST_TRIES = 5;
/** The service allows five calls a second. */
const BETWEEN_PAGES_MS = 250;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** How long to wait, in milliseconds, and for how much at the end; a test makes them short. */
export interface OdsPauses {
  readonly betweenPages: number;
  readonly first: number;
}

/**
 * The Organisation Data Service's FHIR R4 server (Organisation Data Terminology API) as a source of what has changed: Organization and
 * OrganizationAffiliation by `_lastUpdated`, page by page. Only links below its own base are followed.
 */
export class OdsChanges {
  readonly destination: Destination;
  readonly #settings: DirectorySourceConfig;
  readonly #apiKey: string | undefined;
  readonly #pauses: OdsPauses;
  readonly #agent: http.Agent | https.Agent;

  constructor(
    settings: DirectorySourceConfig,
    apiKey: string | undefined,
    log: Log,
    pauses: OdsPauses = { betweenPages: BETWEEN_PAGES_MS, first: FIRST_PAUSE_MS },
  ) {
    this.#settings = settings;
    this.#apiKey = apiKey;
    this.#pauses = pauses;
    const Agent = settings.base.startsWith('http:') ? http.Agent : https.Agent;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const probe = async (deadline: Deadline): Promise<void> =>
      void (await this.#get(`${settings.base}/metadata`, deadline));
    this.destination = new Destination('directory', 'directory', settings.breaker, probe, log);
  }

  /**
   * Everything that changed on a day or later: all of it, or none.
   *
   * @param since ISO date
   * @param stop ends it, also while it waits
   * @throws DeliveryError where a page cannot be had after several tries, or leads elsewhere
   */
  async since(since: string, stop: AbortSignal): Promise<unknown[]> {
    const resources: unknown[] = [];
    for (const type of ['Organization', 'OrganizationAffiliation']) {
      const query = new URLSearchParams({
        _lastUpdated: `ge${since}`,
        _count: String(this.#settings.page_size),
      });
      let next: string | undefined = `${this.#settings.base}/${type}?${query.toString()}`;
      const seen = new Set<string>();
      while (next !== undefined) {
        if (seen.has(next) || seen.size >= MOST_PAGES)
          throw new DeliveryError('peer-failed', 'pages without an end');
        seen.add(next);
        const page = await this.#page(next, stop);
        resources.push(...page.resources);
        next = page.next;
        await pause(this.#pauses.betweenPages, undefined, { signal: stop });
      }
    }
    return resources;
  }

  close(): void {
    this.destination.close();
    this.#agent.destroy();
  }

  /** Tried again, later each time, where it is throttled, fails or is not reached. */
  async #page(url: string, stop: AbortSignal): Promise<{ resources: unknown[]; next: string | undefined }> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.destination.call(async () => {
          using deadline = startDeadline(this.#settings.timeout_ms);
          return this.#read(await this.#get(url, deadline));
        });
      } catch (error) {
        if (tries >= MOST_TRIES || !isWorthAgain(error)) throw error;
        const wait = Math.min(this.#pauses.first * 2 ** (tries - 1), LONGEST_PAUSE_MS);
        await pause(wait, undefined, { signal: stop });
      }
    }
  }

  async #get(url: string, deadline: Deadline): Promise<Answer> {
    const answer = await exchange(
      {
        ...{ method: 'GET', url, agent: this.#agent, mostBytes: MOST_PAGE_BYTES },
        headers: {
          Accept: FHIR_JSON,
          'X-Request-ID': randomUUID(),
          ...(this.#apiKey === undefined ? {} : { apikey: this.#apiKey }),
        },
      },
      deadline,
    );
    if (answer.status === 429) throw new DeliveryError('peer-throttled', 'directory');
    if (answer.status >= 500) throw new DeliveryError('peer-failed', 'directory');
    if (answer.status !== 200) throw new DeliveryError('peer-refused', 'directory');
    return answer;
  }

  #read({ body }: Answer): { resources: unknown[]; next: string | undefined } {
    const bundle = parsed(body);
    if (!isObject(bundle) || bundle['resourceType'] !== 'Bundle')
      throw new DeliveryError('peer-failed', 'no Bundle');
    const entries = Array.isArray(bundle['entry']) ? (bundle['entry'] as unknown[]) : [];
    const links = Array.isArray(bundle['link']) ? (bundle['link'] as unknown[]) : [];
    const link = links.find((one) => isObject(one) && one['relation'] === 'next');
    const resources = entries.map((entry) => (isObject(entry) ? entry['resource'] : undefined));
    return { resources, next: isObject(link) ? this.#below(link['url']) : undefined };
  }

  /** @throws DeliveryError for a link that does not lead below our base: it is not followed */
  #below(link: unknown): string {
    const base = new URL(`${this.#settings.base}/`);
    const url = typeof link === 'string' ? URL.parse(link, base.href) : null;
    if (
      url === null ||
      url.origin !== base.origin ||
      !url.pathname.startsWith(base.pathname) ||
      url.username !== ''
    ) {
      throw new DeliveryError('peer-refused', 'a link to elsewhere');
    }
    return url.href;
  }
}

/** What was refused is refused again. */
function isWorthAgain(error: unknown): boolean {
  return error instanceof DeliveryError && error.code !== 'peer-refused' && error.code !== 'answer-too-large';
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
