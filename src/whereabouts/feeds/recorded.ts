import { randomUUID } from 'node:crypto';

import type { CareLocationTrail } from '../../audit/care-location-trail.ts';
import type { OnSeen } from '../../routing/seen-patients.ts';
import type { CareLocationStore } from '../../store/contracts.ts';

/** What every feed stands on. */
export interface Feeding {
  readonly store: Pick<CareLocationStore, 'record'>;
  readonly audit: Pick<CareLocationTrail, 'received'>;
  readonly patientDigest: (nhsNumber: string) => string;
  readonly onSeen?: OnSeen | undefined;
  readonly now: () => number;
}

/** That one patient was seen at some organisations. */
export interface Seen {
  readonly nhsNumber: string;
  readonly organisations: readonly string[];
  readonly firstSeen: number;
  readonly lastSeen: number;
}

/**
 * Puts what a feed brought into the index, tells whom it is about, and writes down that it came: all durable when this
 * resolves, and none of it harmful when it comes once more.
 *
 * @param source the platform's or the record's id
 * @throws HouseError `store-unavailable`, `audit-unavailable`; whatever `onSeen` throws
 */
export async function keepSeen(
  seen: readonly Seen[],
  refused: number,
  source: string,
  { store, audit, patientDigest, onSeen }: Feeding,
): Promise<void> {
  const locations = seen.flatMap(({ nhsNumber, organisations, firstSeen, lastSeen }) => {
    const patient = patientDigest(nhsNumber);
    return organisations.map((organisation) => ({
      patient,
      organisation,
      source,
      firstSeen,
      lastSeen,
      nhsNumber,
    }));
  });
  if (locations.length > 0) await store.record(locations);
  if (locations.length > 0) {
    await onSeen?.(
      locations.map(({ nhsNumber, patient, organisation, lastSeen }) => ({
        ...{ nhsNumber, patient, organisation, lastSeen },
      })),
    );
  }
  if (seen.length + refused > 0) await audit.received(randomUUID(), seen.length, { source, refused });
}
