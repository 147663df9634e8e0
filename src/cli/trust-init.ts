import { Command, InvalidArgumentError, Option } from 'commander';
import { join, relative, resolve } from 'node:path';

import { CLOSED_DIRECTORIES, newRegion, type TlsKeyKind } from '../config/new-region.ts';
import { passphraseIn } from '../config/passphrase.ts';
import { logOrigin } from '../tlog/origin.ts';
import { checkHostName } from '../trust/certificate-request.ts';
import { makeDirectory, refuseExisting } from '../trust/new-directory.ts';
import type { Io } from './io.ts';
import { gather, wholeNumber } from './subcommand.ts';

interface Options {
  readonly dir: string;
  readonly region: string;
  readonly entity: string;
  readonly name: string;
  readonly contact: string;
  readonly subIcb: readonly string[];
  readonly organisation?: readonly string[];
  readonly federationBase?: string;
  readonly record?: string;
  readonly recordBase: string;
  readonly demographics: string;
  readonly directory?: string;
  readonly dns?: readonly string[];
  readonly firstPort: number;
  readonly messageKey: 'ES256' | 'EdDSA';
  readonly tlsKey: TlsKeyKind;
  readonly ownCa?: true;
  readonly passphraseEnv?: string;
  readonly json?: true;
}

export function initCommand(io: Io): Command {
  return new Command('init')
    .description("Make a new region's directory: its keys, its words, its first configuration file.")
    .requiredOption('--dir <directory>', 'where; new, or empty')
    .requiredOption('--region <id>', 'our short id, as greater-manchester', regionId)
    .requiredOption('--entity <url>', 'our entity identifier: an https URL that is a name', entityUrl)
    .requiredOption('--name <name>', 'what people call us')
    .requiredOption('--contact <text>', 'whom to write to')
    .requiredOption('--sub-icb <code>', 'a sub-ICB location that we speak for; may be given again', odsCodes)
    .option('--organisation <code>', 'an organisation that we speak for; may be given again', odsCodes)
    .option(
      '--federation-base <url>',
      'where neighbours will reach us (default: the host of --entity)',
      httpsUrl,
    )
    .option('--record <id>', 'our regional record (default: REGION-record)', regionId)
    .option('--record-base <url>', 'where it is asked', 'http://127.0.0.1:8080/fhir')
    .option('--demographics <url>', 'PDS FHIR R4', 'http://127.0.0.1:8081/personal-demographics/FHIR/R4')
    .option('--directory <file>', 'the shared directory of regions (default: a first one with us alone)')
    .option('--dns <name>', 'a host name of our server, with --own-ca; may be given again', gather)
    .option(
      '--first-port <port>',
      'viewer, federation, admin and statement listen on this and the next three',
      wholeNumber,
      8440,
    )
    .addOption(
      new Option('--message-key <alg>', 'what our messages are signed with')
        .choices(['ES256', 'EdDSA'])
        .default('ES256'),
    )
    .addOption(
      new Option('--tls-key <kind>', 'RSA 2048 or EC P-256')
        .choices(['rsa', 'ec'])
        .default('rsa')
        .conflicts('ownCa'),
    )
    .option('--own-ca', 'make an authority of our own, and let it issue our certificates at once')
    .option('--passphrase-env <name>', 'encrypt the private keys under what this variable holds')
    .option('--json', 'print what was made as JSON')
    .addHelpText(
      'after',
      '\nNothing is written over. Move DIR/federation elsewhere before the broker starts: what is in it signs for the region.',
    )
    .action(async (options: Options) => {
      const dir = resolve(options.dir);
      for (const name of options.dns ?? []) checkHostName(name);
      const passphrase = passphraseIn(options.passphraseEnv, '--passphrase-env');
      await refuseExisting(dir);
      const files = await newRegion({ ...wordsOf(options, dir), passphrase }, new Date());
      await makeDirectory(dir, files, CLOSED_DIRECTORIES);
      const made = files.map(({ path }) => path).sort();
      const config = join(dir, `${options.region}.yaml`);
      if (options.json) return io.print(JSON.stringify({ directory: dir, config, files: made }));
      io.print(`Made ${dir}:`);
      for (const path of made) io.print(`  ${path}`);
      io.print(`Keep ${join(dir, 'federation')} elsewhere: it signs for the region, and no broker needs it.`);
      for (const step of nextSteps(options, dir, config)) io.print(step);
    });
}

function wordsOf(options: Options, dir: string): Omit<Parameters<typeof newRegion>[0], 'passphrase'> {
  const { region, entity, name, contact, firstPort: port, directory } = options;
  const host = new URL(entity).hostname;
  return {
    ...{ region, entity, name, contact },
    federationBase: options.federationBase ?? `https://${host}:${port + 1}`,
    subIcbs: options.subIcb,
    organisations: options.organisation ?? [],
    record: { id: options.record ?? `${region}-record`, name: `${name} record`, base: options.recordBase },
    demographics: options.demographics,
    directory: directory === undefined ? undefined : relative(dir, resolve(directory)),
    ports: { viewer: port, federation: port + 1, admin: port + 2, statement: port + 3 },
    logOrigin: logOrigin(entity, '1'),
    passphraseEnv: options.passphraseEnv,
    messageAlgorithm: options.messageKey,
    ownAuthority: options.ownCa ?? false,
    tlsKey: options.tlsKey,
    dns: options.dns ?? [host],
  };
}

function nextSteps({ ownCa }: Options, dir: string, config: string): string[] {
  const certificates = ['server', 'client'].flatMap((role) => [
    `  wayleave trust csr --config ${config} --for ${role} --out ${role}.csr   # to your authority`,
    `  wayleave trust import --config ${config} --for ${role} FILE             # what comes back`,
  ]);
  return [
    'Then:',
    ...(ownCa
      ? []
      : [...certificates, `  put the authority's certificate into ${join(dir, 'public/ca.pem')}`]),
    `  wayleave trust sign --key ${join(dir, 'federation/federation.jwk.json')} --statement ${join(dir, 'statement.yaml')} \\`,
    `    --out ${join(dir, 'public/entity-statement.jwt')}`,
    `  wayleave serve --config ${config} --check`,
  ];
}

function regionId(text: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,62}$/.test(text)) return text;
  throw new InvalidArgumentError('Write lower-case letters, digits and hyphens.');
}

function httpsUrl(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === 'https:' && url.username === '' && /^[\x21-\x7e]+$/.test(text)) return text;
  throw new InvalidArgumentError('Write an https URL in ASCII.');
}

/** A name, compared letter by letter: no slash at its end that another would leave out. */
function entityUrl(text: string): string {
  const { search, hash } = new URL(httpsUrl(text));
  if (search === '' && hash === '' && !text.endsWith('/')) return text;
  throw new InvalidArgumentError('Write an https URL without query, fragment or slash at its end.');
}

function odsCodes(text: string, given: readonly string[] = []): string[] {
  if (/^[A-Z0-9]{3,12}$/.test(text)) return gather(text, given);
  throw new InvalidArgumentError('Write an ODS code: 3 to 12 capital letters and digits.');
}
