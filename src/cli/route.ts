import { Command } from 'commander';

import { openRouting } from '../broker.ts';
import { loadSecrets } from '../config/secrets.ts';
import { REASONS, RULES } from '../fhir/codes.ts';
import { isNhsNumber } from '../fhir/nhs-number.ts';
import { CommandFailed, type Io } from './io.ts';
import { regionConfig, type RegionOptions } from './region-config.ts';
import { columns } from './tell.ts';

export function routeCommand(io: Io): Command {
  return new Command('route')
    .description(
      'Say which regions would be asked about a patient, and why. Nobody is asked but demographics.',
    )
    .argument('<nhs-number>', 'whose route')
    .option('--region <region>', 'from where')
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--viewer <id>', "for which viewer (default: the region's first)")
    .option('--json', 'print the plan as JSON')
    .action(async (text: string, options: RegionOptions & { viewer?: string; json?: true }) => {
      const nhsNumber = text.replaceAll(' ', '');
      if (!isNhsNumber(nhsNumber))
        throw new CommandFailed('That is no valid NHS number: check its ten digits.', 2);
      const config = regionConfig(options);
      const viewer = config.viewers.find(({ id }) => options.viewer === undefined || id === options.viewer);
      if (viewer === undefined) {
        const known = config.viewers.map(({ id }) => id).join(', ');
        throw new CommandFailed(`--viewer ${options.viewer} is not registered: write one of ${known}.`, 2);
      }
      const routing = await openRouting(config, loadSecrets(config.secretsDirectory));
      try {
        const plan = await routing.planFor(nhsNumber, viewer);
        if (options.json) return io.print(JSON.stringify(plan));
        for (const rule of plan.rules) io.print(`${RULES[rule]}.`);
        for (const code of plan.unknownOrganisations) io.print(`Treated at ${code}, which no region covers.`);
        const rows = plan.regions.map((region) =>
          region.ask
            ? [region.region, 'asked', region.reasons.map((reason) => REASONS[reason]).join('; ')]
            : [region.region, 'not asked', REASONS[region.reason]],
        );
        for (const line of columns(rows)) io.print(line);
      } finally {
        await routing.close();
      }
    });
}
