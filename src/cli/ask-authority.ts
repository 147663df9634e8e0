import { Option, type Command } from 'commander';

import type { TlsKeyKind } from '../config/new-region.ts';
import { ownPair, type OwnPlaces } from '../config/own-places.ts';
import { requestKey } from '../config/request-key.ts';
import { certificateRequest, checkAddress, checkHostName } from '../trust/certificate-request.ts';
import { presentLeaf, type PairFiles, type TlsRole } from '../trust/key-pair-files.ts';
import { keyWords } from '../trust/key-strength.ts';
import { dnsNames, ipNames } from '../trust/peer-certificate.ts';
import type { Io } from './io.ts';
import { refuseExisting, writeNewFile } from './new-file.ts';
import { gather } from './subcommand.ts';

export interface AskingOptions {
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
  readonly commonName?: string;
  readonly tlsKey: TlsKeyKind;
  readonly out?: string;
  readonly json?: true;
}

/** The options of a command that asks an authority for a certificate. @param out what `--out` is for there */
export function withAsking(command: Command, out: string): Command {
  return command
    .option(
      '--dns <name>',
      'a host name that is asked for; may be given again (default, with --ip: those of the certificate in place)',
      gather,
    )
    .option('--ip <address>', 'an address that is asked for; may be given again', gather)
    .option('--common-name <name>', 'the subject (default: the first --dns, or region and role)')
    .addOption(
      new Option('--tls-key <kind>', 'of a new key: RSA 2048 or EC P-256')
        .choices(['rsa', 'ec'])
        .default('rsa'),
    )
    .option('--out <file>', out)
    .option('--json', 'print it as JSON');
}

/**
 * Makes the certification request for one of our TLS keys: for the hosts that are named, or those of the certificate in
 * place.
 *
 * @param fresh for a new key, which waits beside the present one
 */
export async function askAuthority(
  io: Io,
  places: OwnPlaces,
  role: TlsRole,
  { dns: givenNames, ip: givenAddresses, commonName, tlsKey, out, json }: AskingOptions,
  fresh: boolean,
): Promise<void> {
  refuseExisting(out);
  const pair = ownPair(places, role);
  const hosts = { dns: givenNames ?? [], ips: givenAddresses ?? [] };
  for (const name of hosts.dns) checkHostName(name);
  for (const ip of hosts.ips) checkAddress(ip);
  const isSilent = givenNames === undefined && givenAddresses === undefined;
  const { dns, ips } = isSilent ? await presentHosts(pair) : hosts;
  const { file, key } = await requestKey(pair, fresh ? tlsKey : undefined);
  const csr = certificateRequest(key, {
    commonName: commonName ?? dns[0] ?? `${places.config.region} TLS ${role}`,
    uri: places.config.entity,
    ...{ dns, ips, usage: role },
  });
  if (out !== undefined) writeNewFile(out, csr);
  const names = [...dns, ...ips];
  if (json) return io.print(JSON.stringify({ key: file, kind: keyWords(key), names, out, csr }));
  if (out === undefined) return io.print(csr.trimEnd());
  io.print(`${out}: a request for ${file} (${keyWords(key)}). Send it to your authority.`);
  if (names.length > 0) io.print(`It asks for ${names.join(', ')}.`);
}

async function presentHosts(pair: PairFiles): Promise<{ dns: readonly string[]; ips: readonly string[] }> {
  const { subjectAltName } = (await presentLeaf(pair)) ?? {};
  return { dns: dnsNames(subjectAltName) ?? [], ips: ipNames(subjectAltName) ?? [] };
}
