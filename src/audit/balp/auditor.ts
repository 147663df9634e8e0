/** Who reads the audit over FHIR, from which viewer; the question as it was asked, and what kinds of filter it has. */
export interface Auditor {
  readonly viewer: string;
  readonly user: string;
  readonly organisation: string;
  readonly role: string;
  readonly purpose: string;
  readonly question: string;
  readonly filters: readonly string[];
  readonly searchedUser?: string | undefined;
}

/** How many events about one patient an auditor was shown; about nobody, where no patient is known. */
export interface ShownEvents {
  readonly nhsNumber: string | undefined;
  readonly count: number;
}
