import type { PublicJwk } from '../trust/entity-statement.ts';
import { DEFAULT_DAYS, DEFAULT_REFRESH_HINT_S, type StatementRequest } from '../trust/statement-request.ts';
import type { ConfigFile } from './schema.ts';

/** The public halves of what a region signs, writes and connects with. */
export interface OwnPublic {
  readonly messageKeys: PublicJwk[];
  readonly logKeys: PublicJwk[];
  readonly witnessKeys: PublicJwk[];
  /** Origins of its logs. */
  readonly logs: string[];
  /** PEM. */
  readonly anchors: string[];
  readonly refreshHint?: number;
  readonly days?: number;
}

/** What of a region's configuration its entity statement says. */
export type SaidOfUs = Pick<
  ConfigFile,
  'region' | 'entity' | 'name' | 'contact' | 'federation_base' | 'statement_base' | 'coverage' | 'records'
> &
  Partial<Pick<ConfigFile, 'federation_alternates'>>;

/** What our entity statement is to say: our configuration, and the public halves of our keys. */
export function ownStatementRequest(config: SaidOfUs, own: OwnPublic): StatementRequest {
  const alternates = config.federation_alternates ?? [];
  return {
    entity: config.entity,
    days: own.days ?? DEFAULT_DAYS,
    broker: {
      region: config.region,
      name: config.name,
      contact: config.contact,
      endpoints: {
        federation: config.federation_base,
        ...(alternates.length === 0 ? {} : { federation_alternates: alternates }),
        ...(config.statement_base === undefined ? {} : { statement: config.statement_base }),
      },
      tls: { anchors: own.anchors },
      message_keys: own.messageKeys,
      log_keys: own.logKeys,
      logs: own.logs,
      witness_keys: own.witnessKeys,
      coverage: config.coverage,
      records: config.records.map(({ id, name, offers, care_setting }) => ({
        id,
        name,
        offers,
        care_setting,
      })),
      refresh_hint: own.refreshHint ?? DEFAULT_REFRESH_HINT_S,
    },
  };
}
