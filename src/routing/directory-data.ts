/** One dated span, ISO dates, both days included; open ends are always. */
export interface Span {
  readonly from?: string | undefined;
  readonly until?: string | undefined;
}

/** What the directory file holds: see `config/directory.yaml`. */
export interface DirectoryData {
  readonly regions: readonly {
    readonly id: string;
    readonly name: string;
    readonly sub_icbs: readonly ({ readonly code: string } & Span)[];
  }[];
  /** GP practice -> the sub-ICB location that commissions it, where no imported file says it. */
  readonly practices: Readonly<Record<string, string>>;
  readonly organisations: readonly {
    readonly code: string;
    readonly name: string;
    readonly feeds: readonly ({ readonly region: string; readonly record?: string | undefined } & Span)[];
  }[];
  /** Which ICB sub-ICB locations belong to, and when: no published file dates it. */
  readonly parentage?: readonly ({ readonly icb: string; readonly sub_icbs: readonly string[] } & Span)[];
  /** Of what was closed: which organisation or practice has gone on with it, from a day on. */
  readonly successors?: readonly {
    readonly code: string;
    readonly successor: string;
    readonly from?: string | undefined;
  }[];
  /** Practices whose patients are not near them, beside those that are called so. */
  readonly special_allocation?: readonly string[];
}

/** @param at milliseconds since the epoch @returns the ISO date */
export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** @param day ISO date */
export function covers(span: Span, day: string): boolean {
  return (span.from ?? '') <= day && day <= (span.until ?? '9999-12-31');
}
