import { Command } from 'commander';

import { importedIn, openStore, patientDigestOf, trustedConfig } from '../broker.ts';
import { agreementInForce } from '../config/agreements.ts';
import type { Config } from '../config/load.ts';
import { storeSecrets } from '../config/secrets.ts';
import { startDeadline } from '../deadline.ts';
import { REASONS, RULES } from '../fhir/codes.ts';
import { createLog } from '../log.ts';
import { Directory } from '../routing/directory.ts';
import type { Plan } from '../routing/plan.ts';
import { planFor } from '../routing/plan-for.ts';
import { Demographics } from '../upstream/demographics.ts';
import { CommandFailed, type Io } from './io.ts';
import { FROM_INPUT, patientOf } from './patient-argument.ts';
import { regionConfig, type RegionOptions } from './region-config.ts';
import { columns } from './tell.ts';

export function routeCommand(io: Io): Command {
  return new Command('route')
    .description(
      'Say which regions would be asked about a patient, and why. Nobody is asked but demographics.',
    )
    .argument('<nhs-number>', `whose route; ${FROM_INPUT}`)
    .option('--region <region>', 'from where')
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--viewer <id>', "for which viewer (default: the region's first)")
    .option('--json', 'print the plan as JSON')
    .action(async (patient: string, options: RegionOptions & { viewer?: string; json?: true }) => {
      const nhsNumber = await patientOf(patient, io);
      const config = regionConfig(options);
      const viewer = config.viewers.find(({ id }) => options.viewer === undefined || id === options.viewer);
      if (viewer === undefined) {
        const known = config.viewers.map(({ id }) => id).join(', ');
        throw new CommandFailed(`--viewer ${options.viewer} is not registered: write one of ${known}.`, 2);
      }
      const plan = await planOf(config, nhsNumber, viewer.own_records);
      if (options.json) return io.print(JSON.stringify(plan));
      for (const line of planLines(plan)) io.print(line);
    });
}

/** The broker's own planner over the region's own knowledge; the store's file and the keys say who may ask it. */
async function planOf(file: Config, nhsNumber: string, shownByViewer: readonly string[]): Promise<Plan> {
  const store = await openStore(file);
  const secrets = storeSecrets(file.secretsDirectory);
  const registrations = new Demographics(file.demographics, createLog(file.region, 'silent'), Date.now);
  using deadline = startDeadline(file.budgets.bundle_ms);
  try {
    const config = await trustedConfig(file, secrets, store);
    const planning = {
      region: config.region,
      ownRecords: config.records.map((record) => record.id),
      directory: new Directory(config.directory, await importedIn(store)),
      registrations,
      careLocations: store.careLocations,
      withoutRegistration: config.routing.without_registration,
      agreementWith: (region: string) => agreementInForce(config.neighbours, region, Date.now()),
      patientDigest: patientDigestOf(secrets),
      now: Date.now,
    };
    return (await planFor({ nhsNumber, shownByViewer }, planning, deadline)).plan;
  } finally {
    registrations.close();
    await store.close();
  }
}

function planLines(plan: Plan): string[] {
  const rows = plan.regions.map((region) =>
    region.ask
      ? [region.region, 'asked', region.reasons.map((reason) => REASONS[reason]).join('; ')]
      : [region.region, 'not asked', REASONS[region.reason]],
  );
  return [
    ...plan.rules.map((rule) => `${RULES[rule]}.`),
    ...plan.unknownOrganisations.map((code) => `Treated at ${code}, which no region covers.`),
    ...columns(rows),
  ];
}
