import { Command, Option } from 'commander';
import { join, relative, resolve } from 'node:path';

import type { FirstAdmin } from '../config/first-files.ts';
import { closedAmong, newRegion, type TlsKeyKind } from '../config/new-region.ts';
import { passphraseIn } from '../config/passphrase.ts';
import { logOrigin } from '../tlog/origin.ts';
import { checkHostName } from '../trust/certificate-request.ts';
import { makeDirectory, refuseExisting } from '../trust/new-directory.ts';
import {
  entityUrl,
  firstAdmins,
  firstPort,
  httpsUrl,
  ipAddresses,
  odsCodes,
  regionId,
  viewerIds,
} from './init-arguments.ts';
import { CommandFailed, type Io } from './io.ts';
import { gather } from './subcommand.ts';

interface Options {
  readonly dir: string;
  readonly region: string;
  readonly entity: string;
  readonly name: string;
  readonly contact: string;
  readonly subIcb: readonly string[];
  readonly organisation?: readonly string[];
  readonly federationBase?: string;
  readonly statementBase?: string;
  readonly record?: string;
  readonly recordBase: string;
  readonly demographics: string;
  readonly directory?: string;
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
  readonly admin?: readonly FirstAdmin[];
  readonly viewer?: readonly string[];
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
    .option(
      '--statement-base <url>',
      'where anyone will find our entity statement (default: that host)',
      httpsUrl,
    )
    .option('--record <id>', 'our regional record (default: REGION-record)', regionId)
    .option('--record-base <url>', 'where it is asked', 'http://127.0.0.1:8080/fhir')
    .option('--demographics <url>', 'PDS FHIR R4', 'http://127.0.0.1:8081/personal-demographics/FHIR/R4')
    .option('--directory <file>', 'the shared directory of regions (default: a first one with us alone)')
    .option('--dns <name>', 'a host name of our server, with --own-ca; may be given again', gather)
    .option('--ip <address>', 'an address of our server, with --own-ca; may be given again', ipAddresses)
    .addOption(
      new Option('--admin <id:role>', 'an admin, as officer-1:security-officer; may be given again')
        .argParser(firstAdmins)
        .conflicts('passphraseEnv'),
    )
    .addOption(
      new Option('--viewer <id>', 'a platform whose viewer will ask us; may be given again')
        .argParser(viewerIds)
        .conflicts('passphraseEnv'),
    )
    .option(
      '--first-port <port>',
      'viewer, federation, admin, statement and admin_api listen on this and the next four',
      firstPort,
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
      '\nNothing is written over. Move DIR/federation elsewhere before the broker starts: what is in it signs for the region.' +
        '\nDIR/admins/ID and DIR/viewers/ID hold the key and certificate of each: hand them over.',
    )
    .action(async (options: Options) => {
      const dir = resolve(options.dir);
      for (const name of options.dns ?? []) checkHostName(name);
      if (options.viewer !== undefined && options.organisation === undefined) {
        throw new CommandFailed('--viewer needs an --organisation, whose staff it is for.', 2);
      }
      if (options.ownCa === undefined && (options.dns ?? options.ip) !== undefined) {
        throw new CommandFailed(
          '--dns and --ip are for the certificates of --own-ca: another authority is asked with `trust csr --dns`.',
          2,
        );
      }
      const passphrase = passphraseIn(options.passphraseEnv, '--passphrase-env');
      await refuseExisting(dir);
      const files = await newRegion({ ...wordsOf(options, dir), passphrase }, new Date());
      await makeDirectory(dir, files, closedAmong(files));
      const made = files.map(({ path }) => path).sort();
      const config = join(dir, `${options.region}.yaml`);
      if (options.json) return io.print(JSON.stringify({ directory: dir, config, files: made }));
      io.print(`Made ${dir}:`);
      for (const path of made) io.print(`  ${path}`);
      io.print(`Keep ${join(dir, 'federation')} elsewhere: it signs for the region, and no broker needs it.`);
      for (const line of handedOver(options, dir)) io.print(line);
      for (const step of nextSteps(options, dir, config)) io.print(step);
    });
}

function wordsOf(options: Options, dir: string): Omit<Parameters<typeof newRegion>[0], 'passphrase'> {
  const { region, entity, name, contact, firstPort: port, directory } = options;
  const host = new URL(entity).hostname;
  return {
    ...{ region, entity, name, contact },
    federationBase: options.federationBase ?? `https://${host}:${port + 1}`,
    statementBase: options.statementBase ?? `https://${host}:${port + 3}`,
    subIcbs: options.subIcb,
    organisations: options.organisation ?? [],
    record: { id: options.record ?? `${region}-record`, name: `${name} record`, base: options.recordBase },
    demographics: options.demographics,
    directory: directory === undefined ? undefined : relative(dir, resolve(directory)),
    ports: { viewer: port, federation: port + 1, admin: port + 2, statement: port + 3, admin_api: port + 4 },
    admins: options.admin ?? [],
    viewers: options.viewer ?? [],
    logOrigin: logOrigin(entity, '1'),
    passphraseEnv: options.passphraseEnv,
    messageAlgorithm: options.messageKey,
    ownAuthority: options.ownCa ?? false,
    tlsKey: options.tlsKey,
    dns: options.dns ?? [host],
    ip: options.ip ?? [],
  };
}

/** What is not ours to keep. */
function handedOver({ admin = [], viewer = [], ownCa }: Options, dir: string): string[] {
  const places = [...admin.map(({ id }) => `admins/${id}`), ...viewer.map((id) => `viewers/${id}`)];
  if (places.length === 0) return [];
  const lacking = ownCa ? '' : ", with the authority of our server certificate as 'broker-ca.pem'";
  return [`Hand over, each to whom it names${lacking}:`, ...places.map((place) => `  ${join(dir, place)}`)];
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
