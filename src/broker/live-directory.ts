import { joinedDirectory } from '../config/joined-directory.ts';
import type { DirectoryFile } from '../config/schema.ts';
import { errorFields, type Log } from '../log.ts';
import type { Directory } from '../routing/directory.ts';
import { ImportedDirectory } from '../routing/imported-directory.ts';
import type { Store } from '../store/contracts.ts';
import type { Neighbour } from '../trust/neighbours.ts';
import { Lookout } from './lookout.ts';

/** The directory with what the approved statements of neighbours say that it does not know: an enrolled region is routed to. */
export function directoryWith(file: DirectoryFile, neighbours: readonly Neighbour[]): DirectoryFile {
  return joinedDirectory(
    file,
    neighbours.map(({ region, broker: { name, coverage } }) => ({ region, name, coverage })),
  );
}

/** The directory as this region imported it. */
export async function importedIn(store: Pick<Store, 'directory'>): Promise<ImportedDirectory> {
  return new ImportedDirectory(await store.directory.read());
}

const LOOK_MS = 3_000;

/** Takes what is imported while the broker runs, whoever imports it. While the store cannot be read all stays as it is. */
export class DirectoryWatch {
  readonly #lookout = new Lookout(LOOK_MS, () => this.#look());
  readonly #store: Pick<Store, 'directory'>;
  readonly #directory: Directory;
  readonly #log: Log;

  constructor(store: Pick<Store, 'directory'>, directory: Directory, log: Log) {
    this.#store = store;
    this.#directory = directory;
    this.#log = log;
  }

  start(): void {
    this.#lookout.start();
  }

  stop(): Promise<void> {
    return this.#lookout.stop();
  }

  async #look(): Promise<void> {
    try {
      const generation = await this.#store.directory.generation();
      if (generation === this.#directory.imported.generation) return;
      const imported = await importedIn(this.#store);
      this.#directory.hold(imported);
      this.#log.info({ generation: imported.generation }, 'the imported directory has changed');
    } catch (error) {
      this.#log.error(errorFields(error), 'the imported directory cannot be read');
    }
  }
}
