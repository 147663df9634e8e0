import { isWayleaveError } from '../../errors.ts';
import { LogBroken } from '../whole-log/log-fault.ts';

/** Something that only a person can put right. */
export class StreamStuck extends Error {
  override readonly name = 'StreamStuck';
  readonly fault: 'not-a-stream-file';

  constructor(fault: 'not-a-stream-file') {
    super(fault);
    this.fault = fault;
  }
}

const FILE_FAULTS: Readonly<Record<string, string>> = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EFBIG: 'disk-full',
  EACCES: 'not-allowed',
  EPERM: 'not-allowed',
  EROFS: 'not-allowed',
  ENOENT: 'no-directory',
  ENOTDIR: 'no-directory',
  EISDIR: 'not-a-stream-file',
};

/** Why a stream waits, as a code for `wayleave status` and the process's log; `docs/audit-streams.md` lists them. */
export function faultOf(error: unknown): string {
  if (error instanceof StreamStuck) return error.fault;
  if (error instanceof LogBroken) return 'log-broken';
  // The code, and what part of it: never a value from outside.
  if (isWayleaveError(error)) return error.message;
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return (typeof code === 'string' ? FILE_FAULTS[code] : undefined) ?? 'failed';
}
