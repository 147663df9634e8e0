import { everyStatement, statementsAtHand } from '../audit/proof/statement-history.ts';
import { byRegion, checkpointKeys } from '../audit/proof/statements.ts';
import type { VerifierKey } from '../tlog/note-keys.ts';
import type { OpenAudit } from './open-audit.ts';

/**
 * The keys that may sign a log's checkpoints and cosign them: ours and our neighbours', as the statements list them that
 * we ever relied on.
 */
export async function logKeysOf(
  { config, store }: Pick<OpenAudit, 'config' | 'store'>,
  origin: string,
): Promise<VerifierKey[]> {
  const { own: ours, others, history } = statementsAtHand(config, store.statements);
  const regions = byRegion(await everyStatement([ours, ...others], history));
  const own = regions.find(({ entity }) => entity === config.entity);
  return checkpointKeys(origin, own, regions);
}
