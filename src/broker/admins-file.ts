import type { AuditTrail } from '../audit/trail.ts';
import { readAdminsAnew, stampOf, type RegisteredAdmin } from '../config/admins.ts';
import { HouseError, StartError } from '../errors.ts';
import { errorFields, type Log } from '../log.ts';
import type { Admins } from '../trust/admins.ts';
import { Lookout } from './lookout.ts';

export interface AdminsFileSettings {
  /** The configuration file. */
  readonly source: string;
  readonly admins: Admins;
  /** Of the log that is written now; undefined while nothing is served. */
  readonly trail: () => AuditTrail | undefined;
  readonly log: Log;
}

const LOOK_MS = 2_000;
/** After a fault: what the file names may be put in its place later. */
const AGAIN_MS = 30_000;

/**
 * The admins, read again when the configuration file or an authority's file that it names changes: who leaves has no access
 * any more, without a restart. Of a file that is not in order nothing is taken. A change counts at once, and is told in
 * the log as soon as that can be written.
 */
export class AdminsFile {
  readonly #settings: AdminsFileSettings;
  readonly #lookout = new Lookout(LOOK_MS, () => this.#look());
  #onChange: () => void = () => undefined;
  #files: readonly string[];
  #stamp = '';
  #again = Infinity;
  #untold: readonly RegisteredAdmin[] | undefined;
  #fault: string | undefined;

  constructor(settings: AdminsFileSettings) {
    this.#settings = settings;
    this.#files = [settings.source];
  }

  /** Why the file, as it is now, is not taken. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** @param onChange called when there are other admins than before */
  start(onChange: () => void): void {
    this.#onChange = onChange;
    this.#lookout.start();
  }

  stop(): Promise<void> {
    return this.#lookout.stop();
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const stamp = stampOf(this.#files);
    if (stamp !== this.#stamp || performance.now() >= this.#again) this.#read(stamp);
    if (this.#untold !== undefined) await this.#tell(this.#untold);
  }

  #read(stamp: string): void {
    const { source, admins, log } = this.#settings;
    this.#stamp = stamp;
    this.#again = Infinity;
    try {
      const anew = readAdminsAnew(source);
      this.#files = anew.files;
      this.#fault = undefined;
      if (!admins.replace(anew.admins)) return;
      this.#untold = anew.admins;
      this.#onChange();
      log.info({ admins: anew.admins.length }, 'the admins were read anew');
    } catch (error) {
      this.#again = performance.now() + AGAIN_MS;
      const fault = error instanceof StartError ? error.message : (errorFields(error).code ?? 'unreadable');
      if (this.#fault !== fault) log.error({ what: fault }, 'the admins stay as they were');
      this.#fault = fault;
    }
  }

  async #tell(admins: readonly RegisteredAdmin[]): Promise<void> {
    try {
      const trail = this.#settings.trail();
      if (trail === undefined) throw new HouseError('store-closed');
      await trail.adminsChanged(admins.map(({ id, role, certificate }) => ({ id, role, ...certificate })));
      this.#untold = undefined;
    } catch (error) {
      this.#settings.log.warn(errorFields(error), 'other admins: not told in the log yet');
    }
  }
}
