import type { Config, PinnedNeighbour } from '../config/load.ts';
import type { Log } from '../log.ts';
import type { Neighbours } from '../trust/neighbours.ts';
import type { TlsIdentity } from '../trust/tls.ts';
import { NeighbourLink } from '../upstream/neighbour-link.ts';
import { WitnessLink } from '../upstream/witness-link.ts';

/** What every link of ours is made with. */
export interface LinkParts {
  readonly neighbours: Neighbours;
  readonly own: () => TlsIdentity;
  readonly marginMs: number;
  readonly log: Log;
  readonly now: () => number;
}

/** The way to each neighbour, by region, for the broker and for the commands that ask neighbours. */
export function linksTo(
  { neighbours: configured, budgets }: Pick<Config, 'neighbours' | 'budgets'>,
  neighbours: Neighbours,
  own: () => TlsIdentity,
  log: Log,
  now: () => number,
): Map<string, NeighbourLink> {
  const links = new Map<string, NeighbourLink>();
  renewLinks(links, configured, { neighbours, own, marginMs: budgets.margin_ms, log, now });
  return links;
}

/**
 * Makes the links fit the neighbours, and us, as they are now. The link of one that is trusted no more stays, without a
 * connection: a region that is left out of an answer would look as if there was nothing to ask.
 */
export function renewLinks(
  links: Map<string, NeighbourLink>,
  trusted: readonly PinnedNeighbour[],
  { neighbours, own, marginMs, log, now }: LinkParts,
): void {
  for (const { region, breaker, timeout_ms: timeoutMs, connect_ms: connectMs } of trusted) {
    const neighbour = neighbours.byRegion(region);
    const known = links.get(region);
    if (known !== undefined) known.renew();
    else if (neighbour !== undefined) {
      const settings = { own, breaker, timeoutMs, connectMs, marginMs };
      links.set(region, new NeighbourLink(neighbour, neighbours, settings, log, now));
    }
  }
}

/**
 * The neighbours as witnesses: those that are trusted. We are our own neighbour for our other records, and no witness of
 * ourselves.
 */
export function witnessesAmong(
  links: ReadonlyMap<string, NeighbourLink>,
  { region }: Pick<Config, 'region'>,
): WitnessLink[] {
  return [...links.values()]
    .filter(({ neighbour }) => neighbour.region !== region && neighbour.decided?.revoked !== true)
    .map((link) => new WitnessLink(link));
}
