import { openStore } from '../../src/broker.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { readAudit, type AuditRow } from '../support/audit.ts';
import type { TestFederation } from '../support/federation.ts';

/** A region's audit as it lies on the disk, read beside the running broker. @param from the first sequence */
export function auditRows(federation: TestFederation, region: RegionId, from = 0): Promise<AuditRow[]> {
  return readAudit(federation.config(region), from);
}

/** The sequence that the next entry will have, to see only what comes from there on. */
export async function auditEnd(federation: TestFederation, region: RegionId): Promise<number> {
  return ((await auditRows(federation, region)).at(-1)?.sequence ?? -1) + 1;
}

/** How often a refusal before proof was counted, by code. */
export async function refusalCounts(
  federation: TestFederation,
  region: RegionId,
): Promise<Record<string, number>> {
  const store = await openStore(federation.config(region));
  try {
    const counts: Record<string, number> = {};
    for (const { code, count } of await store.log.counts(0, Date.now() + 86_400_000)) {
      counts[code] = (counts[code] ?? 0) + count;
    }
    return counts;
  } finally {
    await store.close();
  }
}
