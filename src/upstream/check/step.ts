/** The steps of a check, in the order in which a connection between brokers needs them. */
export const STEPS = [
  'statement',
  'own-certificate',
  'name',
  'tcp',
  'tls',
  'certificate',
  'accepted',
  'hello',
  'clock',
  'own-statement',
  'ping',
] as const;
export type StepName = (typeof STEPS)[number];

/** Whose work it is: this region's, the neighbour's, or that of who runs what lies between. */
export type Whose = 'ours' | 'theirs' | 'network';

/** Codes, names and dates: never a key, a token or what a neighbour wrote in words. */
export type Detail = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export interface Step {
  readonly step: StepName;
  /** Where an endpoint beside the neighbour's first one was tried. */
  readonly endpoint?: string;
  /** `skipped`: it needs a step that failed, or there was nothing to see. */
  readonly result: 'held' | 'failed' | 'skipped';
  /** Of what failed: one of `docs/protocol.md`, an alert of TLS (RFC 8446, 6), or an error of the system. */
  readonly code?: string;
  readonly detail: Detail;
  /** Whose work it is to mend what failed, and one sentence that says what to do. */
  readonly whose?: Whose;
  readonly mend?: string;
}

/** What a step found wrong. */
export interface Fault {
  readonly code: string;
  readonly detail?: Detail;
  /** Where the table of mends does not know better. */
  readonly whose?: Whose;
}

/** What a step found: a value for the steps after it, what there is to tell, and what is wrong. */
export interface Found<Value> {
  readonly value?: Value;
  readonly detail?: Detail;
  readonly fault?: Fault | undefined;
  readonly skipped?: true;
}
