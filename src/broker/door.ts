import type { RequestListener } from 'node:http';

import { HouseError, StartError } from '../errors.ts';
import { closeApp, createApp } from '../http/app.ts';
import { errorFields, type Log } from '../log.ts';
import { StoreBehind, type HeldNote } from '../audit/witnessing/our-past.ts';
import type { Closed, StoreState } from '../store/contracts.ts';
import type { Handlers, Service } from './service.ts';

/** How often it is looked whether the store was closed, opened, or goes on with another log. */
const LOOK_MS = 1_000;

export interface DoorSettings {
  readonly state: () => Promise<StoreState>;
  /** The log that is to be written now. */
  readonly origin: () => Promise<string>;
  readonly start: (openedAt: number | undefined, onBehind: (held: HeldNote) => void) => Promise<Service>;
  /** Closes the store for what a neighbour holds; it was closed before when it is closed already. */
  readonly close: (held: HeldNote) => Promise<unknown>;
  readonly log: Log;
}

/**
 * The one place where it is decided whether anything is served: a closed store starts no service, and a service ends
 * when its store is closed or its log was ended, whoever did that. While there is none, every request is 503.
 */
export class Door {
  readonly #settings: DoorSettings;
  readonly #shut: RequestListener;
  #service: Service | undefined;
  #closed: Closed | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #origin = '';
  /** What the store is to be closed for, until it is. */
  #behind: HeldNote | undefined;
  /** What kept a service from starting, so that it is said once. */
  #said: string | undefined;

  constructor(settings: DoorSettings) {
    this.#settings = settings;
    this.#shut = shutApi(settings.log);
  }

  /** What answers a listener's requests, now and later. */
  handler(name: keyof Handlers): RequestListener {
    return (request, response) => (this.#service?.handlers[name] ?? this.#shut)(request, response);
  }

  get service(): Service | undefined {
    return this.#service;
  }

  /** Why nothing is served; undefined also where a service could not be started. */
  get closed(): Closed | undefined {
    return this.#closed;
  }

  /** The log that is written now, or would be. */
  get origin(): string {
    return this.#origin;
  }

  /** The first look, whose errors end the start; and then one every second. @throws StartError, HouseError */
  async open(): Promise<void> {
    await this.#look();
    this.#timer = setInterval(() => this.#lookAgain(), LOOK_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    await this.#end();
  }

  #lookAgain(): void {
    this.#looking ??= this.#look()
      .catch((error: unknown) => this.#say(error))
      .finally(() => (this.#looking = undefined));
  }

  /** From now on nothing is served; that it stays so is written at once, or as soon as the store can be written. */
  #shutFor(held: HeldNote): void {
    this.#behind ??= held;
    this.#lookAgain();
  }

  async #look(): Promise<void> {
    const { state, origin, start, close, log } = this.#settings;
    if (this.#behind !== undefined) {
      await this.#end();
      await close(this.#behind);
      this.#behind = undefined;
    }
    const found = await state();
    this.#origin = await origin();
    this.#closed = found.closed;
    if (found.closed !== undefined) {
      if (found.closed.why === 'restoring') throw halfRestored();
      if (this.#service !== undefined || this.#said !== 'closed') {
        log.error({ why: found.closed.why }, 'the store is closed: nothing is served');
      }
      this.#said = 'closed';
      return await this.#end();
    }
    if (this.#service !== undefined && this.#service.origin === this.#origin) return;
    await this.#end();
    try {
      this.#service = await start(found.openedAt, (held) => this.#shutFor(held));
    } catch (error) {
      if (!(error instanceof StoreBehind)) throw error;
      this.#behind = error.held;
      return await this.#look();
    }
    if (this.#said !== undefined) log.info({ origin: this.#service.origin }, 'served again');
    this.#said = undefined;
  }

  async #end(): Promise<void> {
    const ending = this.#service;
    this.#service = undefined;
    await ending?.stop();
  }

  #say(error: unknown): void {
    const what = error instanceof Error ? error.message : 'unknown';
    if (this.#said !== what) this.#settings.log.error(errorFields(error), 'nothing is served');
    this.#said = what;
  }
}

function shutApi(log: Log): RequestListener {
  const app = createApp();
  app.use(() => {
    throw new HouseError('store-closed');
  });
  closeApp(app, log);
  return app;
}

function halfRestored(): StartError {
  return new StartError(
    'store: a backup was being restored into it and was cut short: take the file away, or drop and make the database, ' +
      'and run `wayleave restore` again.',
  );
}
