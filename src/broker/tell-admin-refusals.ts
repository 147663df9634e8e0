import type { RefusedAdmin } from '../admin/admin-door.ts';
import type { AuditTrail } from '../audit/trail.ts';
import { errorFields, type Log } from '../log.ts';

const MINUTE = 60_000;

/**
 * Writes to the log which known admin was refused, and what they asked for: one entry for each admin and code in a minute,
 * so that none of them fills the log. All are counted beside it.
 *
 * @param trail of the log that is written now; undefined while nothing is served
 * @returns resolves when the entry is on the disk; never rejects, since who is refused stays so
 */
export function tellAdminRefusals(
  trail: () => AuditTrail | undefined,
  log: Log,
  now: () => number,
): (refused: RefusedAdmin) => Promise<void> {
  /** By admin and code: the minute that it was last told in. */
  const told = new Map<string, number>();
  return async (refused) => {
    const minute = Math.floor(now() / MINUTE);
    const key = JSON.stringify([refused.admin, refused.code]);
    if (told.get(key) === minute) return;
    told.set(key, minute);
    try {
      await trail()?.adminRefused(refused);
    } catch (error) {
      log.error({ listener: 'admin_api', ...errorFields(error) }, 'refused admin not told in the log');
    }
  };
}
