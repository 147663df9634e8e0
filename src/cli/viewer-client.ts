import https from 'node:https';
import type { IncomingMessage } from 'node:http';

import { FHIR_JSON, isObject, type Resource } from '../fhir/resource.ts';
import { CommandFailed } from './io.ts';
import type { ViewerIdentity } from './viewer-tokens.ts';

export interface ServerEvent {
  readonly event: string;
  readonly data: Resource;
}

/** A viewer's HTTPS calls to its own broker, as a platform would make them. */
export class ViewerClient {
  readonly #base: string;
  readonly #options: https.RequestOptions;

  constructor(base: string, identity: ViewerIdentity, token: string) {
    this.#base = base;
    this.#options = {
      cert: identity.certificate,
      key: identity.key,
      ca: identity.brokerAnchor,
      rejectUnauthorized: true,
      headers: { Authorization: `Bearer ${token}`, Accept: FHIR_JSON },
    };
  }

  /** @param path below the broker's base, or an absolute link that it gave */
  async get(path: string): Promise<{ status: number; resource: Resource }> {
    const response = await this.#request(path, {});
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { status: response.statusCode ?? 0, resource: parse(Buffer.concat(chunks).toString('utf8')) };
  }

  /** Server-sent events, each as it arrives. */
  async *stream(path: string): AsyncGenerator<ServerEvent> {
    const response = await this.#request(path, { Accept: 'text/event-stream' });
    if (response.statusCode !== 200) {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      yield { event: 'error', data: parse(Buffer.concat(chunks).toString('utf8')) };
      return;
    }
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) {
      text += chunk as string;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        yield readEvent(text.slice(0, end));
        text = text.slice(end + 2);
      }
    }
  }

  #request(path: string, headers: Record<string, string>): Promise<IncomingMessage> {
    const url = path.startsWith('https:') ? path : `${this.#base}${path}`;
    return new Promise((resolve, reject) => {
      const own = this.#options.headers as Record<string, string>;
      https
        .get(url, { ...this.#options, headers: { ...own, ...headers } }, resolve)
        .on('error', (error: NodeJS.ErrnoException) => {
          const what = error.code ?? 'unknown';
          reject(
            new CommandFailed(
              `The broker at ${this.#base} was not reached (${what}): start it, for the demo with \`npm start\`.`,
            ),
          );
        });
    });
  }
}

function readEvent(block: string): ServerEvent {
  const field = (name: string): string =>
    block
      .split('\n')
      .filter((line) => line.startsWith(`${name}: `))
      .map((line) => line.slice(name.length + 2))
      .join('\n');
  return { event: field('event'), data: parse(field('data')) };
}

function parse(text: string): Resource {
  try {
    const parsed: unknown = JSON.parse(text);
    if (isObject(parsed)) return parsed as Resource;
  } catch {
    // Told below: whatever it was, it was no broker's answer.
  }
  throw new CommandFailed('The broker gave an answer that is no JSON: see its log.');
}
