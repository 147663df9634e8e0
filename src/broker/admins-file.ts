import type { AuditTrail } from '../audit/trail.ts';
import { readAdminsAnew, type AdminsAnew, type RegisteredAdmin } from '../config/admins.ts';
import { stampOf } from '../config/file-stamp.ts';
import { HouseError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Admins } from '../trust/admins.ts';
import { FileWatch } from './file-watch.ts';

export interface AdminsFileSettings {
  /** The configuration file. */
  readonly source: string;
  readonly admins: Admins;
  /** Of the log that is written now; undefined while nothing is served. */
  readonly trail: () => AuditTrail | undefined;
  /** Keeps what was read for a start at which a file is cut: an authority that was taken out must not come back then. */
  readonly keep: (whole: AdminsAnew['whole']) => Promise<void>;
  readonly log: Log;
}

/**
 * The admins, read again when the configuration file or an authority's file that it names changes: who leaves has no access
 * any more, without a restart. Of a file that is not in order nothing is taken. A change counts at once, and is told in
 * the log as soon as that can be written.
 */
export class AdminsFile {
  readonly #settings: AdminsFileSettings;
  readonly #watch: FileWatch;
  #files: readonly string[];
  #onChange: () => void = () => undefined;
  /** What counts, and is not in the log yet. */
  #untold: readonly RegisteredAdmin[] | undefined;

  constructor(settings: AdminsFileSettings) {
    this.#settings = settings;
    this.#files = [settings.source];
    this.#watch = new FileWatch({
      stamp: () => stampOf(this.#files),
      take: () => this.#take(),
      onFault: (what) => settings.log.error({ what }, 'the admins of the configuration file'),
    });
  }

  /** Why the file, as it is now, does not count, or is not told in the log. */
  get fault(): string | undefined {
    return this.#watch.fault;
  }

  /** @param onChange called when there are other admins than before */
  start(onChange: () => void): void {
    this.#onChange = onChange;
    this.#watch.start();
  }

  stop(): Promise<void> {
    return this.#watch.stop();
  }

  async #take(): Promise<void> {
    const { source, admins, log } = this.#settings;
    const anew = readAdminsAnew(source);
    this.#files = anew.files;
    if (admins.replace(anew.admins)) {
      this.#untold = anew.admins;
      this.#onChange();
      log.info({ admins: anew.admins.length }, 'the admins were read anew');
    }
    await this.#settings.keep(anew.whole);
    if (this.#untold !== undefined) await this.#tell(this.#untold);
  }

  async #tell(admins: readonly RegisteredAdmin[]): Promise<void> {
    const trail = this.#settings.trail();
    if (trail === undefined) throw new HouseError('store-closed');
    await trail.adminsChanged(admins.map(({ id, role, certificate }) => ({ id, role, ...certificate })));
    this.#untold = undefined;
  }
}
