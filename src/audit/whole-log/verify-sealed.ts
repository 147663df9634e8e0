import type { StoredEntry } from '../../store/contracts.ts';
import type { AuditLog } from '../log.ts';
import { LogBroken } from './log-fault.ts';

/**
 * Opens what is sealed of an entry, and holds the index that finds it against what it says.
 *
 * @returns whether its values are there: `none` where it never had any
 * @throws LogBroken `sealed`, `index`
 */
export function checkSealed(
  entry: StoredEntry,
  log: AuditLog,
  digest: (value: string) => string,
): 'opened' | 'erased' | 'none' {
  const { sequence, sealed, index } = entry;
  const { leaf, opened } = log.read(entry);
  if (sealed !== undefined && opened === undefined) {
    const says = `entry ${sequence}: what is sealed does not open with these secrets, or is not what the leaf commits to`;
    throw new LogBroken('sealed', sequence, says);
  }
  const isOurs = (name: 'nhs_number' | 'user', kept: string | undefined): boolean =>
    opened === undefined || kept === (opened[name] && digest(opened[name].value));
  const fits =
    index.region === leaf.region &&
    index.jti === leaf.jti &&
    index.organisation === leaf.organisation &&
    index.outcome === leaf.outcome &&
    (index.breakGlass ?? false) === (leaf.break_glass ?? false) &&
    isOurs('nhs_number', index.patient) &&
    isOurs('user', index.user);
  if (!fits) {
    throw new LogBroken('index', sequence, `entry ${sequence}: it would be found by what it does not say`);
  }
  if (opened !== undefined) return 'opened';
  return leaf.sealed === undefined ? 'none' : 'erased';
}
