import type { LogStore } from '../../store/contracts.ts';
import type { AuditTrail } from '../trail.ts';

const AT_ONCE = 500;

/**
 * Ends what a process that was killed had begun: each such exchange gets an entry that says that nobody knows how
 * far it came.
 *
 * @returns how many there were
 * @throws HouseError `audit-unavailable`
 */
export async function endInterrupted(origin: string, store: LogStore, trail: AuditTrail): Promise<number> {
  for (let ended = 0; ;) {
    const open = await store.openWork(origin, AT_ONCE);
    if (open.length === 0) return ended;
    await trail.interrupted(open.map(({ exchange }) => exchange));
    ended += open.length;
  }
}
