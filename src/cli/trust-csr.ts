import { Command, Option } from 'commander';

import type { TlsKeyKind } from '../config/new-region.ts';
import { ownPair } from '../config/own-places.ts';
import { requestKey } from '../config/request-key.ts';
import { certificateRequest, checkHostName } from '../trust/certificate-request.ts';
import type { TlsRole } from '../trust/key-pair-files.ts';
import { keyWords } from '../trust/key-strength.ts';
import type { Io } from './io.ts';
import { refuseExisting, writeNewFile } from './new-file.ts';
import { ownRegion, withOwnRegion } from './own-region.ts';
import type { RegionOptions } from './region-config.ts';
import { gather } from './subcommand.ts';

interface Options extends RegionOptions {
  readonly for: TlsRole;
  readonly dns?: readonly string[];
  readonly commonName?: string;
  readonly newKey?: true;
  readonly tlsKey: TlsKeyKind;
  readonly out?: string;
  readonly json?: true;
}

export function csrCommand(io: Io): Command {
  return withOwnRegion(new Command('csr'))
    .description('Make a certification request (PKCS#10) for one of our TLS keys.')
    .addOption(
      new Option('--for <role>', 'which of our certificates')
        .choices(['server', 'client'])
        .makeOptionMandatory(),
    )
    .option('--dns <name>', 'a host name that is asked for as well; may be given again', gather)
    .option('--common-name <name>', 'the subject (default: the first --dns, or region and role)')
    .option(
      '--new-key',
      'for a new key, which is written beside the present one and used once its certificate is in',
    )
    .addOption(
      new Option('--tls-key <kind>', 'with --new-key: RSA 2048 or EC P-256')
        .choices(['rsa', 'ec'])
        .default('rsa'),
    )
    .option('--out <file>', 'write it there (default: print it)')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      '\nIt asks for our entity identifier as the one URI name and for the usage of the role. It holds nothing secret.',
    )
    .action(async (options: Options) => {
      refuseExisting(options.out);
      for (const name of options.dns ?? []) checkHostName(name);
      const places = ownRegion(options);
      const fresh = options.newKey ? options.tlsKey : undefined;
      const { file, key } = await requestKey(ownPair(places, options.for), fresh);
      const [firstName] = options.dns ?? [];
      const csr = certificateRequest(key, {
        commonName: options.commonName ?? firstName ?? `${places.config.region} TLS ${options.for}`,
        uri: places.config.entity,
        dns: options.dns ?? [],
        usage: options.for,
      });
      if (options.out !== undefined) writeNewFile(options.out, csr);
      if (options.json) {
        return io.print(JSON.stringify({ key: file, kind: keyWords(key), out: options.out, csr }));
      }
      if (options.out === undefined) return io.print(csr.trimEnd());
      io.print(`${options.out}: a request for ${file} (${keyWords(key)}). Send it to your authority.`);
    });
}
