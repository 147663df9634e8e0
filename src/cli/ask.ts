import { Command } from 'commander';

import type { Config } from '../config/load.ts';
import { SYSTEM } from '../fhir/codes.ts';
import type { Issue } from '../fhir/operation-outcome.ts';
import type { Bundle, BundleEntry } from '../fhir/resource.ts';
import { INCOMPLETE, type Io } from './io.ts';
import { FROM_INPUT, patientOf } from './patient-argument.ts';
import { regionConfig, type RegionOptions } from './region-config.ts';
import { codesOf, entryLines, issuesIn, rollCallLines } from './tell.ts';
import { ViewerClient } from './viewer-client.ts';
import { VIEWER_OPTIONS, viewerIdentity, type ViewerOptions } from './viewer-tokens.ts';

interface AskOptions extends RegionOptions, ViewerOptions {
  readonly type?: string;
  readonly query?: string;
  readonly stream?: true;
  readonly json?: true;
}

export function askCommand(io: Io): Command {
  const command = new Command('ask')
    .description("Ask as a viewer: the roll-call first, then what the neighbours' records hold.")
    .argument('<nhs-number>', `whom to ask about; ${FROM_INPUT}`)
    .option('--region <region>', 'whose viewer asks')
    .option('--config <file>', 'a configuration file instead of --region')
    .option('--type <type>', 'a FHIR resource type (default: everything)')
    .option('--query <parameters>', 'more search parameters, as clinical-status=active&_count=20')
    .option('--stream', 'print each region as it answers')
    .option('--json', 'print the Bundle (with --stream: one event a line)')
    .addHelpText(
      'after',
      '\nExit codes: 0 complete; 1 not done; 2 called wrongly; 3 something is missing from the answer.',
    );
  for (const [flags, help] of VIEWER_OPTIONS) command.option(flags, help);
  return command.action((patient: string, options: AskOptions) => ask(io, patient, options));
}

async function ask(io: Io, patient: string, options: AskOptions): Promise<void> {
  const config = regionConfig(options);
  const nhsNumber = await patientOf(patient, io);
  const identity = viewerIdentity(config, options);
  const client = new ViewerClient(baseOf(config), identity, await identity.tokenFor(nhsNumber));
  const path = pathOf(nhsNumber, options);
  return options.stream ? stream(io, client, path, options) : once(io, client, path, options);
}

/** All pages, as one answer; JSON is the first page as it came. */
async function once(io: Io, client: ViewerClient, path: string, options: AskOptions): Promise<void> {
  const { status, resource } = await client.get(path);
  if (options.json) {
    io.print(JSON.stringify(resource));
    return finish(io, status, issuesIn(resource));
  }
  const entries: BundleEntry[] = [...((resource as Bundle).entry ?? [])];
  const issues = issuesIn(resource);
  let worst = status;
  for (let next = nextOf(resource as Bundle); next !== undefined;) {
    const page = await client.get(next);
    worst = Math.max(worst, page.status);
    issues.push(...issuesIn(page.resource));
    entries.push(...((page.resource as Bundle).entry ?? []));
    next = nextOf(page.resource as Bundle);
  }
  for (const line of rollCallLines(issues, entries)) io.print(line);
  const lines = entryLines(entries);
  if (lines.length > 0) io.print('');
  for (const line of lines) io.print(line);
  finish(io, worst, issues);
}

async function stream(io: Io, client: ViewerClient, path: string, options: AskOptions): Promise<void> {
  const started = performance.now();
  const entries: BundleEntry[] = [];
  for await (const { event, data } of client.stream(path)) {
    if (options.json) io.print(JSON.stringify({ event, data }));
    if (event === 'region') {
      const bundle = data as Bundle;
      entries.push(...(bundle.entry ?? []));
      if (!options.json) {
        const region = bundle.meta?.tag?.find((tag) => tag.system === SYSTEM.region)?.code ?? '';
        const outcome = bundle.meta?.tag?.find((tag) => tag.system === SYSTEM.outcome)?.code ?? '';
        io.print(`${region}: ${outcome}, after ${Math.round(performance.now() - started)} ms`);
        for (const line of entryLines(bundle.entry ?? [])) io.print(`  ${line}`);
      }
    } else {
      if (!options.json) for (const line of ['', ...rollCallLines(issuesIn(data), entries)]) io.print(line);
      finish(io, event === 'end' ? 200 : 400, issuesIn(data));
    }
  }
}

function finish(io: Io, status: number, issues: readonly Issue[]): void {
  if (status >= 400 || issues.some((issue) => issue.severity === 'error')) io.fail(1);
  else if (issues.some((issue) => issue.severity === 'warning' && saysIncomplete(issue))) {
    io.fail(INCOMPLETE);
  }
}

/** A region that did not fully answer, or a rule by which something may be missing. */
function saysIncomplete(issue: Issue): boolean {
  return [SYSTEM.outcome, SYSTEM.rule].some((system) => codesOf(issue, system).length > 0);
}

function pathOf(nhsNumber: string, { type, query }: AskOptions): string {
  const more = query === undefined ? '' : `&${query}`;
  if (type === undefined) return `/fhir/Patient/${nhsNumber}/$everything?${query ?? ''}`.replace(/\?$/, '');
  if (type === 'Patient') {
    return `/fhir/Patient?identifier=${encodeURIComponent(`https://fhir.nhs.uk/Id/nhs-number|${nhsNumber}`)}${more}`;
  }
  return `/fhir/${encodeURIComponent(type)}?patient=${nhsNumber}${more}`;
}

export function baseOf(config: Config): string {
  return config.public_base ?? `https://${config.listeners.viewer.host}:${config.listeners.viewer.port}`;
}

function nextOf(bundle: Bundle): string | undefined {
  return bundle.link?.find((link) => link.relation === 'next')?.url;
}
