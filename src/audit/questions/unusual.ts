import type { FoundEntry } from '../../store/contracts.ts';
import { leafOf } from '../entry.ts';
import { Windows, type Burst, type Look } from './windows.ts';

/** The rules that a region set; one that is left out is not looked at. */
export interface UnusualRules {
  readonly many_patients?: { readonly per: Per; readonly more_than: number } | undefined;
  readonly same_patient_many_users?: { readonly per: Per; readonly more_than: number } | undefined;
  readonly out_of_hours?: OutOfHours | undefined;
  readonly break_glass?: boolean | undefined;
}

export type Per = 'hour' | 'day';
export interface OutOfHours {
  /** `HH:MM` of England; a span over midnight when `until` comes before `from`. */
  readonly from: string;
  readonly until: string;
  /** Days that are out of hours as a whole, as `sunday`. */
  readonly days: readonly string[];
  /** SDS job roles that it is unusual for; others work at night. */
  readonly roles: readonly string[];
}

export type RuleName = keyof UnusualRules;

export interface Finding {
  readonly rule: RuleName;
  /** First and last look, milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly user?: string | undefined;
  readonly patient?: string | undefined;
  readonly organisation?: string | undefined;
  readonly role?: string | undefined;
  readonly region?: string | undefined;
  /** Looks of this finding; `distinct` of them were of other patients, or by other users. */
  readonly looks: number;
  readonly distinct?: number | undefined;
  /** `log:sequence`, oldest first; of a long finding the newest alone. */
  readonly entries: readonly string[];
}

const SPAN_MS: Readonly<Record<Per, number>> = { hour: 3_600_000, day: 86_400_000 };

/** The look that an entry begins; undefined for any other, and for what a region asks of itself. */
export function lookOf(found: FoundEntry, ownRegion: string): Look | undefined {
  const { log, sequence, index } = found;
  const { at, event, region, organisation, role, break_glass: glass } = leafOf(found);
  if (event !== 'route-planned' && (event !== 'query-received' || region === ownRegion)) return undefined;
  const { user, patient } = index;
  return {
    at,
    entry: `${log}:${sequence}`,
    user,
    patient,
    organisation,
    role,
    region,
    breakGlass: glass === true,
  };
}

/**
 * Applies the rules to looks that come newest first. It holds the looks of the longest rule's span, and findings.
 *
 * @returns the findings, oldest first
 */
export class Unusual {
  readonly #rules: UnusualRules;
  readonly #patients: Windows | undefined;
  readonly #users: Windows | undefined;
  readonly #single: Finding[] = [];

  constructor(rules: UnusualRules) {
    this.#rules = rules;
    const { many_patients: patients, same_patient_many_users: users } = rules;
    this.#patients = patients && new Windows(SPAN_MS[patients.per], patients.more_than);
    this.#users = users && new Windows(SPAN_MS[users.per], users.more_than);
  }

  add(look: Look): void {
    const { user, patient } = look;
    const { break_glass: everyGlass, out_of_hours: hours } = this.#rules;
    if (user !== undefined && patient !== undefined) {
      this.#patients?.add(user, patient, look);
      this.#users?.add(patient, user, look);
    }
    if (everyGlass === true && look.breakGlass) this.#single.push(alone('break_glass', look));
    if (hours !== undefined && isOutOfHours(look, hours)) this.#single.push(alone('out_of_hours', look));
  }

  end(): Finding[] {
    const patients = this.#patients?.end().map((burst) => together('many_patients', burst)) ?? [];
    const users = this.#users?.end().map((burst) => together('same_patient_many_users', burst)) ?? [];
    return [...this.#single, ...patients, ...users].sort(
      (one, other) => one.from - other.from || (one.rule < other.rule ? -1 : 1),
    );
  }
}

function alone(rule: RuleName, { at, entry, breakGlass: _glass, ...who }: Look): Finding {
  return { rule, from: at, to: at, ...who, looks: 1, entries: [entry] };
}

function together(rule: 'many_patients' | 'same_patient_many_users', burst: Burst): Finding {
  const { of, oldest, newest, looks, distinct, entries } = burst;
  const { organisation, role, region } = burst.last;
  const who = rule === 'many_patients' ? { user: of, organisation, role, region } : { patient: of };
  return { rule, from: oldest, to: newest, ...who, looks, distinct, entries };
}

const CLOCK = new Intl.DateTimeFormat('en-GB', {
  ...{ timeZone: 'Europe/London', weekday: 'long', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
});

function isOutOfHours({ at, role }: Look, { from, until, days, roles }: OutOfHours): boolean {
  if (role === undefined || !roles.includes(role)) return false;
  const parts = Object.fromEntries(CLOCK.formatToParts(at).map(({ type, value }) => [type, value]));
  if (days.includes((parts['weekday'] ?? '').toLowerCase())) return true;
  const time = `${parts['hour']}:${parts['minute']}`;
  return from <= until ? time >= from && time < until : time >= from || time < until;
}
