import type { Config } from '../config/load.ts';
import { RequestError } from '../errors.ts';
import { coverageConflicts, type Coverage } from '../trust/coverage-conflicts.ts';
import type { BrokerMetadata } from '../trust/entity-statement.ts';
import type { SignedStatement, Standings } from '../trust/standing.ts';

/**
 * What a statement claims of coverage and host names must be no other region's: our own, the directory file's, or that of
 * another neighbour's statement.
 *
 * @throws RequestError `coverage-taken`, `neighbour-name-taken`
 */
export function assertNobodyElses(
  { statement }: SignedStatement,
  { neighbours }: Standings,
  config: Pick<Config, 'region' | 'coverage' | 'directory'>,
): void {
  const { region, coverage, tls } = statement.metadata.wayleave_broker;
  const others = [...neighbours.values()].flatMap(({ region: id, signed }) =>
    id === region || signed === undefined ? [] : [signed.statement.metadata.wayleave_broker],
  );
  const known = { others: knownCoverage(config, others), practices: config.directory.practices };
  const wrong = coverageConflicts(region, coverage, known);
  if (wrong.length > 0) throw new RequestError('coverage-taken', wrong.slice(0, 10).join(', '));
  const hosts = new Set(others.flatMap((other) => other.tls.names ?? []));
  if (tls.names?.some((name) => hosts.has(name)) === true) {
    throw new RequestError('neighbour-name-taken', 'tls.names');
  }
}

/** Who covers what, by region. */
function knownCoverage(
  { region: own, coverage: ours, directory }: Pick<Config, 'region' | 'coverage' | 'directory'>,
  others: readonly BrokerMetadata[],
): Map<string, Coverage> {
  const all = new Map<string, { sub_icbs: string[]; organisations: string[] }>();
  const add = (region: string, { sub_icbs: subIcbs, organisations }: Coverage): void => {
    const known = all.get(region) ?? { sub_icbs: [], organisations: [] };
    all.set(region, {
      sub_icbs: [...known.sub_icbs, ...subIcbs],
      organisations: [...known.organisations, ...organisations],
    });
  };
  add(own, ours);
  for (const { id, sub_icbs: spans } of directory.regions) {
    add(id, { sub_icbs: spans.map(({ code }) => code), organisations: [] });
  }
  for (const { code, feeds } of directory.organisations) {
    for (const { region } of feeds) add(region, { sub_icbs: [], organisations: [code] });
  }
  for (const { region, coverage } of others) add(region, coverage);
  return all;
}
