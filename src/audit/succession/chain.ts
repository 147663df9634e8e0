import type { StoredLog } from '../../store/contracts.ts';
import { placeAmong, successorOrigin } from '../../tlog/origin.ts';

/**
 * The logs of one replica, oldest first: the one that the statement lists, and those that followed it. The last is
 * the one that is written.
 *
 * @param logs as the store has them
 */
export function chainOf(logs: readonly StoredLog[], listed: string): [string, ...string[]] {
  const chain: [string, ...string[]] = [listed];
  for (let next = nextOf(logs, listed); next !== undefined; next = nextOf(logs, next)) chain.push(next);
  return chain;
}

/** The log that a replica writes now. */
export function currentOf(logs: readonly StoredLog[], listed: string): string {
  return chainOf(logs, listed).at(-1) ?? listed;
}

function nextOf(logs: readonly StoredLog[], origin: string): string | undefined {
  return logs.find(({ log }) => log === origin)?.end?.next;
}

/**
 * A successor that nobody has seen yet.
 *
 * @param seen origins of logs that the store has or neighbours know: a name is never used for two logs
 */
export function newSuccessor(listed: string, seen: readonly string[]): string {
  const numbers = seen.map((origin) => placeAmong(origin, [listed])?.number ?? 1);
  return successorOrigin(listed, Math.max(1, ...numbers) + 1);
}
