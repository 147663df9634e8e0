import { openStore } from '../../src/broker.ts';
import type { RegionId } from '../../src/demo/places.ts';
import type { StoredAuditRow } from '../../src/store/contracts.ts';
import type { TestFederation } from '../support/federation.ts';

/** A region's audit as it lies on the disk, read beside the running broker. */
export async function auditRows(
  federation: TestFederation,
  region: RegionId,
  after = 0,
): Promise<StoredAuditRow[]> {
  const store = await openStore(federation.config(region));
  try {
    return await store.audit.page(after, 1000);
  } finally {
    await store.close();
  }
}

/** The sequence of the newest row, to see only what comes after it. */
export async function auditEnd(federation: TestFederation, region: RegionId): Promise<number> {
  return (await auditRows(federation, region)).at(-1)?.sequence ?? 0;
}

/** How often a refusal before proof was counted, by code. */
export async function refusalCounts(
  federation: TestFederation,
  region: RegionId,
): Promise<Record<string, number>> {
  const store = await openStore(federation.config(region));
  try {
    const counts: Record<string, number> = {};
    for (const { code, count } of await store.audit.counts(0, Date.now() + 86_400_000)) {
      counts[code] = (counts[code] ?? 0) + count;
    }
    return counts;
  } finally {
    await store.close();
  }
}
