/** One step at a time, in the order asked. */
export class Lane {
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  run<Result>(step: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(() => {
      if (this.#closed) throw new Error('the store is closed');
      return step();
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Lets the step end that is under way; those that wait are rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
  }
}
