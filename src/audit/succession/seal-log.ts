import type { Store } from '../../store/contracts.ts';
import type { VerifierKey } from '../../tlog/note-keys.ts';
import type { AuditLog } from '../log.ts';
import { verifyLog, type LogVerdict, type Progress } from '../whole-log/verify-log.ts';
import type { Checkpoints } from '../witnessing/checkpoints.ts';
import { newSuccessor } from './chain.ts';
import { successionOf, type Decision } from './succession.ts';

export interface SealSettings {
  readonly store: Pick<Store, 'log' | 'checkpoints'>;
  /** The log that is to end: the one that is written now. */
  readonly log: AuditLog;
  /** As the statement lists it. */
  readonly listed: string;
  readonly keys: readonly VerifierKey[];
  /** Of the log that ends: signs its last head, if the log is whole. */
  readonly checkpoints: Checkpoints;
  readonly decision: Decision;
  /** End it though nothing is wrong with it. */
  readonly whole: boolean;
  readonly now: () => number;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export type Sealed =
  | { readonly outcome: 'sealed'; readonly next: string; readonly verdict: LogVerdict }
  /** Nothing was done: nothing is wrong with it; another was quicker. */
  | { readonly outcome: 'is-whole' | 'was-sealed'; readonly verdict: LogVerdict };

/**
 * Ends the log of a replica that cannot be continued, and begins another: what is broken is in the first entry of
 * that. A broker that runs on the log releases nothing from then on until it goes on with the new one.
 *
 * @throws HouseError `audit-unavailable`, of the store
 */
export async function sealLog(settings: SealSettings): Promise<Sealed> {
  const { store, log, listed, keys, checkpoints, decision, whole, now, onProgress } = settings;
  const looked = { log, store: store.log, checkpoints: store.checkpoints, keys, digest: () => '' };
  const verdict = await verifyLog(looked, { onProgress });
  if (verdict.fault === undefined && !whole) return { outcome: 'is-whole', verdict };
  const known = await store.log.logs();
  const next = newSuccessor(listed, [log.origin, ...known.map((one) => one.log)]);
  const words = {
    ...({ why: 'sealed', fault: verdict.fault, highest: undefined } as const),
    checkpoint: await store.checkpoints.latest(log.origin, verdict.checkpointed),
  };
  const done = await store.log.succeed(successionOf(log, next, words, decision, now()));
  if (!done) return { outcome: 'was-sealed', verdict };
  // Now that it cannot grow: so that what came after the last checkpoint can be proved, too.
  if (verdict.fault === undefined) await checkpoints.sign();
  return { outcome: 'sealed', next, verdict };
}
