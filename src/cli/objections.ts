import { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';

import { AuditTrail } from '../audit/trail.ts';
import { auditLogIn, openStore, patientDigestOf } from '../broker.ts';
import { storeSecrets } from '../config/secrets.ts';
import { readObjections } from '../routing/objections-file.ts';
import { adminName } from './admin-name.ts';
import { CommandFailed, type Io } from './io.ts';
import { regionConfig, type RegionOptions } from './region-config.ts';

const AT_ONCE = 500;
const MOST_FAULTS_SHOWN = 20;

export function objectionsCommand(io: Io): Command {
  const parent = new Command('objections').description(
    'Patients who objected to sharing, or whose record is restricted.',
  );
  parent
    .command('import')
    .description(
      'Read objections from a CSV (nhs_number,kind,from,until) or FHIR Consent file: all lines or none.',
    )
    .argument('<file>', 'a .csv, or JSON or NDJSON with FHIR Consent resources')
    .option('--region <region>', 'for whose broker')
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--json', 'print the counts as JSON')
    .action(async (file: string, options: RegionOptions & { json?: true }) => {
      const config = regionConfig(options);
      const { objections, faults } = readObjections(readText(file), Date.now());
      if (faults.length > 0) {
        for (const fault of faults.slice(0, MOST_FAULTS_SHOWN))
          io.warn(`${file}:${fault.line}: ${fault.wrong}`);
        throw new CommandFailed(
          `${faults.length} of the entries cannot be read and nothing was imported: mend them and import again.`,
        );
      }
      const secrets = storeSecrets(config.secretsDirectory);
      const digest = patientDigestOf(secrets);
      const store = await openStore(config);
      try {
        for (let from = 0; from < objections.length; from += AT_ONCE) {
          const part = objections.slice(from, from + AT_ONCE);
          await store.objections.record(
            part.map(({ nhsNumber, ...entry }) => ({ ...entry, patient: digest(nhsNumber) })),
          );
          if (io.isTerminal && !options.json) io.warn(`${from + part.length} of ${objections.length}`);
        }
        // A restored store must know them before it is opened, and its log cannot be written until then.
        const isClosed = (await store.state.read()).closed !== undefined;
        if (isClosed)
          io.warn('The store is closed: import them once more when it is open, so that the log has it.');
        else {
          const auditLog = await auditLogIn(store, config, secrets);
          const trail = new AuditTrail(auditLog, store.log, Date.now, adminName());
          await trail.objectionsImported(randomUUID(), objections.length);
        }
      } finally {
        await store.close();
      }
      io.print(
        options.json ? JSON.stringify({ imported: objections.length }) : `${objections.length} imported.`,
      );
    });
  return parent;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandFailed(
      `${file} cannot be read: name a file that exists and that this user may read.`,
      1,
      { cause: error },
    );
  }
}
