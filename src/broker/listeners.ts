import type { TlsOptions } from 'node:tls';

import type { ServedRequest } from '../http/event-metrics.ts';
import { listen, type Listener, type ListenOptions } from '../http/listen.ts';
import { watchRequests } from '../http/watch-requests.ts';
import type { Log } from '../log.ts';
import { HANDSHAKES } from './handshakes.ts';

/** One listener that is to be started; with what it makes connections, whenever that is asked for. */
export interface Opening extends Pick<ListenOptions, 'name' | 'host' | 'port' | 'handler' | 'headerBytes'> {
  readonly tls?: () => TlsOptions;
}

/** Every door of the broker: opened one by one, and closed together. */
export class Listeners {
  #open: readonly Open[] = [];
  readonly #log: Log;
  readonly #count: (name: string, code: string) => void;
  readonly #onServed: (served: ServedRequest) => void;

  /**
   * @param count called with the listener and the code of each connection that is refused
   * @param onServed called with each request that is over
   */
  constructor(
    log: Log,
    count: (name: string, code: string) => void,
    onServed: (served: ServedRequest) => void,
  ) {
    this.#log = log;
    this.#count = count;
    this.#onServed = onServed;
  }

  /** @throws StartError for a port that is taken */
  async start({ tls, ...options }: Opening): Promise<Listener> {
    const { name } = options;
    const onFault = (code: string): void => {
      this.#log.warn({ listener: name, code }, 'connection refused');
      this.#count(name, code);
    };
    const handler = watchRequests(name, options.handler, this.#onServed);
    const listener = await listen({
      ...{ ...options, ...HANDSHAKES, handler, onFault },
      ...(tls === undefined ? {} : { tls: tls() }),
    });
    this.#open = [...this.#open, { name, listener, tls }];
    return listener;
  }

  /** New connections are made with what is ours, and what we trust, now. */
  renewTls(): void {
    for (const { listener, tls } of this.#open) if (tls !== undefined) listener.setTls(tls());
  }

  /** Closes those of these names, or all that are open still. */
  async close(graceMs: number, names?: readonly string[]): Promise<void> {
    const isMeant = ({ name }: Open): boolean => names?.includes(name) ?? true;
    const closing = this.#open.filter(isMeant);
    this.#open = this.#open.filter((one) => !isMeant(one));
    await Promise.all(closing.map(({ listener }) => listener.close(graceMs)));
  }
}

interface Open {
  readonly name: string;
  readonly listener: Listener;
  readonly tls: (() => TlsOptions) | undefined;
}
