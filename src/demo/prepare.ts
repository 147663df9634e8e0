import { join } from 'node:path';

import { FEDERATION } from '../../certs-dev/federation.ts';
import { generateFederation } from '../../certs-dev/generate.ts';
import { ensureStatement } from '../../certs-dev/statements.ts';
import { openStore, patientDigestOf } from '../broker.ts';
import { loadConfig } from '../config/load.ts';
import { storeSecrets } from '../config/secrets.ts';
import { mergeDemoData, type DemoData } from './demo-data.ts';
import { readBundles, spreadBundles, whoIsWhere } from './load-records.ts';
import { REGION_IDS, type RegionId } from './places.ts';
import { buildFifth, buildPopulation, buildStories } from './stories.ts';

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

/** The seven stories, patients of a region that may join, and a population around them; or, with a directory of FHIR bundles, those as well. */
export async function gatherData(
  bundles: string | undefined,
  now: Date,
): Promise<{ data: DemoData; whoIsWhere: string[] }> {
  const own = [buildStories(now), buildFifth(now).data, buildPopulation({ now })];
  if (bundles === undefined) return { data: mergeDemoData(...own), whoIsWhere: [] };
  const spread = await spreadBundles({ bundles: readBundles(bundles), now });
  return { data: mergeDemoData(...own, spread), whoIsWhere: whoIsWhere(spread) };
}

/** Puts what each region knows by itself into its broker's store: where patients were treated, who objected. */
export async function seedStores(
  data: DemoData,
  { configs }: Pick<Places, 'configs'>,
  regions: readonly RegionId[] = REGION_IDS,
): Promise<void> {
  for (const region of regions) {
    const config = loadConfig(join(configs, `${region}.yaml`));
    const digest = patientDigestOf(storeSecrets(config.secretsDirectory));
    const store = await openStore(config);
    await store.careLocations.record(
      data.careLocations[region].map(({ nhsNumber, organisation, firstSeen, lastSeen }) => ({
        patient: digest(nhsNumber),
        organisation,
        firstSeen: Date.parse(firstSeen),
        lastSeen: Date.parse(lastSeen),
        source: 'demo',
      })),
    );
    await store.objections.record(
      data.objections
        .filter((objection) => objection.region === region)
        .map(({ nhsNumber, kind, from }) => ({ patient: digest(nhsNumber), kind, from: Date.parse(from) })),
    );
    await store.close();
  }
}
