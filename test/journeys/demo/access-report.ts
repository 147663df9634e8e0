import assert from 'node:assert/strict';

import type { Access } from '../../../src/audit/questions/access.ts';
import type { RollCall, SeenAccess } from '../../../src/audit/questions/all-regions.ts';
import { gatherReport } from '../../../src/audit/questions/patient-report.ts';
import { auditLogIn, openStore, patientDigestOf } from '../../../src/broker.ts';
import { regionConfig } from '../../../src/cli/region-config.ts';
import { loadSecrets } from '../../../src/config/secrets.ts';
import { REGION_IDS, type RegionId } from '../../../src/demo/places.ts';
import { wayleaveGiven } from '../../support/command.ts';
import { DemoViewer, type RunningDemo } from '../../support/running-demo.ts';

/** Registered in Harlow. */
const PATIENT = '9990000018';
const HOME: RegionId = 'herts-west-essex';
/** Looks that are made here, beside whatever else the demo's day has seen of the patient. */
const LOOKS: Readonly<Record<RegionId, number>> = {
  'herts-west-essex': 2,
  london: 3,
  'essex-suffolk': 1,
  'west-midlands': 2,
};

interface Report {
  readonly accesses: readonly SeenAccess[];
  readonly regions: RollCall;
}

/** The patient's report over all regions, held against what each region's own log says. */
export function accessReport(demo: () => RunningDemo): void {
  describe("the patient's report over four regions", () => {
    let since: string;
    before(async () => {
      since = new Date().toISOString();
      for (const region of REGION_IDS) {
        const viewer = new DemoViewer(region);
        for (let nth = 0; nth < LOOKS[region]; nth += 1)
          await viewer.ask(PATIENT, `/fhir/Condition?patient=${PATIENT}`);
      }
    });

    it('names every access of the day, each once, whoever made it and wherever it is kept', async () => {
      const { accesses, regions } = await reported(0);
      assert.deepEqual(
        regions.map(({ region, outcome }) => [region, outcome]).sort(),
        REGION_IDS.map((region) => [region, region === HOME ? 'home' : 'answered']).sort(),
      );
      const kept = await Promise.all(
        REGION_IDS.map(async (region) => [region, await keptIn(region)] as const),
      );
      const looks = kept.flatMap(([region, all]) =>
        all.filter(({ askedBy }) => askedBy === 'us').map((access) => nameOf(region, access)),
      );
      const told = accesses.filter(({ askedBy }) => askedBy === 'us');
      assert.deepEqual(told.map((access) => nameOf(access.where, access)).sort(), looks.sort());
      assert.equal(new Set(looks).size, looks.length);

      // What we gave is the other end of one of these lines, or a line by itself; never both, and never lost.
      const ours = kept.find(([region]) => region === HOME)?.[1] ?? [];
      const given = ours.filter(({ askedBy }) => askedBy === 'neighbour').map(({ exchange }) => exchange);
      const joined = accesses.flatMap((access) => access.ours.map(({ exchange }) => exchange));
      const alone = accesses.filter(({ askedBy }) => askedBy === 'neighbour').map(({ exchange }) => exchange);
      assert.deepEqual([...joined, ...alone].sort(), given.sort());
      assert.ok(joined.length > 0);
    });

    it('of the time asked for it has the looks that were made in it', async () => {
      const { accesses } = await reported(0, '--from', since);
      const made = Object.fromEntries(
        REGION_IDS.map((region) => [region, accesses.filter(({ where }) => where === region).length]),
      );
      assert.deepEqual(made, LOOKS);
    });

    it('says which region is not reached, and has the rest', async () => {
      demo().signal('london', 'broker', 'SIGSTOP');
      try {
        const { accesses, regions } = await reported(3, '--from', since);
        const london = regions.find(({ region }) => region === 'london');
        assert.deepEqual([london?.outcome, london?.reason], ['not-reached', 'timeout']);
        // Our own end of London's looks is here all the same.
        assert.equal(accesses.filter(({ where }) => where === HOME).length, LOOKS[HOME] + LOOKS['london']);
        assert.equal(
          accesses.filter(({ where }) => where === 'west-midlands').length,
          LOOKS['west-midlands'],
        );
      } finally {
        demo().signal('london', 'broker', 'SIGCONT');
      }
    });
  });
}

async function reported(code: number, ...words: string[]): Promise<Report> {
  const ran = await wayleaveGiven(
    `${PATIENT}\n`,
    ...['audit', 'report', '--patient', '-', '--region', HOME, '--all-regions', '--json'],
    ...['--user', 'https://fhir.nhs.uk/Id/sds-user-id|100000000001', '--role', 'R0001'],
    ...['--organisation', 'RQW', ...words],
  );
  assert.equal(ran.code, code, ran.err);
  return JSON.parse(ran.out) as Report;
}

/** What a region's own log says, read beside its broker. */
async function keptIn(region: RegionId): Promise<readonly Access[]> {
  const config = regionConfig({ region });
  const secrets = loadSecrets(config.secretsDirectory);
  const store = await openStore(config);
  try {
    const log = await auditLogIn(store, config, secrets);
    const sources = {
      store: store.log,
      archive: store.archive,
      log,
      digest: patientDigestOf(secrets),
      region,
    };
    const question = { nhsNumber: PATIENT, also: [], from: 0, to: Date.now() };
    return (await gatherReport(question, sources)).accesses;
  } finally {
    await store.close();
  }
}

/** The same look as its own region and as the report name it. */
function nameOf(region: string, { at, sent }: Access): string {
  return `${region} ${at} ${sent.toSorted().join(' ')}`;
}
