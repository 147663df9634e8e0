import { resolve } from 'node:path';

import { AccessTrail } from '../audit/access-trail.ts';
import type { AuditLog } from '../audit/log.ts';
import { AuditTrail } from '../audit/trail.ts';
import { auditLogIn, BACKUP_FILES, openStore, patientDigestOf, trustedConfig } from '../broker.ts';
import type { Config } from '../config/load.ts';
import { openSecrets } from '../config/open-secrets.ts';
import type { Secrets } from '../config/secrets.ts';
import type { Store } from '../store/contracts.ts';
import { adminName } from './admin-name.ts';
import { regionConfig, type RegionOptions } from './region-config.ts';

/** A region's log as a command works on it, beside a broker that may be running. */
export interface OpenAudit {
  /** With the neighbours as they stand now. */
  readonly config: Config;
  readonly store: Store;
  readonly log: AuditLog;
  readonly trail: AuditTrail;
  readonly accessTrail: AccessTrail;
  readonly secrets: Secrets;
  readonly digest: (value: string) => string;
}

/**
 * Gives an action the log of `--region` or `--config`, and closes it when the action ends.
 *
 * @param options `backup`: that file in the place of the store, only to be read
 */
export async function withAudit<Result>(
  options: RegionOptions & { readonly backup?: string },
  action: (audit: OpenAudit) => Promise<Result>,
): Promise<Result> {
  const file = regionConfig(options);
  const secrets = await openSecrets(file);
  const { backup } = options;
  const store = backup === undefined ? await openStore(file) : BACKUP_FILES.openStore(resolve(backup));
  try {
    const config = await trustedConfig(file, secrets, store);
    const log = await auditLogIn(store, config, secrets);
    const trail = new AuditTrail(log, store.log, Date.now, adminName());
    const accessTrail = new AccessTrail(log);
    const digest = patientDigestOf(secrets);
    return await action({ config, secrets, store, log, trail, accessTrail, digest });
  } finally {
    await store.close();
  }
}
