import type { CompiledQuery } from 'kysely';

/** Writes that are the same in every store: texts of kysely's, run where that store writes. */
export interface StatementLane {
  /** One statement or several, all or none, durable when it resolves. @returns the rows that each gives back */
  write(statements: readonly CompiledQuery[]): Promise<Readonly<Record<string, unknown>>[][]>;
}
