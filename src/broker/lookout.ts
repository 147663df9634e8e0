/** Looks at something again and again, never twice at once. */
export class Lookout {
  readonly #everyMs: number;
  readonly #look: () => Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  /** @param look never rejects */
  constructor(everyMs: number, look: () => Promise<void>) {
    this.#everyMs = everyMs;
    this.#look = look;
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), this.#everyMs).unref();
  }

  /** Lets the look end that is under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** Now; whoever asks while one looks gets what that one finds. */
  look(): Promise<void> {
    return (this.#looking ??= this.#look().finally(() => (this.#looking = undefined)));
  }
}
