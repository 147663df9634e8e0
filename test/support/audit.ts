import { auditLogIn, openStore } from '../../src/broker.ts';
import type { Leaf } from '../../src/audit/entry.ts';
import type { ReadEntry } from '../../src/audit/log.ts';
import type { Config } from '../../src/config/load.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import type { Store } from '../../src/store/contracts.ts';

/** An entry as a test looks at it: what the leaf says, and the values that it commits to. */
export type AuditRow = Omit<Leaf, 'seq' | 'sealed'> & {
  readonly sequence: number;
  readonly values: Readonly<Record<string, string>>;
};

/** Everything in a region's log from `from` on (at most 10,000 entries), read beside the running broker. */
export async function readAudit(config: Config, from = 0): Promise<AuditRow[]> {
  const store = await openStore(config);
  try {
    return await readLog(store, config, from);
  } finally {
    await store.close();
  }
}

export async function readLog(store: Store, config: Config, from = 0): Promise<AuditRow[]> {
  const log = await auditLogIn(store, config, loadSecrets(config.secretsDirectory));
  return (await log.page(from, 10_000)).map(toRow);
}

function toRow({ sequence, leaf, opened = {} }: ReadEntry): AuditRow {
  const { seq: _seq, sealed: _sealed, ...said } = leaf;
  const values = Object.fromEntries(Object.entries(opened).map(([name, { value }]) => [name, value]));
  return { ...said, sequence, values };
}
