/** What a region says that it covers: ODS codes. */
export interface Coverage {
  readonly sub_icbs: readonly string[];
  readonly organisations: readonly string[];
}

/** What is known of who covers what. */
export interface KnownCoverage {
  /** By region: of the directory file, of other neighbours' statements, and our own. */
  readonly others: ReadonlyMap<string, Coverage>;
  /** GP practice -> the sub-ICB location that commissions it. */
  readonly practices: Readonly<Record<string, string>>;
}

/**
 * Codes that a region claims and that are another's, by themselves or by what they are part of: a site of another's
 * trust, a trust of whose sites another has one, a practice of a sub-ICB location that it does not cover. Whoever holds
 * such a code would be asked about, and trusted with, another region's patients.
 */
export function coverageConflicts(region: string, claimed: Coverage, known: KnownCoverage): string[] {
  const others = [...known.others].filter(([id]) => id !== region).map(([, coverage]) => coverage);
  const takenSubIcbs = new Set(others.flatMap(({ sub_icbs: codes }) => codes));
  const taken = others.flatMap(({ organisations }) => organisations);
  const own = new Set(claimed.sub_icbs);
  const foreignPractices = Object.entries(known.practices).filter(([, subIcb]) => !own.has(subIcb));
  const isTaken = (code: string): boolean =>
    taken.some((one) => one === code || one === trustOf(code) || trustOf(one) === code) ||
    foreignPractices.some(([practice]) => practice === code || trustOf(practice) === code);
  return [
    ...claimed.sub_icbs.filter((code) => takenSubIcbs.has(code)),
    ...claimed.organisations.filter(isTaken),
  ];
}

/** An ODS code's first three characters: of a trust's site, the trust. */
export function trustOf(code: string): string {
  return code.slice(0, 3);
}
