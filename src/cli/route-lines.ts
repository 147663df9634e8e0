import { REASONS, RULES } from '../fhir/codes.ts';
import type { Plan } from '../routing/plan.ts';
import { isRestricted, type Registration } from '../routing/registration.ts';
import { columns } from './tell.ts';

/** A plan and what it stands on: the form of `wayleave route --json` (docs/registration.md). */
export interface ExplainedRoute extends Plan {
  /** The region that would ask, and the viewer in it. */
  readonly from: string;
  readonly viewer: string;
  /** ISO instant of `--at`. */
  readonly at?: string | undefined;
  /** What was looked up as it is now, although it was asked for another time. */
  readonly asOfNow: readonly string[];
  readonly registration: ToldRegistration;
  /** Regions that count the patient as theirs. */
  readonly home: readonly string[];
}

interface ToldRegistration {
  readonly outcome: Registration['kind'];
  /** ODS code; never of a restricted patient. */
  readonly practice?: string;
  readonly since?: string;
  readonly deceased?: true;
}

const OUTCOMES: Record<Registration['kind'], string> = {
  registered: 'registered',
  ended: 'a registration that has ended',
  'no-practice': 'no practice',
  restricted: 'a restricted patient',
  'restricted-before': 'nothing that can be used now; before that, a restricted patient',
  unknown: 'a number that they do not know',
  invalidated: 'a number that is no longer valid',
  'not-reached': 'nothing: they were not reached, or gave no answer that can be used',
};

export function toldRegistration(registration: Registration): ToldRegistration {
  const { kind: outcome, ...told } = registration;
  if (isRestricted(registration)) return { outcome: registration.kind };
  const { current: _current, ...rest } = { current: '', ...told };
  return { outcome, ...rest };
}

/** For a person. */
export function routeLines(route: ExplainedRoute): string[] {
  const { registration, home, rules, asOfNow } = route;
  const rows = route.regions.map((region) =>
    region.ask
      ? [region.region, 'asked', region.reasons.map((reason) => REASONS[reason]).join('; ')]
      : [region.region, 'not asked', REASONS[region.reason]],
  );
  return [
    ...(asOfNow.length === 0
      ? []
      : [`Demographics cannot be asked for the past: as of now are ${asOfNow.join(', ')}.`]),
    `Demographics say: ${OUTCOMES[registration.outcome]}${practiceLine(registration)}.`,
    `Home: ${home.length === 0 ? 'not known' : home.join(', ')}.`,
    ...rules.map((rule) => `${RULES[rule]}.`),
    ...route.unknownOrganisations.map((code) => `Treated at ${code}, which no region covers.`),
    ...columns(rows),
  ];
}

function practiceLine({ practice, since, deceased }: ToldRegistration): string {
  const where =
    practice === undefined ? '' : ` (${practice}${since === undefined ? '' : `, since ${since}`})`;
  return `${where}${deceased ? ', who has died' : ''}`;
}
