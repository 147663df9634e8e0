import type { Agreement, NeighbourConfig } from './schema.ts';

export { ACCESS_REPORT } from './agreement-form.ts';

/** The sharing agreement with a region, if it is in force at `at` (milliseconds since the epoch). */
export function agreementInForce(
  neighbours: readonly Pick<NeighbourConfig, 'region' | 'agreement'>[],
  region: string,
  at: number,
): Agreement | undefined {
  const agreement = neighbours.find((neighbour) => neighbour.region === region)?.agreement;
  return agreement !== undefined && isInForce(agreement, at) ? agreement : undefined;
}

/** True on the days from `from` to `until`, both included. */
export function isInForce(agreement: Pick<Agreement, 'from' | 'until'>, at: number): boolean {
  const day = new Date(at).toISOString().slice(0, 10);
  return agreement.from <= day && day <= (agreement.until ?? '9999-12-31');
}
