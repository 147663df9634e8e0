import type { LogStore, TreeHead } from '../../store/contracts.ts';
import { leafOf } from '../entry.ts';
import type { Began } from '../succession/succession.ts';
import { LogBroken, type LogFault } from './log-fault.ts';

/**
 * What the successor of a log says of it; undefined for a log that was not ended.
 *
 * @throws LogBroken `end` where a log was ended and its successor does not say so
 */
export async function endOf(origin: string, store: LogStore): Promise<Began | undefined> {
  const end = (await store.logs()).find(({ log }) => log === origin)?.end;
  if (end === undefined) return undefined;
  const [first] = await store.entries(end.next, 0, 1);
  const leaf = first === undefined ? undefined : leafOf(first);
  const said = leaf?.event === 'log-began' ? (leaf.detail as Began | undefined) : undefined;
  if (said?.after === origin) return said;
  throw new LogBroken('end', 0, `the log was ended, and ${end.next} does not begin with that`);
}

/** Holds a log's head against what its successor begins with. @throws LogBroken `end` */
export async function checkEnd(origin: string, head: TreeHead, store: LogStore): Promise<void> {
  const said = await endOf(origin, store);
  if (said?.size === undefined || said.root === undefined) return;
  const isIt = said.size === head.size && Buffer.from(said.root, 'base64').equals(Buffer.from(head.root));
  if (isIt) return;
  const at = Math.max(Math.min(said.size, head.size) - 1, 0);
  throw new LogBroken(
    'end',
    at,
    `the log ended with ${said.size} entries, and its successor tells another head`,
  );
}

/** Whether a fault is the one that the log was ended for, as its successor's first entry has it. */
export async function wasRecorded(origin: string, fault: LogFault, store: LogStore): Promise<boolean> {
  try {
    const recorded = (await endOf(origin, store))?.fault;
    return recorded?.kind === fault.kind && recorded.sequence === fault.sequence;
  } catch (error) {
    if (error instanceof LogBroken) return false;
    throw error;
  }
}
