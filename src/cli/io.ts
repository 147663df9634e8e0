/** What a command may do to the world outside: print, warn, wait for a stop, set the exit code. */
export interface Io {
  readonly print: (text: string) => void;
  readonly warn: (text: string) => void;
  readonly isTerminal: boolean;
  readonly pid: number;
  /** The Node executable that runs this. */
  readonly node: string;
  /** Resolves with the first signal that asks to stop; from the call on, no signal ends the process by itself. */
  readonly stopped: () => Promise<string>;
  /**
   * From the call on a rejection that nobody handled, and an exception that nobody caught, end nothing by themselves: each
   * is told. After the first exception the process ends with 1 within `endMs`, whatever hangs.
   */
  readonly unhandled: (
    tell: (error: unknown, what: 'rejection' | 'exception') => void,
    endMs: number,
  ) => void;
  /** The first line of standard input. */
  readonly inputLine: () => Promise<string>;
  readonly fail: (exitCode: number) => void;
}

/**
 * A command that cannot do what was asked: one sentence with the mend.
 *
 * Exit codes of every command: 0 done; 1 it could not be done; 2 it was called wrongly; 3 it was done and the
 * answer is incomplete (`ask`) or something is not ready (`status`).
 */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly exitCode: number;

  constructor(sentence: string, exitCode = 1, options?: ErrorOptions) {
    super(sentence, options);
    this.exitCode = exitCode;
  }
}

export const INCOMPLETE = 3;
