import type { AllRegions, SeenAccess } from '../audit/questions/all-regions.ts';
import type { Access } from '../audit/questions/access.ts';
import type { PatientReport } from '../audit/questions/patient-report.ts';
import { allRegionsCsv, reportCsv } from '../audit/questions/report-csv.ts';
import { notLookedAtWords } from '../audit/questions/not-looked-at.ts';
import { notes, reportHtml } from '../audit/questions/report-html.ts';
import { regionSays, whatIsMissing } from '../audit/questions/report-roll-call.ts';
import { wordsOf, type Names } from '../audit/questions/report-words.ts';
import type { Config } from '../config/load.ts';
import { whyNobody } from './ask-all-regions.ts';
import type { Io } from './io.ts';
import { writeNewFile } from './new-file.ts';
import { plain } from './subcommand.ts';
import { columns } from './tell.ts';

/** A report that is kept in the log already, ready to be written. */
export interface MadeReport {
  readonly report: PatientReport;
  /** Where all regions were asked. */
  readonly everywhere: AllRegions | undefined;
  readonly nhsNumber: string;
  readonly madeAt: number;
}

interface Forms {
  readonly html?: string;
  readonly csv?: string;
  readonly json?: true;
}

export function writeReport(made: MadeReport, { html, csv }: Forms, config: Config): void {
  const { report, everywhere, nhsNumber, madeAt } = made;
  const { show_users: showUsers } = config.report;
  const names = namesIn(config);
  const shown = { ...report, accesses: linesOf(made) };
  const document = { report: shown, region: config.region, nhsNumber, madeAt, showUsers };
  if (html !== undefined)
    writeNewFile(html, reportHtml({ ...document, regions: everywhere?.regions }, names));
  if (csv === undefined) return;
  const table =
    everywhere === undefined
      ? reportCsv(report, names, showUsers)
      : allRegionsCsv(everywhere, report.notLookedAt, names, showUsers);
  writeNewFile(csv, table);
}

export function tellReport(made: MadeReport, { json }: Forms, config: Config, io: Io): void {
  const names = namesIn(config);
  const accesses = linesOf(made);
  if (json) return io.print(JSON.stringify(asJson(made, config)));
  for (const line of rollCall(made, names)) io.print(line);
  const rows = accesses.map((access) => {
    const { what, organisation, role, regions, resources, breakGlass } = wordsOf(access, names);
    const glass = access.breakGlass === undefined ? '' : `break-glass ${breakGlass}`;
    const user = config.report.show_users ? [access.user ?? 'not known'] : [];
    return [new Date(access.at).toISOString(), what, organisation, role, ...user, regions, resources, glass];
  });
  for (const line of columns(rows.map((row) => row.map(plain)))) io.print(line);
  if (rows.length === 0) io.print(nothing(made));
  for (const part of made.report.notLookedAt) io.print(plain(notLookedAtWords(part)));
  for (const note of notes(made.report)) io.print(note);
}

function linesOf({ report, everywhere }: MadeReport): readonly (Access | SeenAccess)[] {
  return everywhere?.accesses ?? report.accesses;
}

function nothing({ report, everywhere }: MadeReport): string {
  if (everywhere !== undefined) return 'No region told of an access of this record.';
  const missing = report.notLookedAt.length > 0;
  return `No access of this record is in ${missing ? 'what was looked at of ' : ''}the log.`;
}

/** Every region before any line, so that nobody reads the lines as all that there is. */
function rollCall({ everywhere }: MadeReport, names: Names): string[] {
  if (everywhere === undefined) return [];
  const { regions } = everywhere;
  const missing = whatIsMissing(regions, names);
  const rows = regions.map((region) => {
    const { name, says, count } = regionSays(region, names);
    return [name, region.outcome, says, count].map(plain);
  });
  return [...whyNobody(regions), ...(missing === undefined ? [] : [`! ${missing}`]), ...columns(rows), ''];
}

function asJson({ report, everywhere, ...made }: MadeReport, config: Config): object {
  const names = namesIn(config);
  const { show_users: showUsers } = config.report;
  const named = <One extends Access>({ user, ...access }: One) => ({
    ...access,
    ...(showUsers ? { user } : {}),
  });
  const accesses = linesOf({ report, everywhere, ...made }).map((access) => ({
    ...named(access),
    ...('ours' in access ? { ours: access.ours.map(named) } : {}),
    words: wordsOf(access, names),
  }));
  const regions = everywhere?.regions.map((region) => ({ ...region, words: regionSays(region, names).says }));
  return { region: config.region, ...report, accesses, ...(regions === undefined ? {} : { regions }) };
}

/** The names that the shared directory knows; a site that it does not know has its trust's. */
function namesIn({ directory }: Config): Names {
  const organisations = new Map(directory.organisations.map(({ code, name }) => [code, name]));
  const regions = new Map(directory.regions.map(({ id, name }) => [id, name]));
  return {
    region: (id) => regions.get(id) ?? id,
    organisation: (code) => organisations.get(code) ?? organisations.get(code.slice(0, 3)),
  };
}
