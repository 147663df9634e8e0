import type { BrokerMetadata } from './entity-statement.ts';

/**
 * What an entity statement is to say, before it has a sequence, dates and the federation key's signature. It carries
 * public halves alone, so that it may travel from the broker to where the federation key is.
 */
export interface StatementRequest {
  readonly entity: string;
  /** How long the statement is to be good for. */
  readonly days: number;
  readonly broker: Omit<BrokerMetadata, 'sequence'>;
}

export const DEFAULT_DAYS = 180;
export const DEFAULT_REFRESH_HINT_S = 300;
/** A statement that nobody could end is none to sign. */
export const MOST_DAYS = 800;
