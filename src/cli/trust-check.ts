import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Command } from 'commander';

import { openLinkChecks, type LinkChecks } from '../broker.ts';
import type { TlsIdentity } from '../trust/tls.ts';
import { mendFor } from '../upstream/check/mend.ts';
import { blameSharedClock } from '../upstream/check/shared-clock.ts';
import type { Detail, Step } from '../upstream/check/step.ts';
import { CommandFailed, INCOMPLETE, type Io } from './io.ts';
import { withAudit } from './open-audit.ts';
import type { RegionOptions } from './region-config.ts';
import { plain } from './subcommand.ts';
import { columns } from './tell.ts';

interface Options extends RegionOptions {
  readonly all?: true;
  readonly before?: true;
  readonly certificate?: string;
  readonly key?: string;
  readonly json?: true;
}

interface Checked {
  readonly region: string;
  readonly steps: readonly Step[];
}

export function checkCommand(io: Io): Command {
  return new Command('check')
    .description('Try the link to a neighbour step by step, and say whose work it is to mend what fails.')
    .argument('[neighbour]', 'the region to check')
    .option('--all', 'every neighbour')
    .option('--region <region>', 'whose broker checks')
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--before', 'try a certificate that is not activated yet: --certificate and --key')
    .option('--certificate <file>', 'PEM, the leaf first, with what is above it; for --before')
    .option('--key <file>', 'its private key, PEM; for --before')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      '\nMakes one connection of its own to each endpoint, sends a hello and a signed ping, asks for no patient, and writes nothing here.' +
        '\nA running broker is not disturbed. --before: a client certificate is tried at the neighbour; a server' +
        '\ncertificate is judged here by our own statement, as neighbours will judge it.' +
        '\nExit codes: 0 every step held; 1 not done; 2 called wrongly; 3 a step failed.',
    )
    .action(async (neighbour: string | undefined, options: Options) => {
      const found = await withAudit(options, async ({ config, secrets }) => {
        const checks = await openLinkChecks(config, secrets);
        return await checked(neighbour, options, checks, newIdentity(options), config.region);
      });
      if (options.json) io.print(JSON.stringify(found));
      else for (const line of found.flatMap(lines)) io.print(plain(line));
      if (found.some(({ steps }) => steps.some(({ result }) => result === 'failed'))) io.fail(INCOMPLETE);
    });
}

function chosen(
  neighbour: string | undefined,
  { all }: Options,
  known: readonly string[],
): readonly string[] {
  if ((neighbour === undefined) === (all === undefined))
    throw new CommandFailed('Name one neighbour, or write --all.', 2);
  if (neighbour === undefined) return known;
  if (known.includes(neighbour)) return [neighbour];
  throw new CommandFailed(`${plain(neighbour)} is no neighbour: write one of ${known.join(', ')}.`, 2);
}

/** The certificate of `--before`. @throws CommandFailed which never quotes the files: one is a key */
function newIdentity({ before, certificate, key }: Options): TlsIdentity | undefined {
  if (before === undefined && certificate === undefined && key === undefined) return undefined;
  if (before === undefined || certificate === undefined || key === undefined)
    throw new CommandFailed('--before, --certificate and --key go together: write all three or none.', 2);
  return { certificate: textOf('--certificate', certificate), key: textOf('--key', key) };
}

function textOf(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandFailed(`${option} names ${plain(file)}, which cannot be read: write a PEM file.`, 1, {
      cause: error,
    });
  }
}

async function checked(
  neighbour: string | undefined,
  options: Options,
  checks: LinkChecks,
  before: TlsIdentity | undefined,
  ownRegion: string,
): Promise<Checked[]> {
  const uses = before === undefined ? [] : usesOf(before);
  const ours = before !== undefined && uses.includes(SERVER_AUTH);
  const listening = ours ? [{ region: ownRegion, steps: [ourServer(before, checks)] }] : [];
  // What is for neither is tried as a client's: there it is refused by name.
  if (ours && !uses.includes(CLIENT_AUTH)) return listening;
  const regions = chosen(neighbour, options, checks.regions);
  const found = await Promise.all(regions.map((region) => checks.check(region, before)));
  const asking = blameSharedClock(found).map((steps, position) => ({
    region: regions[position] ?? '',
    steps,
  }));
  return [...listening, ...asking];
}

/** Extended key usages (RFC 5280, 4.2.1.12). */
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

function usesOf({ certificate }: TlsIdentity): readonly string[] {
  try {
    return new X509Certificate(certificate).keyUsage ?? [];
  } catch {
    throw new CommandFailed('--certificate names a file without a certificate: write a PEM file.');
  }
}

function ourServer(identity: TlsIdentity, checks: LinkChecks): Step {
  const { detail = {}, fault } = checks.judge(identity, 'server');
  const step = 'own-certificate';
  if (fault === undefined) return { step, result: 'held', detail };
  const { code } = fault;
  return { step, result: 'failed', code, detail: { ...detail, ...fault.detail }, ...mendFor(step, code) };
}

const WORDS = { held: 'ok', failed: 'FAILED', skipped: 'skipped' } as const;

function lines({ region, steps }: Checked): string[] {
  const rows = steps.map(({ step, endpoint, result, code, detail }) => [
    `  ${step}`,
    WORDS[result],
    [...(code === undefined ? [] : [code]), ...at(endpoint), ...wordsOf(detail)].join('; '),
  ]);
  const failed = steps.filter(({ result }) => result === 'failed');
  return [
    `${region}: ${failed.length === 0 ? 'every step held' : `${failed.length} failed`}`,
    ...columns(rows),
    ...failed.map(({ step, endpoint, whose, mend }) =>
      [`  ${step}`, ...at(endpoint), `${whose}: ${mend}`].join(', '),
    ),
    '',
  ];
}

function at(endpoint: string | undefined): string[] {
  return endpoint === undefined ? [] : [`at ${endpoint}`];
}

function wordsOf(detail: Detail): string[] {
  return Object.entries(detail)
    .filter(([, value]) => !Array.isArray(value) || value.length > 0)
    .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(' < ') : String(value)}`);
}
