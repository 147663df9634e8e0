import pino from 'pino';

const MOST_BUFFERED_BYTES = 1024 * 1024;

/**
 * What the rooms write to. Fields are chosen one by one where the line is written: no request, header, URL,
 * token or resource is ever handed over whole, so nothing that names a patient can slip in.
 */
export interface Log {
  info(fields: Readonly<Record<string, LogValue>>, message: string): void;
  warn(fields: Readonly<Record<string, LogValue>>, message: string): void;
  error(fields: Readonly<Record<string, LogValue>>, message: string): void;
}

type LogValue = string | number | boolean | Readonly<Record<string, string>> | undefined;

/** JSON lines on standard output, one object a line. */
export function createLog(region: string, level: 'debug' | 'info' | 'warn' | 'error' | 'silent'): Log {
  const destination = pino.destination({ dest: 1, sync: true, maxLength: MOST_BUFFERED_BYTES });
  // A log that cannot be written (a full disk, a closed pipe) ends no broker; what fits waits for the next line.
  destination.on('error', () => undefined);
  return pino({ level, base: { region }, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

/** The class and code of an error, and nothing that it carries from outside. */
export function errorFields(error: unknown): { error: string; code: string | undefined } {
  if (!(error instanceof Error)) return { error: typeof error, code: undefined };
  const code: unknown = Reflect.get(error, 'code');
  return { error: error.name, code: typeof code === 'string' ? code : undefined };
}
