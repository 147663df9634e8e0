import type { AuditLog } from './log.ts';
import { entryOf, type Asking } from './trail-entries.ts';

/** The audit of plans that are made for an admin's eyes. Resolves when the entry is on the disk. */
export class RouteTrail {
  readonly #log: Pick<AuditLog, 'append'>;
  readonly #admin: string;

  /** @param admin who gives the command: sealed in each entry of it */
  constructor(log: Pick<AuditLog, 'append'>, admin: string) {
    this.#log = log;
    this.#admin = admin;
  }

  /**
   * An admin is about to see where a patient is registered and whom a viewer of ours would ask, and why. Nobody is asked.
   *
   * @param detail for which viewer, and as of when where that is not now
   */
  async shown(
    asking: Pick<Asking, 'exchange' | 'nhsNumber' | 'also'>,
    plan: object,
    detail: { readonly viewer: string; readonly at?: string | undefined },
  ): Promise<void> {
    const entry = entryOf(asking, 'route-shown', { detail });
    const values = { plan: JSON.stringify(plan), admin: this.#admin };
    await this.#log.append([{ ...entry, sealed: { ...entry.sealed, ...values } }]);
  }
}
