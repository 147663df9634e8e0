/** What can be wrong with a log. */
export type FaultKind =
  | 'missing'
  | 'out-of-place'
  | 'leaf'
  | 'leaf-hash'
  | 'tile'
  | 'checkpoint'
  | 'head'
  | 'beyond-head'
  | 'end'
  | 'sealed'
  | 'index';

/** The first thing that is wrong, and the sequence of the entry that it is about, or of the first that it covers. */
export interface LogFault {
  readonly kind: FaultKind;
  readonly sequence: number;
  readonly says: string;
}

/** Ends a verification: what comes after the first fault says nothing more. */
export class LogBroken extends Error {
  override readonly name = 'LogBroken';
  readonly fault: LogFault;

  constructor(kind: FaultKind, sequence: number, says: string, options?: ErrorOptions) {
    super(says, options);
    this.fault = { kind, sequence, says };
  }
}
