import { startDeadline, type Deadline } from '../deadline.ts';

/** How an endpoint is tried: resolves when it answers. */
export type Hello = (endpoint: string, deadline: Deadline) => Promise<unknown>;

/**
 * The endpoints of one neighbour, in its own order. The first that works is used. One that could not be connected to is
 * left out until our own probe has reached it: no clinician's question tries whether it is back.
 */
export class Endpoints {
  readonly #listed: () => readonly string[];
  readonly #hello: Hello;
  readonly #settings: { readonly reset_ms: number; readonly probe_ms: number };
  /** The one that failed longest ago first. */
  readonly #avoided = new Set<string>();
  #looking: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param listed as the neighbour's statement lists them now */
  constructor(
    listed: () => readonly [string, ...string[]],
    hello: Hello,
    settings: { readonly reset_ms: number; readonly probe_ms: number },
  ) {
    this.#listed = listed;
    this.#hello = hello;
    this.#settings = settings;
  }

  /** Where none works: the one that failed longest ago. */
  get inUse(): string {
    const listed = this.#listed();
    const [first = ''] = listed;
    return listed.find((one) => !this.#avoided.has(one)) ?? this.avoided[0] ?? first;
  }

  get avoided(): readonly string[] {
    const listed = this.#listed();
    return [...this.#avoided].filter((one) => listed.includes(one));
  }

  worked(endpoint: string): void {
    this.#avoided.delete(endpoint);
  }

  /** @returns whether another one stands by */
  failed(endpoint: string): boolean {
    if (this.#listed().length < 2) return false;
    this.#avoided.delete(endpoint);
    this.#avoided.add(endpoint);
    this.#lookLater();
    return this.#listed().some((one) => !this.#avoided.has(one));
  }

  /** Tries all of them, side by side. @throws what the first in order failed with, where none answers */
  async probe(deadline: Deadline): Promise<void> {
    const listed = this.#listed();
    const tried = await Promise.allSettled(listed.map((one) => this.#try(one, deadline)));
    const [first] = tried;
    if (tried.every(({ status }) => status === 'rejected') && first?.status === 'rejected')
      throw first.reason;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#looking);
  }

  async #try(endpoint: string, deadline: Deadline): Promise<void> {
    try {
      await this.#hello(endpoint, deadline);
      this.worked(endpoint);
    } catch (error) {
      this.failed(endpoint);
      throw error;
    }
  }

  #lookLater(): void {
    if (this.#isClosed || this.#looking !== undefined) return;
    this.#looking = setTimeout(() => void this.#lookAgain(), this.#settings.reset_ms).unref();
  }

  async #lookAgain(): Promise<void> {
    using deadline = startDeadline(this.#settings.probe_ms);
    await Promise.allSettled(this.avoided.map((one) => this.#try(one, deadline)));
    this.#looking = undefined;
    if (this.avoided.length > 0) this.#lookLater();
  }
}
