import { Command } from 'commander';

import { Checkpoints } from '../audit/witnessing/checkpoints.ts';
import { NotCovered } from '../audit/proof/covering.ts';
import { exportEvidence, type Exported } from '../audit/proof/evidence-export.ts';
import { InArchive, TooManyEntries } from '../audit/proof/find-exchange.ts';
import { notLookedAtWords } from '../audit/questions/not-looked-at.ts';
import { formatEvidence } from '../audit/proof/evidence-file.ts';
import { statementsAtHand } from '../audit/proof/statement-history.ts';
import type { Step } from '../audit/proof/verdict.ts';
import { verifyEvidence } from '../audit/proof/verify-file.ts';
import { revocationsOf } from '../broker.ts';
import type { Config } from '../config/load.ts';
import { importSigner } from '../evidence/keys.ts';
import type { PublicJwk } from '../trust/entity-statement.ts';
import { ARCHIVE_OPTION, withFiles } from './archive-option.ts';
import { CommandFailed, INCOMPLETE, type Io } from './io.ts';
import { namedLog } from './named-log.ts';
import { writeNewFile } from './new-file.ts';
import { withAudit, type OpenAudit } from './open-audit.ts';
import type { RegionOptions } from './region-config.ts';
import { stepLine } from './step-line.ts';
import { plain } from './subcommand.ts';

interface Options extends RegionOptions {
  readonly log?: string;
  readonly archive?: string[];
  readonly out?: string;
  readonly json?: true;
}

export function exportCommand(io: Io): Command {
  return new Command('export')
    .description('Write everything that proves one exchange to one file. The broker may run.')
    .argument('<id>', "the X-Request-Id of a request, a query's jti, or an entry's sequence number")
    .option('--region <region>', "whose broker's log")
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--log <origin>', 'which log, where it is not the one that is written now')
    .option(...ARCHIVE_OPTION)
    .option('--out <file>', 'where to (default: standard output)')
    .option(
      '--json',
      'say what was written as JSON, on standard error where the file goes to standard output',
    )
    .addHelpText(
      'after',
      '\nThe file names the patient and the user, and holds the signed messages: keep it as the record itself.' +
        '\nExit codes: 0 written; 1 not done; 2 called wrongly; 3 written, and something in it does not hold, or is left out' +
        '\nthat was decided about who signed.',
    )
    .action((id: string, options: Options) =>
      withAudit(options, async (audit) => {
        const exported = await exportFrom(audit, id, options);
        const text = formatEvidence(exported.file);
        const federationKeys = pinnedKeys(audit.config);
        const { steps } = await verifyEvidence(Buffer.from(text), { federationKeys });
        const wrong = steps.filter(({ result }) => result === 'failed');
        const warnings = steps.filter(({ result }) => result === 'warning');
        if (options.out === undefined) io.print(text.trimEnd());
        else writeNewFile(options.out, text);
        const say = options.out === undefined ? io.warn : io.print;
        for (const line of summary(exported, { wrong, warnings }, options.json)) say(line);
        if (wrong.length + exported.untold.length > 0) io.fail(INCOMPLETE);
      }),
    );
}

async function exportFrom(
  audit: OpenAudit,
  id: string,
  { log: named, archive: files }: Options,
): Promise<Exported> {
  const { config, secrets, store, log } = audit;
  const { key } = await importSigner(secrets.logKey);
  const own = { log: store.log, checkpoints: store.checkpoints, origin: log.origin };
  const settings = {
    ...{ log, origin: named && (await namedLog(audit, named)) },
    checkpointStore: store.checkpoints,
    statements: statementsAtHand(config, store.statements),
    archive: store.archive,
    decisions: await revocationsOf(config, secrets, store),
    checkpoints: new Checkpoints({ ...own, key, now: Date.now }),
  };
  try {
    const exported = await withFiles(files, audit, ({ log: whole, isLeftOut }) =>
      exportEvidence(id, { ...settings, store: whole, isLeftOut }),
    );
    if (exported !== undefined) return exported;
    throw new CommandFailed(
      `The log ${named ?? log.origin} has no such entry: give an X-Request-Id, a jti or a sequence number of this broker.`,
    );
  } catch (error) {
    if (error instanceof NotCovered) {
      throw new CommandFailed(
        `No signed checkpoint of ${error.origin} covers the entries yet: try again when its own broker has signed one. ` +
          'Where that log was ended, nothing proves them.',
      );
    }
    if (error instanceof InArchive) throw archivedFault(error);
    if (!(error instanceof TooManyEntries)) throw error;
    throw new CommandFailed(
      'More than 10,000 entries bear this id: name one query by its jti at the other end.',
    );
  }
}

function archivedFault({ parts }: InArchive): CommandFailed {
  const where = parts.map(notLookedAtWords).join(' ');
  return new CommandFailed(
    `Nothing was written: what this id names, or a decision about who signed it, may be archived, in whole or in part. ${where}`,
  );
}

function pinnedKeys({ federationKeys, neighbours }: Config): PublicJwk[] {
  return [...federationKeys, ...neighbours.flatMap((neighbour) => neighbour.federationKeys)];
}

function summary(
  { file, erased, unopened, leftOut, untold }: Exported,
  { wrong, warnings }: Readonly<Record<'wrong' | 'warnings', readonly Step[]>>,
  json?: true,
): string[] {
  const entries = file.entries.map(({ sequence }) => sequence);
  if (json)
    return [
      JSON.stringify({
        ...{ exchange: file.exchange, entries, erased, unopened, leftOut, untold },
        ...{ failed: wrong, warnings },
      }),
    ];
  const list = (sequences: readonly number[]): string => sequences.join(', ');
  return [
    `${entries.length} entries of ${file.origin}: ${list(entries)}.`,
    ...(erased.length > 0 ? [`Erased: the values of ${list(erased)}.`] : []),
    ...(unopened.length > 0
      ? [`Not opened by the keys of the secrets: the values of ${list(unopened)}.`]
      : []),
    ...leftOut.map((name) => `Left out: a signature of ${plain(name)}, whose statement is not at hand.`),
    ...(untold.length > 0
      ? [
          `Left out: decisions ${list(untold)} about who signed, of which no log tells: verify the logs and the store.`,
        ]
      : []),
    ...[...wrong, ...warnings].map(stepLine),
  ];
}
