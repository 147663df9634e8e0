import type { Command } from 'commander';

import { planOwnImport } from '../config/own-import.ts';
import type { OwnPlaces } from '../config/own-places.ts';
import { passphraseIn } from '../config/passphrase.ts';
import type { EntityStatement } from '../trust/entity-statement.ts';
import { daysUntil } from '../trust/expiry.ts';
import type { TlsRole } from '../trust/key-pair-files.ts';
import type { PlannedImport } from '../trust/plan-import.ts';
import { authoritiesIn, givenFile } from './certificates-in.ts';
import { listedAnchors } from './present-statement.ts';
import type { Io } from './io.ts';
import { gather, plain } from './subcommand.ts';

export interface ImportOptions {
  readonly for: TlsRole;
  readonly key?: string;
  readonly passphraseEnv?: string;
  readonly anchor?: readonly string[];
  readonly fewerNames?: true;
  readonly json?: true;
}

/** The options of a command that puts a certificate of ours in place. */
export function withImporting(command: Command): Command {
  return command
    .option('--key <file>', 'the private key, where it is in a file of its own')
    .option('--passphrase-env <name>', 'the variable with the password of the PKCS#12 or the key')
    .option('--anchor <file>', 'the authority that the chain ends at; may be given again', gather)
    .option('--fewer-names', 'host names of the certificate in place are missing, and that is meant')
    .option('--json', 'print what is in place now as JSON');
}

/**
 * Judges what an authority sent; nothing of it is written.
 *
 * @param present our statement in place; undefined where none was signed yet
 * @param mayBeUnlisted whether the statement need not list the authority
 * @throws MaterialError, CommandFailed, StartError
 */
export function planFrom(
  places: OwnPlaces,
  file: string,
  { for: role, key, passphraseEnv, anchor, fewerNames }: ImportOptions,
  present: EntityStatement | undefined,
  mayBeUnlisted: boolean,
): Promise<PlannedImport> {
  const sent = {
    ...{ file, bytes: givenFile(file), mayBeUnlisted, mayNameFewer: fewerNames ?? false },
    passphrase: passphraseIn(passphraseEnv, '--passphrase-env'),
    key: key === undefined ? undefined : { file: key, text: givenFile(key).toString('utf8') },
    namedAnchors: authoritiesIn(anchor),
    listedAnchors: present && listedAnchors(present),
  };
  return planOwnImport(places, role, sent, Date.now());
}

/** Puts it in place, and says what is there now. @param more what is said besides, by name and in lines */
export async function putInPlace(
  io: Io,
  places: OwnPlaces,
  { chain, steps }: PlannedImport,
  { for: role, json }: ImportOptions,
  more: { readonly json?: object; readonly lines?: readonly string[] } = {},
): Promise<void> {
  for (const step of steps) await step();
  const certificate = places.certificates[role];
  const subjects = chain.map(({ subject }) => plain(subject.replaceAll('\n', ', ')));
  const until = chain[0]?.validToDate ?? new Date(Number.NaN);
  const [validUntil, daysLeft] = [until.toISOString(), daysUntil(until.getTime(), Date.now())];
  if (json) {
    const inPlace = { certificate, chain: subjects, validUntil, daysLeft };
    return io.print(JSON.stringify({ ...inPlace, ...more.json }));
  }
  io.print(`${certificate} is in place until ${validUntil} (${daysLeft} days):`);
  for (const subject of subjects) io.print(`  ${subject}`);
  for (const line of more.lines ?? []) io.print(line);
}
