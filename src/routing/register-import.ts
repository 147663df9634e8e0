import { HouseError } from '../errors.ts';
import type { RegisterEntry, RegisterReading, RegisterStore } from '../store/contracts.ts';
import { registerReader, type LineFault, type RegisteredPatient } from './register-file.ts';

/** What the import of a register stands on. */
export interface Importing {
  readonly register: RegisterStore;
  readonly digest: (nhsNumber: string) => string;
  readonly seal: (nhsNumber: string, patient: string) => Uint8Array;
  readonly now: () => number;
  /** False when the store's disk has come down to its reserve. */
  readonly hasRoom: () => boolean;
  readonly onFault: (line: number, fault: LineFault) => void;
  readonly onProgress?: ((done: ImportCounts) => void) | undefined;
}

export interface ImportCounts {
  /** Lines that were taken. */
  readonly read: number;
  readonly faults: number;
}

/** A few milliseconds of a store that a broker writes to as well. */
const ROWS_AT_ONCE = 250;
const LOOKED_AT_ONCE = 1_000;

/**
 * Reads a register's lines into the store, a few at a time: memory stays the same however many there are. Each line
 * is taken by itself, and a file that is read once more changes nothing: an import that was cut short is begun again.
 *
 * @returns undefined where the first line is not a register's
 * @throws HouseError `store-unavailable`
 */
export async function importRegister(
  lines: AsyncIterable<string>,
  isWhole: boolean,
  importing: Importing,
): Promise<(ImportCounts & { readonly at: number }) | undefined> {
  const { register, now, onFault } = importing;
  const { wholeAt, readAt = 0 } = await register.counts();
  const at = Math.max(now(), readAt + 1);
  // Before the whole register was read once, nobody can say who is new.
  const reading: RegisterReading = { at, joined: wholeAt === undefined ? undefined : at };
  const writer = new Writer(importing, reading);
  let read: ReturnType<typeof registerReader> | undefined;
  let number = 0;
  let faults = 0;
  for await (const line of lines) {
    number += 1;
    if (read === undefined) {
      read = registerReader(line, at);
      if (typeof read === 'function') continue;
      onFault(number, read);
      return undefined;
    }
    if (line.trim() === '' || typeof read !== 'function') continue;
    const found = read(line);
    if ('wrong' in found) {
      faults += 1;
      onFault(number, found);
    } else await writer.take(found, faults);
  }
  if (read === undefined) {
    onFault(1, { wrong: 'the file is empty' });
    return undefined;
  }
  await writer.flush();
  await register.ended({ at, isWhole: isWhole && faults === 0 });
  return { read: writer.read, faults, at };
}

/** Marks as left whom a reading of the whole register did not have. @returns how many */
export async function markLeavers(
  before: number,
  { register, now }: Pick<Importing, 'register' | 'now'>,
): Promise<number> {
  let marked = 0;
  let until = before;
  for (let after: string | undefined = ''; after !== undefined;) {
    until = Math.max(now(), until + 1);
    const step = await register.markLeft({ before, until, after }, LOOKED_AT_ONCE);
    marked += step.marked;
    after = step.last;
  }
  return marked;
}

class Writer {
  read = 0;
  readonly #importing: Importing;
  readonly #reading: RegisterReading;
  #waiting: RegisteredPatient[] = [];
  #lastUntil = 0;

  constructor(importing: Importing, reading: RegisterReading) {
    this.#importing = importing;
    this.#reading = reading;
  }

  async take(patient: RegisteredPatient, faults: number): Promise<void> {
    this.read += 1;
    if (this.#waiting.push(patient) < ROWS_AT_ONCE) return;
    await this.flush();
    this.#importing.onProgress?.({ read: this.read, faults });
  }

  async flush(): Promise<void> {
    const { register, now, hasRoom } = this.#importing;
    if (!hasRoom()) throw new HouseError('store-unavailable', 'no room on its disk');
    // Leavers are read in the order of this time, beside us: it rises with every call.
    const until = (this.#lastUntil = Math.max(now(), this.#lastUntil + 1));
    const entries = this.#waiting.map((patient) => this.#entryOf(patient, until));
    this.#waiting = [];
    await register.record(entries, this.#reading);
  }

  #entryOf({ nhsNumber, practice, from, hasLeft }: RegisteredPatient, until: number): RegisterEntry {
    const { digest, seal } = this.#importing;
    const patient = digest(nhsNumber);
    return {
      ...{ patient, sealedNumber: seal(nhsNumber, patient), practice, from },
      until: hasLeft ? until : undefined,
    };
  }
}
