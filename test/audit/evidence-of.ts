import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import type { KeyObject } from 'node:crypto';

import { Checkpoints } from '../../src/audit/witnessing/checkpoints.ts';
import { exportEvidence, type Exported } from '../../src/audit/proof/evidence-export.ts';
import { formatEvidence, type EvidenceFile } from '../../src/audit/proof/evidence-file.ts';
import { AuditTrail } from '../../src/audit/trail.ts';
import { statementsAtHand } from '../../src/audit/proof/statement-history.ts';
import { verifyEvidence, type VerifyOptions } from '../../src/audit/proof/verify-file.ts';
import type { AuditLog } from '../../src/audit/log.ts';
import { auditLogIn, openStore, revocationsOf } from '../../src/broker.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { importSigner } from '../../src/evidence/keys.ts';
import type { Store } from '../../src/store/contracts.ts';
import type { TestFederation } from '../support/federation.ts';

export interface OpenLog {
  readonly store: Store;
  readonly log: AuditLog;
  readonly trail: AuditTrail;
  readonly checkpoints: Checkpoints;
  export(id: string): Promise<Exported>;
}

/** A region's log, opened beside its broker for as long as `action` takes. */
export async function withLog<Result>(
  federation: TestFederation,
  region: RegionId,
  action: (open: OpenLog) => Promise<Result>,
): Promise<Result> {
  const config = federation.config(region);
  const store = await openStore(config);
  try {
    const secrets = loadSecrets(config.secretsDirectory);
    const log = await auditLogIn(store, config, secrets);
    const { origin } = log;
    const key = await keyOf(federation, region, 'log');
    const own = { log: store.log, checkpoints: store.checkpoints, origin };
    const checkpoints = new Checkpoints({ ...own, key, now: Date.now });
    const settings = {
      ...{ log, checkpoints, store: store.log, checkpointStore: store.checkpoints, archive: store.archive },
      statements: statementsAtHand(config, store.statements),
      decisions: await revocationsOf(config, secrets, store),
    };
    return await action({
      ...{ store, log, checkpoints, trail: new AuditTrail(log, store.log, Date.now) },
      export: async (id) => {
        const exported = await exportEvidence(id, settings);
        if (exported === undefined) throw new Error(`${region} has no ${id}`);
        return exported;
      },
    });
  } finally {
    await store.close();
  }
}

/** A region's own private key, to make what only that region can make. */
export async function keyOf(
  federation: TestFederation,
  region: RegionId,
  name: 'log' | 'witness' | 'message',
): Promise<KeyObject> {
  const file = join(federation.directory, 'keys', region, 'private', `${name}.jwk.json`);
  return (await importSigner(JSON.parse(readFileSync(file, 'utf8')) as object)).key;
}

/** The checks that failed, each once, and in the order of the steps. */
export async function failures(file: EvidenceFile | Buffer, options?: VerifyOptions): Promise<string[]> {
  const bytes = 'statements' in file ? Buffer.from(formatEvidence(file)) : file;
  const { steps, holds } = await verifyEvidence(bytes, options);
  const wrong = [...new Set(steps.filter(({ result }) => result === 'failed').map(({ check }) => check))];
  if (holds !== (wrong.length === 0)) throw new Error('the verdict is not that of its steps');
  return wrong;
}
