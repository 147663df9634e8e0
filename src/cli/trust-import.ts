import { Command, Option } from 'commander';

import { planOwnImport } from '../config/own-import.ts';
import { passphraseIn } from '../config/passphrase.ts';
import { daysUntil } from '../trust/expiry.ts';
import type { TlsRole } from '../trust/key-pair-files.ts';
import { authoritiesIn, givenFile } from './certificates-in.ts';
import { listedAnchors, presentStatement } from './held-anchors.ts';
import type { Io } from './io.ts';
import { ownRegion, withOwnRegion } from './own-region.ts';
import type { RegionOptions } from './region-config.ts';
import { gather, plain } from './subcommand.ts';

interface Options extends RegionOptions {
  readonly for: TlsRole;
  readonly key?: string;
  readonly passphraseEnv?: string;
  readonly anchor?: readonly string[];
  readonly unlistedAnchor?: true;
  readonly json?: true;
}

export function importCommand(io: Io): Command {
  return withOwnRegion(new Command('import'))
    .description('Put a certificate of ours in place, with its chain and, if it comes with one, its key.')
    .argument('<file>', 'a PEM chain in any order, or PKCS#12')
    .addOption(
      new Option('--for <role>', 'which of our certificates')
        .choices(['server', 'client'])
        .makeOptionMandatory(),
    )
    .option('--key <file>', 'the private key, where it is in a file of its own')
    .option('--passphrase-env <name>', 'the variable with the password of the PKCS#12 or the key')
    .option('--anchor <file>', 'the authority that the chain ends at; may be given again', gather)
    .option('--unlisted-anchor', 'our entity statement does not list the authority yet, and that is meant')
    .option('--json', 'print what is in place now as JSON')
    .addHelpText(
      'after',
      '\nNothing is written unless all of it is right. The former pair is kept as *.former.pem. A broker that reads its' +
        '\nfiles meanwhile never meets a certificate without its key.',
    )
    .action(async (file: string, options: Options) => {
      const places = ownRegion(options);
      const present = await presentStatement(places);
      const key = options.key;
      const now = Date.now();
      const { chain, steps } = await planOwnImport(
        places,
        options.for,
        {
          file,
          bytes: givenFile(file),
          passphrase: passphraseIn(options.passphraseEnv, '--passphrase-env'),
          key: key === undefined ? undefined : { file: key, text: givenFile(key).toString('utf8') },
          namedAnchors: authoritiesIn(options.anchor),
          listedAnchors: present && listedAnchors(present),
          mayBeUnlisted: options.unlistedAnchor ?? false,
        },
        now,
      );
      for (const step of steps) await step();
      const certificate = places.certificates[options.for];
      const subjects = chain.map(({ subject }) => plain(subject.replaceAll('\n', ', ')));
      const until = chain[0]?.validToDate ?? new Date(Number.NaN);
      const [validUntil, daysLeft] = [until.toISOString(), daysUntil(until.getTime(), now)];
      if (options.json) {
        return io.print(JSON.stringify({ certificate, chain: subjects, validUntil, daysLeft }));
      }
      io.print(`${certificate} is in place until ${validUntil} (${daysLeft} days):`);
      for (const subject of subjects) io.print(`  ${subject}`);
    });
}
