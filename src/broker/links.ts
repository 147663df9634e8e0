import type { Config } from '../config/load.ts';
import type { Log } from '../log.ts';
import type { Neighbours } from '../trust/neighbours.ts';
import type { TlsIdentity } from '../trust/tls.ts';
import { NeighbourLink } from '../upstream/neighbour-link.ts';
import { WitnessLink } from '../upstream/witness-link.ts';

/** The way to each neighbour, by region, for the broker and for the commands that ask neighbours. */
export function linksTo(
  config: Config,
  neighbours: Neighbours,
  own: TlsIdentity,
  log: Log,
  now: () => number,
): ReadonlyMap<string, NeighbourLink> {
  return new Map(
    config.neighbours.flatMap(({ region, breaker, timeout_ms: timeoutMs }) => {
      const neighbour = neighbours.all().find((one) => one.region === region);
      if (neighbour === undefined) return [];
      const settings = { own, breaker, timeoutMs, marginMs: config.budgets.margin_ms };
      return [[region, new NeighbourLink(neighbour, neighbours, settings, log, now)] as const];
    }),
  );
}

/** The neighbours as witnesses. We are our own neighbour for our other records, and no witness of ourselves. */
export function witnessesAmong(
  links: ReadonlyMap<string, NeighbourLink>,
  { region }: Pick<Config, 'region'>,
): WitnessLink[] {
  return [...links.values()]
    .filter(({ neighbour }) => neighbour.region !== region)
    .map((link) => new WitnessLink(link));
}
