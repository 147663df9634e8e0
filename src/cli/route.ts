import { Command } from 'commander';
import { randomUUID } from 'node:crypto';

import type { AuditLog } from '../audit/log.ts';
import { instantOf } from '../audit/questions/search.ts';
import { RouteTrail } from '../audit/route-trail.ts';
import {
  auditLogIn,
  importedIn,
  openDemographics,
  openStore,
  patientDigestOf,
  trustedConfig,
} from '../broker.ts';
import { agreementInForce } from '../config/agreements.ts';
import type { Config } from '../config/load.ts';
import { storeSecrets, type StoreSecrets } from '../config/secrets.ts';
import { startDeadline } from '../deadline.ts';
import { createLog } from '../log.ts';
import { Directory } from '../routing/directory.ts';
import { planRoute } from '../routing/plan.ts';
import { gatherFacts, type PlanFor } from '../routing/plan-for.ts';
import { readHome } from '../routing/read-home.ts';
import { toldRegions } from '../routing/told-regions.ts';
import type { Store } from '../store/contracts.ts';
import { adminName } from './admin-name.ts';
import { assertOpen } from './assert-open.ts';
import { CommandFailed, type Io } from './io.ts';
import { FROM_INPUT, patientOf } from './patient-argument.ts';
import { regionConfig, type RegionOptions } from './region-config.ts';
import { routeLines, toldRegistration, type ExplainedRoute } from './route-lines.ts';
import { odsCode, PRACTICE_OPTION } from './viewer-tokens.ts';

/** What has no dates to be looked up by. */
const AS_OF_NOW = ['registration', 'register', 'care-locations', 'notices'];

interface RouteOptions extends RegionOptions {
  readonly from?: string;
  readonly at?: string;
  readonly viewer?: string;
  readonly practice?: string;
  readonly json?: true;
}

export function routeCommand(io: Io): Command {
  return new Command('route')
    .description(
      'Say which regions would be asked about a patient, and why. Nobody is asked but demographics. Kept in the log itself.',
    )
    .argument('<nhs-number>', `whose route; ${FROM_INPUT}`)
    .option('--region <region>', 'from where')
    .option('--from <region>', 'the same as --region')
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--at <time>', 'with directory and agreements as of a day or an instant (2026-04-01)')
    .option('--viewer <id>', "for which viewer (default: the region's first)")
    .option(...PRACTICE_OPTION)
    .option('--json', 'print the plan, and what it stands on, as JSON')
    .action(async (patient: string, options: RouteOptions) => {
      const nhsNumber = await patientOf(patient, io);
      const at = timeOf(options.at);
      const stated = options.practice === undefined ? undefined : odsCode(options.practice);
      const config = regionConfig({ ...options, ...regionOf(options) });
      const viewer = config.viewers.find(({ id }) => options.viewer === undefined || id === options.viewer);
      if (viewer === undefined) {
        const known = config.viewers.map(({ id }) => id).join(', ');
        throw new CommandFailed(`--viewer ${options.viewer} is not registered: write one of ${known}.`, 2);
      }
      const asker = { nhsNumber, shownByViewer: viewer.own_records, stated };
      const route = await routeOf(config, viewer.id, asker, at);
      if (options.json) return io.print(JSON.stringify(route));
      for (const line of routeLines(route)) io.print(line);
    });
}

function regionOf({ region, from }: RouteOptions): { region?: string } {
  if (region !== undefined && from !== undefined && region !== from) {
    throw new CommandFailed('--region and --from name two regions: write one of them.', 2);
  }
  const one = region ?? from;
  return one === undefined ? {} : { region: one };
}

function timeOf(text: string | undefined): number | undefined {
  const at = text === undefined ? undefined : instantOf(text, false);
  if (text === undefined || at !== undefined) return at;
  throw new CommandFailed(
    '--at is no time: write a day (2026-04-01) or an instant (2026-04-01T10:00:00Z).',
    2,
  );
}

/** The plan, which is in the patient's log when it is given: what it shows is told of a patient. */
async function routeOf(
  file: Config,
  viewer: string,
  asker: PlanFor,
  at: number | undefined,
): Promise<ExplainedRoute> {
  const store = await openStore(file);
  try {
    await assertOpen(store);
    const secrets = storeSecrets(file.secretsDirectory);
    const config = await trustedConfig(file, secrets, store);
    const route = await explained({ config, secrets, store }, viewer, asker, at);
    await keep(route, await auditLogIn(store, config, secrets));
    return route;
  } finally {
    await store.close();
  }
}

interface Opened {
  readonly config: Config;
  readonly secrets: StoreSecrets;
  readonly store: Store;
}

/** The broker's own planner over the region's own knowledge; the store's file and the keys say who may ask it. */
async function explained(
  { config, secrets, store }: Opened,
  viewer: string,
  asker: PlanFor,
  at: number | undefined,
): Promise<ExplainedRoute> {
  const registrations = openDemographics(config, secrets, store, createLog(config.region, 'silent'));
  const now = (): number => at ?? Date.now();
  using deadline = startDeadline(config.budgets.bundle_ms);
  try {
    const directory = new Directory(config.directory, await importedIn(store));
    const planning = {
      region: config.region,
      ownRecords: config.records.map((record) => record.id),
      ...{ directory, registrations, now },
      careLocations: store.careLocations,
      ...{ register: store.register, toldRegions: toldRegions(store) },
      withoutRegistration: config.routing.without_registration,
      recentMonths: config.routing.recent_months,
      agreementWith: (region: string) => agreementInForce(config.neighbours, region, now()),
      patientDigest: patientDigestOf(secrets),
    };
    const facts = await gatherFacts(asker, planning, deadline);
    return {
      ...{ from: config.region, viewer },
      ...(at === undefined ? {} : { at: new Date(at).toISOString() }),
      asOfNow: at === undefined ? [] : AS_OF_NOW,
      registration: toldRegistration(facts.registration),
      home: readHome(facts, directory).homes,
      ...planRoute(facts, directory),
    };
  } finally {
    registrations.close();
  }
}

function keep({ nhsNumber, also, viewer, at, regions, rules }: ExplainedRoute, log: AuditLog): Promise<void> {
  const about = { exchange: randomUUID(), nhsNumber, also };
  return new RouteTrail(log, adminName()).shown(about, { regions, rules }, { viewer, at });
}
