import type { NoticeParts } from './notice-parts.ts';

/**
 * The number was replaced by another: what is known under the old one, and what is to be told to nobody by it, holds under the
 * present one as well, by which others ask and tell.
 *
 * @throws HouseError `store-unavailable`
 */
export async function carryOver(
  { store, patientDigest, now }: Pick<NoticeParts, 'store' | 'patientDigest' | 'now'>,
  superseded: string,
  current: string,
): Promise<void> {
  const [before, patient] = [patientDigest(superseded), patientDigest(current)];
  // First what hides the patient.
  const inForce = await store.objections.inForce([before, patient], now());
  const here = inForce.filter((one) => one.patient === patient).map(({ kind }) => kind);
  const missing = inForce.filter((one) => one.patient === before && !here.includes(one.kind));
  if (missing.length > 0) await store.objections.record(missing.map((one) => ({ ...one, patient })));
  const known = await store.knownRegions.of([before]);
  if (known.length > 0) await store.knownRegions.record(known.map((one) => ({ ...one, patient })));
}
