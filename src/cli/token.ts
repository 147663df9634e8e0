import { Command } from 'commander';

import type { Io } from './io.ts';
import { FROM_INPUT, patientOf } from './patient-argument.ts';
import { regionConfig, type RegionOptions } from './region-config.ts';
import { VIEWER_OPTIONS, viewerIdentity, type ViewerOptions } from './viewer-tokens.ts';

const FIRST_STORY = '9990000018';

export function tokenCommand(io: Io): Command {
  const command = new Command('token')
    .description(
      "Print a viewer's token for one patient: good for five minutes, on that viewer's certificate.",
    )
    .argument('[nhs-number]', `whom the token is for; ${FROM_INPUT}`, FIRST_STORY)
    .option('--region <region>', 'whose broker it is for')
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--json', 'print token, certificate, key and authority file names as JSON');
  for (const [flags, help] of VIEWER_OPTIONS) command.option(flags, help);
  return command.action(async (patient: string, options: RegionOptions & ViewerOptions & { json?: true }) => {
    const config = regionConfig(options);
    const nhsNumber = await patientOf(patient, io);
    const identity = viewerIdentity(config, options);
    const token = await identity.tokenFor(nhsNumber);
    io.print(options.json ? JSON.stringify({ token, viewer: identity.viewer.id, expires_in: 300 }) : token);
  });
}
