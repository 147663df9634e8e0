import type { Entry, Facts } from './entry.ts';
import type { AuditLog } from './log.ts';

/** Whence care locations came, and what became of them. */
export interface CareLocationCounts {
  /** A source's name, a platform's or a record's id. */
  readonly source: string;
  readonly refused: number;
  readonly added?: number;
  readonly widened?: number;
  /** Keyed digest of the file. */
  readonly file?: string;
}

/** What the log has of the index of care locations: counts, and no patient. Each resolves when its entry is on the disk. */
export class CareLocationTrail {
  readonly #log: Pick<AuditLog, 'append'>;
  readonly #admin: string | undefined;

  /** @param admin who gives the command that writes: sealed in each entry of it */
  constructor(log: Pick<AuditLog, 'append'>, admin?: string) {
    this.#log = log;
    this.#admin = admin;
  }

  /** A file was merged into the index: how many lines were read, and what became of them. */
  imported(exchange: string, count: number, detail: CareLocationCounts): Promise<void> {
    return this.#append('care-locations-imported', exchange, { count, detail });
  }

  /** Encounters came from a platform, before that is confirmed to it, or from a record that was asked. */
  received(exchange: string, count: number, detail: CareLocationCounts): Promise<void> {
    return this.#append('care-locations-received', exchange, { count, detail });
  }

  /** What was last seen before a day was deleted from the index. @param before ISO date */
  forgotten(exchange: string, count: number, before: string): Promise<void> {
    return this.#append('care-locations-forgotten', exchange, { count, detail: { before } });
  }

  async #append(event: Entry['event'], exchange: string, facts: Facts): Promise<void> {
    const sealed = this.#admin === undefined ? {} : { sealed: { admin: this.#admin } };
    await this.#log.append([{ event, exchange, facts, ...sealed }]);
  }
}
