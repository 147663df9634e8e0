import https from 'node:https';
import type { IncomingMessage } from 'node:http';

import type { Bundle, Resource } from '../../src/fhir/resource.ts';
import type { TestViewer } from '../support/viewer.ts';

export interface StreamEvent {
  readonly event: string;
  readonly data: Resource & Bundle;
}

/** An open event stream, read as it comes. */
export class EventStream {
  readonly response: IncomingMessage;
  readonly #events: AsyncGenerator<StreamEvent>;

  private constructor(response: IncomingMessage) {
    this.response = response;
    this.#events = eventsOf(response);
  }

  static async open(
    viewer: TestViewer,
    patient: string,
    path: string,
    headers: Record<string, string> = {},
    form?: string,
  ): Promise<EventStream> {
    const token = await viewer.token(patient);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = https.request(
        `${viewer.base}${path}`,
        {
          ...viewer.tls(),
          agent: false,
          method: form === undefined ? 'GET' : 'POST',
          headers: {
            Accept: 'text/event-stream',
            Authorization: `Bearer ${token}`,
            ...(form === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }),
            ...headers,
          },
        },
        resolve,
      );
      request.on('error', reject);
      request.end(form);
    });
    response.on('error', () => undefined);
    return new EventStream(response);
  }

  /** The next event; undefined at the end of the stream. */
  async next(): Promise<StreamEvent | undefined> {
    const result = await this.#events.next();
    return result.done === true ? undefined : result.value;
  }

  /** All that is still to come. */
  async rest(): Promise<StreamEvent[]> {
    const events: StreamEvent[] = [];
    for (let event = await this.next(); event !== undefined; event = await this.next()) events.push(event);
    return events;
  }

  hangUp(): void {
    this.response.destroy();
  }
}

async function* eventsOf(response: IncomingMessage): AsyncGenerator<StreamEvent> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    text += String(chunk);
    for (let cut = text.indexOf('\n\n'); cut >= 0; cut = text.indexOf('\n\n')) {
      const [event = '', data = ''] = text.slice(0, cut).split('\n');
      text = text.slice(cut + 2);
      yield {
        event: event.replace(/^event: /, ''),
        data: JSON.parse(data.replace(/^data: /, '')) as StreamEvent['data'],
      };
    }
  }
}
