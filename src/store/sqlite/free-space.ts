import { statfsSync } from 'node:fs';

/** How long one look at the disk serves. */
const SERVES_MS = 250;

/** Whether the file system of a file has more left than a reserve. */
export class FreeSpace {
  readonly #file: string;
  readonly #reserveBytes: number;
  #looked = -Infinity;
  #hasRoom = true;

  constructor(file: string, reserveBytes: number) {
    this.#file = file;
    this.#reserveBytes = reserveBytes;
  }

  /** False as well where the file system cannot be asked: what is not known to be there is not counted on. */
  hasRoom(): boolean {
    const now = performance.now();
    if (now - this.#looked >= SERVES_MS) {
      this.#hasRoom = this.#look();
      this.#looked = now;
    }
    return this.#hasRoom;
  }

  #look(): boolean {
    try {
      const { bavail, bsize } = statfsSync(this.#file);
      return bavail * bsize >= this.#reserveBytes;
    } catch {
      return false;
    }
  }
}
