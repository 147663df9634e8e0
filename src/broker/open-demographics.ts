import type { Config } from '../config/load.ts';
import type { StoreSecrets } from '../config/secrets.ts';
import type { Log } from '../log.ts';
import { ToldRestrictions } from '../routing/told-restrictions.ts';
import type { Store } from '../store/contracts.ts';
import { Demographics } from '../upstream/demographics.ts';
import { patientDigestOf } from './stores.ts';

/** Demographics as a region asks them, with whom they told as restricted in its store: for the broker and for commands. */
export function openDemographics(
  { demographics }: Pick<Config, 'demographics'>,
  secrets: StoreSecrets,
  store: Pick<Store, 'toldRestrictions'>,
  log: Log,
  now: () => number = Date.now,
): Demographics {
  const patientDigest = patientDigestOf(secrets);
  const restrictions = new ToldRestrictions({ store: store.toldRestrictions, patientDigest, log, now });
  return new Demographics(demographics, restrictions, log, now);
}
