import { joinedDirectory } from '../config/joined-directory.ts';
import type { DirectoryFile } from '../config/schema.ts';
import type { Neighbour } from '../trust/neighbours.ts';

/** The directory with what the approved statements of neighbours say that it does not know: an enrolled region is routed to. */
export function directoryWith(file: DirectoryFile, neighbours: readonly Neighbour[]): DirectoryFile {
  return joinedDirectory(
    file,
    neighbours.map(({ region, broker: { name, coverage } }) => ({ region, name, coverage })),
  );
}
