import { Command } from 'commander';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { openJwkFile } from '../config/open-secrets.ts';
import { passphraseIn } from '../config/passphrase.ts';
import { readStatementRequest } from '../config/statement-request-file.ts';
import { heldStatement } from '../evidence/held-statement.ts';
import { signNext } from '../evidence/sign-next.ts';
import { lostFederationKey, type StatementChange } from '../evidence/statement-changes.ts';
import { FOR_ANYONE, writeDurably } from '../trust/durable-file.ts';
import { fingerprintOf, groupedHex } from '../trust/fingerprint.ts';
import { MOST_DAYS } from '../trust/statement-request.ts';
import { givenFile } from './certificates-in.ts';
import { jwksOf } from './federation-keys.ts';
import { CommandFailed, type Io } from './io.ts';
import { refuseExisting } from './new-file.ts';
import { gather, plain, wholeNumber } from './subcommand.ts';

interface Options {
  readonly key: string;
  readonly statement: string;
  readonly out: string;
  readonly after?: string;
  readonly days?: number;
  readonly addFederationKey?: readonly string[];
  readonly dropFederationKey?: readonly string[];
  readonly passphraseEnv?: string;
  readonly show?: true;
  readonly json?: true;
}

export function signCommand(io: Io): Command {
  return new Command('sign')
    .description("Sign our entity statement, where the federation key is: no broker's file is read.")
    .requiredOption('--key <file>', 'the federation key (private JWK)')
    .requiredOption('--statement <file>', 'what it is to say: statement.yaml, or what `trust request` wrote')
    .requiredOption('--out <file>', 'where to write it: a new file, or the one that --after names')
    .option('--after <file>', 'the statement that it follows: its sequence is one higher (without it: 1)')
    .option('--days <n>', 'how long it is good for', wholeNumber)
    .option('--add-federation-key <file>', 'a JWKS whose keys are published as well from now on', gather)
    .option('--drop-federation-key <kid>', 'a federation key that is published no longer', gather)
    .option('--passphrase-env <name>', 'the variable with the passphrase of the federation key')
    .option('--show', 'only show what would change')
    .option('--json', 'print what changed as JSON')
    .addHelpText(
      'after',
      '\nShows first what differs from the former statement, and what neighbours will hold back until they approve it.' +
        '\nA log that was ever listed is never dropped, and a federation key only by name: where it signed the former' +
        '\nstatement, this warns (`lostFederationKey` in JSON), since evidence of before then leads to no key of now.',
    )
    .action(async (options: Options) => {
      const { out, after } = options;
      // Over the former statement alone: any other file of that name is somebody's.
      if (after === undefined || !isSameFile(out, after)) refuseExisting(out);
      const request = readStatementRequest(options.statement);
      const passphrase = passphraseIn(options.passphraseEnv, '--passphrase-env');
      const before = after === undefined ? undefined : textOf(after);
      const former = before === undefined ? undefined : await heldStatement(before, after ?? '');
      const { statement, token, changes } = await signNext({
        request: { ...request, days: daysOf(options.days) ?? request.days },
        former,
        federationKey: await openJwkFile(resolve(options.key), passphrase),
        added: (options.addFederationKey ?? []).flatMap((file) => jwksOf('--add-federation-key', file)),
        dropped: options.dropFederationKey ?? [],
        now: Date.now(),
      });
      const lines = changes.flatMap((change) => changeLines(change, after === undefined));
      const lost = before && former && lostFederationKey(before, former, statement);
      if (!options.json) for (const line of [...lines, ...lostLines(lost)]) io.print(line);
      if (!options.show) await writeDurably(resolve(out), `${token}\n`, FOR_ANYONE);
      const { sequence } = statement.metadata.wayleave_broker;
      const { hex, words } = fingerprintOf(statement.jwks.keys);
      const until = new Date(statement.exp * 1000).toISOString();
      if (options.json) {
        const signed = { out: options.show ? undefined : out, sequence, until };
        return io.print(
          JSON.stringify({ ...signed, changes, lostFederationKey: lost, fingerprint: { hex, words } }),
        );
      }
      io.print(options.show ? 'Nothing was written.' : `${out}: sequence ${sequence}, good until ${until}.`);
      io.print(`Federation keys: ${words.join(' ')}`);
      io.print(`                 ${groupedHex(hex)}`);
    });
}

function lostLines(kid: string | undefined): string[] {
  if (kid === undefined) return [];
  return [
    `WARNING: the former statement was signed with ${plain(kid)}, which this one lists no more: evidence of before cannot be led ` +
      'to the new key. Unless that key was stolen, sign once with the new key while both are listed, and drop it in the next statement.',
  ];
}

function textOf(file: string): string {
  return givenFile(file).toString('utf8').trim();
}

function isSameFile(one: string, other: string): boolean {
  return existsSync(one) && existsSync(other) && readFileSync(one).equals(readFileSync(other));
}

function daysOf(days: number | undefined): number | undefined {
  if (days === undefined || (days >= 1 && days <= MOST_DAYS)) return days;
  throw new CommandFailed(`--days ${days} is out of range: write 1 to ${MOST_DAYS}.`, 2);
}

/** Removed and added, a line each; what neighbours hold back is marked, where there are any who know us. */
function changeLines({ what, added, removed, needsApproval }: StatementChange, isFirst: boolean): string[] {
  const mark = needsApproval && !isFirst ? '  (neighbours must approve this)' : '';
  const line = (sign: string, texts: readonly string[]): string[] =>
    texts.length === 0 ? [] : [`${sign} ${what}: ${texts.map(plain).join(', ')}${mark}`];
  return [...line('-', removed), ...line('+', added)];
}
