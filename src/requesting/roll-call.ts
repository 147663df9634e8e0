import { OUTCOMES, REASONS, RULES, SYSTEM, type Outcome, type Reason, type Rule } from '../fhir/codes.ts';
import type { Issue } from '../fhir/operation-outcome.ts';
import type { Coding } from '../fhir/resource.ts';
import type { Directory } from '../routing/directory.ts';
import type { Plan } from '../routing/plan.ts';
import type { RegionAnswer, SourceAnswer } from './region-answer.ts';

/** Outcomes after which something may be held that is not on the screen. */
const INCOMPLETE: ReadonlySet<Outcome> = new Set(['partial', 'withheld', 'not-reached']);

/** Rules that say that it is not known where the patient belongs. */
const NARROWED: ReadonlySet<Rule> = new Set([
  'home-outside-federation',
  'practice-unknown',
  'practice-closed',
  'practice-in-wales',
  'practice-in-scotland',
  'practice-in-northern-ireland',
  'practice-in-crown-dependency',
  'practice-of-defence',
  'practice-special-allocation',
  'practice-national',
  'registration-ended',
  'no-practice',
  'not-known',
  'invalidated',
  'demographics-not-reached',
]);

/** Rules that say by themselves that something may be missing, whoever was asked. */
const INCOMPLETE_RULES: ReadonlySet<Rule> = new Set(['recently-registered', 'region-unknown']);

/** Rules by which a region may hold something although it had no reason to be asked. */
const MAY_BE_MORE: ReadonlySet<Rule> = new Set(['home-not-located', 'locate-not-agreed']);

/** FHIR issue types of what did not fully answer; anything else is `incomplete`. */
const ISSUE_TYPE: Partial<Record<Reason | Outcome, string>> = {
  timeout: 'timeout',
  busy: 'throttled',
  throttled: 'throttled',
  label: 'suppressed',
  withheld: 'suppressed',
};

/** Reasons for not asking a region that there was a reason to ask. */
const NOT_ALLOWED_TO_ASK: ReadonlySet<Reason> = new Set(['restricted', 'no-agreement']);

/** True when something is missing that there was a reason to ask for, so that no total can be given. */
export function isIncomplete(plan: Plan, answers: readonly RegionAnswer[]): boolean {
  return (
    plan.unknownOrganisations.length > 0 ||
    plan.rules.some((rule) => warns(rule, plan)) ||
    (plan.rules.some((rule) => NARROWED.has(rule)) && plan.regions.some(leftWithoutReason)) ||
    plan.regions.some((region) => !region.ask && NOT_ALLOWED_TO_ASK.has(region.reason)) ||
    answers.some((answer) => INCOMPLETE.has(answer.outcome))
  );
}

/** True for a rule that is a warning by itself. */
function warns(rule: Rule, plan: Plan): boolean {
  return INCOMPLETE_RULES.has(rule) || (MAY_BE_MORE.has(rule) && plan.regions.some(leftWithoutReason));
}

/** True where nothing leads to some region, and a rule says that something may be held there all the same. */
export function mayBeElsewhere({ rules }: Pick<Plan, 'rules'>): boolean {
  return rules.some((rule) => NARROWED.has(rule) || MAY_BE_MORE.has(rule));
}

/** Where it is not known where the patient belongs, "nothing leads there" is no ground for a total. */
function leftWithoutReason(region: Plan['regions'][number]): boolean {
  return !region.ask && region.reason === 'no-reason';
}

/**
 * A `warning` for each region, record and search that did not fully answer. A region that failed as a whole
 * has one; a record that failed alike for every search has one.
 */
export function warnings(answers: readonly RegionAnswer[], directory: Directory): Issue[] {
  return answers.flatMap((answer) => {
    const sources = answer.sources.filter((source) => INCOMPLETE.has(source.outcome));
    if (sources.length === 0) return INCOMPLETE.has(answer.outcome) ? [regionWarning(answer, directory)] : [];
    return byRecord(sources).flatMap(([record, own]) => {
      const all = answer.sources.filter(
        (source) => source.record === record && source.outcome !== 'not-offered',
      );
      const alike = own.length === all.length && new Set(own.map(alikeKey)).size === 1;
      const [first] = own;
      if (alike && first !== undefined) return [sourceWarning(first, undefined, directory)];
      return own.map((source) => sourceWarning(source, source.search, directory));
    });
  });
}

/** The information part: which rule decided, where nobody could be asked, and every region of the federation. */
export function rollCall(plan: Plan, answers: readonly RegionAnswer[], directory: Directory): Issue[] {
  return [
    ...plan.rules.map((rule) => ruled(rule, plan)),
    ...plan.unknownOrganisations.map((code) =>
      incomplete(
        { system: SYSTEM.organisation, code },
        `The patient was treated at ${code}, which no region of this federation covers: nobody could be asked there.`,
      ),
    ),
    ...plan.regions.map((region) => {
      const answer = answers.find((one) => one.region === region.region);
      if (answer !== undefined) return asked(answer, directory);
      return region.ask ? notPlanned(region.region, directory) : notAsked(region, directory);
    }),
    ...answers.flatMap((answer) => settings(answer, directory)),
  ];
}

function ruled(rule: Rule, plan: Plan): Issue {
  const coding = { system: SYSTEM.rule, code: rule };
  const text = `${RULES[rule]}.`;
  return warns(rule, plan) ? incomplete(coding, text) : information([coding], text);
}

function incomplete(coding: Coding, text: string): Issue {
  return { severity: 'warning', code: 'incomplete', details: { coding: [coding], text } };
}

function asked(answer: RegionAnswer, directory: Directory): Issue {
  const name = directory.nameOf(answer.region);
  const because = answer.asked.map((reason) => REASONS[reason].toLowerCase()).join('; ');
  const found = answer.sources.reduce((sum, source) => sum + source.matches.length, 0);
  const told =
    answer.outcome === 'answered' || answer.outcome === 'partial' ? `${found} found` : saying(answer.outcome);
  return {
    ...information(
      codings(answer.region, undefined, undefined, answer.outcome, [...answer.asked, answer.reason]),
      `${name}: ${told}. Asked because ${because}.`,
    ),
    diagnostics: `${answer.ms} ms`,
  };
}

function notAsked(region: { region: string; reason: Reason }, directory: Directory): Issue {
  return information(
    codings(region.region, undefined, undefined, 'not-asked', [region.reason]),
    `${directory.nameOf(region.region)}: not asked. ${REASONS[region.reason]}.`,
  );
}

/** Asked on an earlier page and finished there. */
function notPlanned(region: string, directory: Directory): Issue {
  return information(
    codings(region, undefined, undefined, 'answered', []),
    `${directory.nameOf(region)}: answered on an earlier page.`,
  );
}

function settings(answer: RegionAnswer, directory: Directory): Issue[] {
  if (answer.settingsNotOffered.length === 0) return [];
  return [
    information(
      [
        ...codings(answer.region, undefined, undefined, 'not-offered', []),
        ...answer.settingsNotOffered.map((code) => ({ system: SYSTEM.careSetting, code })),
      ],
      `${directory.nameOf(answer.region)} does not share, for any patient: ${answer.settingsNotOffered.join(', ')}.`,
    ),
  ];
}

function regionWarning(answer: RegionAnswer, directory: Directory): Issue {
  return warning(
    codings(answer.region, undefined, undefined, answer.outcome, [answer.reason]),
    answer.outcome,
    answer.reason,
    directory.nameOf(answer.region),
  );
}

function sourceWarning(source: SourceAnswer, search: string | undefined, directory: Directory): Issue {
  const what = search === undefined ? source.record : `${source.record}, ${search}`;
  return warning(
    codings(source.region, source.record, search, source.outcome, [source.reason]),
    source.outcome,
    source.reason,
    `${directory.nameOf(source.region)} (${what})`,
  );
}

function warning(coding: Coding[], outcome: Outcome, reason: Reason | undefined, where: string): Issue {
  const why = reason === undefined ? '' : ` ${REASONS[reason]}.`;
  return {
    severity: 'warning',
    code: (reason && ISSUE_TYPE[reason]) ?? ISSUE_TYPE[outcome] ?? 'incomplete',
    details: { coding, text: `${where}: ${saying(outcome)}.${why}` },
  };
}

function information(coding: Coding[], text: string): Issue {
  return { severity: 'information', code: 'informational', details: { coding, text } };
}

function saying(outcome: Outcome): string {
  return OUTCOMES[outcome].charAt(0).toLowerCase() + OUTCOMES[outcome].slice(1);
}

function codings(
  region: string,
  record: string | undefined,
  search: string | undefined,
  outcome: Outcome,
  reasons: readonly (Reason | undefined)[],
): Coding[] {
  return [
    { system: SYSTEM.region, code: region },
    ...(record === undefined ? [] : [{ system: SYSTEM.record, code: record }]),
    ...(search === undefined ? [] : [{ system: SYSTEM.search, code: search }]),
    { system: SYSTEM.outcome, code: outcome },
    ...reasons.filter((reason) => reason !== undefined).map((code) => ({ system: SYSTEM.reason, code })),
  ];
}

function alikeKey(source: SourceAnswer): string {
  return `${source.outcome} ${source.reason ?? ''}`;
}

function byRecord(sources: readonly SourceAnswer[]): [string, SourceAnswer[]][] {
  return [...Map.groupBy(sources, (source) => source.record)];
}
