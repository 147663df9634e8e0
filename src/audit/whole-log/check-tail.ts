import { StartError } from '../../errors.ts';
import { verifyingKey } from '../../evidence/keys.ts';
import type { Store } from '../../store/contracts.ts';
import { SIGNATURE_TYPE, verifierKey } from '../../tlog/note-keys.ts';
import type { PublicJwk } from '../../trust/entity-statement.ts';
import type { AuditLog } from '../log.ts';
import { verifyLog } from './verify-log.ts';

/**
 * Verifies what was written since the last checkpoint that we signed, before anything is appended: what came before
 * has that signature, so this takes no longer for a longer log.
 *
 * @param logKeys those of our own statement: a checkpoint of before a rotation was signed by a former key
 * @throws StartError for a log that is broken: nothing is to be written on it
 */
export async function checkTail(
  log: AuditLog,
  store: Pick<Store, 'log' | 'checkpoints'>,
  logKeys: readonly PublicJwk[],
): Promise<void> {
  const { origin } = log;
  const latest = await store.checkpoints.latest(origin);
  const ours = await Promise.all(logKeys.map(verifyingKey));
  const keys = ours.map((key) => verifierKey(origin, SIGNATURE_TYPE.ed25519, key));
  // The index is not looked at here, so no digest is asked for.
  const settings = { log, store: store.log, checkpoints: store.checkpoints, keys, digest: () => '' };
  const { fault } = await verifyLog(settings, { from: latest?.size ?? 0 });
  if (fault === undefined) return;
  throw new StartError(
    `store: the log ${origin} is broken at entry ${fault.sequence} (${fault.kind}), and is not written on. ` +
      'Keep a copy as evidence, and see `wayleave audit verify`. To go on, run `wayleave audit seal`: it ends this ' +
      'log, with the break recorded, and begins its successor.',
  );
}
