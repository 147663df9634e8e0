import type { DirectoryFile } from '../config/schema.ts';
import { trustOf } from '../trust/coverage-conflicts.ts';
import type { Neighbour } from '../trust/neighbours.ts';

/**
 * The directory file with what the approved statements of neighbours say that it does not know: an enrolled region is
 * routed to by its own coverage. Where the file says otherwise the file counts, and a sub-ICB location or an organisation
 * that it gives to somebody is nobody else's.
 */
export function directoryWith(file: DirectoryFile, neighbours: readonly Neighbour[]): DirectoryFile {
  const enrolled = neighbours.filter(({ region }) => file.regions.every(({ id }) => id !== region));
  if (enrolled.length === 0) return file;
  const taken = new Set(file.regions.flatMap(({ sub_icbs: spans }) => spans.map(({ code }) => code)));
  const known = new Set(file.organisations.flatMap(({ code }) => [code, trustOf(code)]));
  const regions = [...file.regions];
  const organisations = [...file.organisations];
  for (const { region, broker } of enrolled) {
    const { sub_icbs: claimed, organisations: feeding } = broker.coverage;
    const free = claimed.filter((code) => !taken.has(code));
    for (const code of free) taken.add(code);
    regions.push({ id: region, name: broker.name, sub_icbs: free.map((code) => ({ code })) });
    for (const code of feeding.filter((one) => !known.has(one) && !known.has(trustOf(one)))) {
      known.add(code);
      organisations.push({ code, name: code, feeds: [{ region }] });
    }
  }
  return { ...file, regions, organisations };
}
