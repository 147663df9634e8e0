import { RateLimiterMemory } from 'rate-limiter-flexible';

import { RequestError } from '../errors.ts';

/**
 * Requests a second for each caller, by a name that it has proved: an allowance is made when a caller is first seen.
 *
 * @returns spends one request of a caller's. @throws RequestError `throttled` when nothing is left for this second
 */
export function allowances(perSecond: (caller: string) => number): (caller: string) => Promise<void> {
  const known = new Map<string, RateLimiterMemory>();
  return async (caller) => {
    let allowance = known.get(caller);
    if (allowance === undefined) {
      known.set(caller, (allowance = new RateLimiterMemory({ points: perSecond(caller), duration: 1 })));
    }
    try {
      await allowance.consume(caller);
    } catch {
      throw new RequestError('throttled');
    }
  };
}
