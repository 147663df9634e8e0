import { dayOf } from './directory-data.ts';
import type { Directory, Feed } from './directory.ts';
import { ruleOfPlace } from './home-region.ts';
import { RULES, type Rule } from '../fhir/codes.ts';

/** Which rule says where a code leads, beside those of practices (`src/fhir/codes.ts`). */
export const CODE_RULES = {
  commissioner: 'Its commissioner is covered by the region',
  'own-feeds': 'It is listed with what it feeds',
  'organisation-feeds': 'It follows its organisation, which is listed with what it feeds',
  'successor-feeds': 'It is closed, and follows the organisation that has gone on with it',
  'not-listed': 'No region is listed as holding its data',
  covered: 'The region covers this sub-ICB location',
  'not-covered': 'No region covers this sub-ICB location',
  icb: 'It is an ICB: only sub-ICB locations lead to a region',
} as const;
export type CodeRule = keyof typeof CODE_RULES | Exclude<Rule, 'registered'>;

/** What the directory knows of a code on a day, and where it leads. */
export interface ExplainedCode {
  readonly code: string;
  readonly name?: string;
  readonly status?: string;
  /** ISO date. */
  readonly at: string;
  readonly opened?: string;
  readonly closed?: string;
  /** Since when, as far as the imported files show, its commissioner, ICB or organisation has been what it is. */
  readonly since?: string;
  readonly subIcb?: string;
  readonly icb?: string;
  /** Of a site. */
  readonly organisation?: string;
  readonly region?: string;
  /** Of an organisation or site: every region and record that it feeds. */
  readonly feeds?: readonly Feed[];
  readonly successor?: string;
  readonly rule: CodeRule;
  /** The kinds of file that know it. */
  readonly files: readonly string[];
}

/** @param at milliseconds since the epoch @returns undefined for a code that nothing knows */
export function explainCode(directory: Directory, code: string, at: number): ExplainedCode | undefined {
  const day = dayOf(at);
  const known = directory.imported.at(code, day);
  const said = {
    ...{ code, at: day, files: known?.kinds ?? [], name: known?.name, status: known?.status },
    ...{ opened: known?.opened, closed: known?.closed, since: known?.since },
  };
  return (
    explainSubIcb(directory, said, day) ??
    explainPractice(directory, said, at) ??
    explainFeeding(directory, said, at)
  );
}

interface Said {
  readonly code: string;
  readonly at: string;
  readonly files: readonly string[];
  readonly name: string | undefined;
  readonly status: string | undefined;
  readonly opened: string | undefined;
  readonly closed: string | undefined;
  readonly since: string | undefined;
}

type Undefinable<Type> = { [Name in keyof Type]: Type[Name] | undefined };

function explained(parts: Undefinable<ExplainedCode>): ExplainedCode {
  return Object.fromEntries(
    Object.entries(parts).filter(([, value]) => value !== undefined),
  ) as unknown as ExplainedCode;
}

function explainSubIcb(directory: Directory, said: Said, day: string): ExplainedCode | undefined {
  const { code, files } = said;
  const region = directory.regionOf(code, day);
  const icb = directory.icbOf(code, day);
  if (region === undefined && !files.includes('sub-icbs') && !directory.isSubIcb(code)) return undefined;
  return explained({
    ...said,
    subIcb: code,
    icb,
    region,
    rule: region === undefined ? 'not-covered' : 'covered',
  });
}

function explainPractice(directory: Directory, said: Said, at: number): ExplainedCode | undefined {
  const place = directory.practice(said.code, at);
  const isPractice = said.files.some((kind) => kind === 'cost-centres' || kind === 'practice-map');
  if (place.kind === 'unknown' && !isPractice) return undefined;
  const subIcb = 'subIcb' in place ? place.subIcb : undefined;
  const rule = ruleOfPlace(place);
  return explained({
    ...said,
    ...{ subIcb, icb: subIcb === undefined ? undefined : directory.icbOf(subIcb, said.at) },
    region: 'region' in place ? place.region : undefined,
    successor: place.successor,
    rule: rule === 'registered' ? 'commissioner' : rule,
  });
}

function explainFeeding(directory: Directory, said: Said, at: number): ExplainedCode | undefined {
  const { code, files } = said;
  const source = directory.feedSource(code, at);
  const known = directory.imported.at(code, said.at);
  if (files.includes('icbs')) return explained({ ...said, rule: 'icb' });
  if (source === undefined) {
    if (files.length === 0) return undefined;
    return explained({
      ...said,
      icb: known?.icb,
      organisation: known?.parent,
      feeds: [],
      rule: 'not-listed',
    });
  }
  const { succeeded, feeds } = source;
  const organisation = known?.parent ?? succeeded?.code ?? source.code;
  const icb = directory.imported.at(organisation, said.at)?.icb;
  const rule =
    succeeded !== undefined ? 'successor-feeds' : source.code === code ? 'own-feeds' : 'organisation-feeds';
  return explained({
    ...said,
    name: said.name ?? (source.code === code ? source.name : undefined),
    icb: known?.icb ?? icb,
    ...{ organisation: organisation === code ? undefined : organisation, successor: succeeded?.successor },
    region: new Set(feeds.map(({ region }) => region)).size === 1 ? feeds[0]?.region : undefined,
    ...{ feeds, rule },
  });
}

/** A rule as a sentence. */
export function codeRuleText(rule: CodeRule): string {
  return rule in CODE_RULES ? CODE_RULES[rule as keyof typeof CODE_RULES] : RULES[rule as Rule];
}
