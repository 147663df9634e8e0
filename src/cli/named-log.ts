import { CommandFailed } from './io.ts';
import type { OpenAudit } from './open-audit.ts';

/** Origins of the store's logs, and of the one that is written now. */
export async function originsIn({ store, log }: Pick<OpenAudit, 'store' | 'log'>): Promise<Set<string>> {
  return new Set([...(await store.log.logs()).map((one) => one.log), log.origin]);
}

/** The log that `--log` names, or the one that is written now. @throws CommandFailed where the store has none such */
export async function namedLog(
  audit: Pick<OpenAudit, 'store' | 'log'>,
  named: string | undefined,
): Promise<string> {
  if (named === undefined) return audit.log.origin;
  const all = await originsIn(audit);
  if (all.has(named)) return named;
  throw new CommandFailed(`--log ${named} is not in the store: write one of ${[...all].join(', ')}.`, 2);
}
