/** What a published file is a list of. */
export const DIRECTORY_KINDS = {
  'cost-centres': 'prescribing cost centres, GP practices among them (epraccur)',
  'practice-map': 'the monthly map of GP practices',
  trusts: 'trusts (etr)',
  'sub-icbs': 'sub-ICB locations and commissioning hubs (eccg)',
  sites: 'hospital sites',
  icbs: 'names of ICBs',
} as const;
export type DirectoryKind = keyof typeof DIRECTORY_KINDS;

export type OrganisationStatus = 'open' | 'closed' | 'dormant' | 'proposed';

/** What one line says of one organisation. Dates are ISO dates; a last day is included. */
export interface OrganisationFacts {
  readonly name: string;
  /** Absent where the file does not say. */
  readonly status?: OrganisationStatus;
  /** Of a practice: who commissions it (a sub-ICB location, a Welsh health board, a commissioning hub). */
  readonly subIcb?: string;
  /** Of a trust or a sub-ICB location: its ICB. */
  readonly icb?: string;
  /** Of a site: the organisation that runs it. */
  readonly parent?: string;
  /** ODS role codes (RO76: GP practice). */
  readonly roles?: readonly string[];
  /** Of what belongs to the Isle of Man or the Channel Islands. */
  readonly crownDependency?: true;
  readonly opened?: string;
  readonly closed?: string;
  /** Of the commissioner: since when, until when. */
  readonly joined?: string;
  readonly left?: string;
}

/** A line that was not taken, or that was and is odd. */
export interface LineNote {
  readonly line: number;
  readonly wrong: string;
}

/** A published file as it was read: what it says, and which lines were not taken. */
export interface DirectoryRead {
  readonly kind: DirectoryKind;
  /** The day that the file itself says that it shows, where it does. */
  readonly date?: string;
  readonly organisations: ReadonlyMap<string, OrganisationFacts>;
  readonly refused: readonly LineNote[];
  readonly warnings: readonly LineNote[];
}
