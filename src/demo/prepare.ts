import { join } from 'node:path';

import { FEDERATION } from '../../certs-dev/federation.ts';
import { generateFederation } from '../../certs-dev/generate.ts';
import { ensureStatement } from '../../certs-dev/statements.ts';
import { openQueueing, openStore, patientDigestOf } from '../broker.ts';
import { loadConfig, type Config } from '../config/load.ts';
import { storeSecrets } from '../config/secrets.ts';
import { PatientNumberSeal } from '../evidence/patient-number-seal.ts';
import type { Store } from '../store/contracts.ts';
import { mergeDemoData, type DemoData } from './demo-data.ts';
import { readBundles, spreadBundles, whoIsWhere } from './load-records.ts';
import { REGION_IDS, type RegionId } from './places.ts';
import { buildFifth, buildMoves, buildPopulation, buildStories } from './stories.ts';

export interface Places {
  /** Where the configuration files are. */
  readonly configs: string;
  /** Where the development keys are, or will be. */
  readonly keys: string;
}

/** Sees to it that every region has its development keys and a statement that says what its configuration says. */
export async function prepareKeys({ configs, keys }: Places, now: Date): Promise<string[]> {
  const reports = await generateFederation({ directory: keys, ...FEDERATION, now });
  await Promise.all(
    FEDERATION.regions.map(({ id }) =>
      ensureStatement(join(configs, `${id}.yaml`), join(keys, id), now.getTime()),
    ),
  );
  return reports.filter((report) => report.madeBecause !== undefined).map((report) => report.region);
}

/** The seven stories, patients whom regions tell each other of, patients of a region that may join, and a population around them; or, with a directory of FHIR bundles, those as well. */
export async function gatherData(
  bundles: string | undefined,
  now: Date,
): Promise<{ data: DemoData; whoIsWhere: string[] }> {
  const own = [buildStories(now), buildFifth(now).data, buildMoves(now), buildPopulation({ now })];
  if (bundles === undefined) return { data: mergeDemoData(...own), whoIsWhere: [] };
  const spread = await spreadBundles({ bundles: readBundles(bundles), now });
  return { data: mergeDemoData(...own, spread), whoIsWhere: whoIsWhere(spread) };
}

/**
 * Puts what each region knows by itself into its broker's store: where patients were treated, who is and was registered,
 * who objected. Brokers tell each other of it when they run.
 */
export async function seedStores(
  data: DemoData,
  { configs }: Pick<Places, 'configs'>,
  regions: readonly RegionId[] = REGION_IDS,
): Promise<void> {
  for (const region of regions) {
    const config = loadConfig(join(configs, `${region}.yaml`));
    const store = await openStore(config);
    try {
      await seed(store, config, data, region);
    } finally {
      await store.close();
    }
  }
}

async function seed(store: Store, config: Config, data: DemoData, region: RegionId): Promise<void> {
  const secrets = storeSecrets(config.secretsDirectory);
  const digest = patientDigestOf(secrets);
  const numbers = new PatientNumberSeal(secrets.patientDigestKey);
  const seen = data.careLocations[region].map(({ nhsNumber, organisation, firstSeen, lastSeen }) => ({
    ...{ nhsNumber, patient: digest(nhsNumber), organisation, source: 'demo' },
    ...{ firstSeen: Date.parse(firstSeen), lastSeen: Date.parse(lastSeen) },
  }));
  await store.careLocations.record(seen.map(({ nhsNumber: _number, ...location }) => location));
  const registered = (data.registers?.[region] ?? []).map(({ nhsNumber, practice, from, until }) => ({
    ...{ patient: digest(nhsNumber), sealedNumber: numbers.seal(nhsNumber, digest(nhsNumber)), practice },
    ...{ from: Date.parse(from), until: until === undefined ? undefined : Date.parse(until) },
  }));
  if (registered.length > 0) await store.register.record(registered, { at: Date.now() });
  await store.objections.record(
    data.objections
      .filter((objection) => objection.region === region)
      .map(({ nhsNumber, kind, from }) => ({ patient: digest(nhsNumber), kind, from: Date.parse(from) })),
  );
  await (
    await openQueueing(config, store, secrets)
  )(seen);
}
