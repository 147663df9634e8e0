import type { ConfiguredRecord } from '../../src/config/load.ts';
import { NEVER_OPEN } from './scripted-server.ts';

/** A record as a configuration describes one, at `base` and with what the test changes. */
export function configuredRecord(base: string, change: Partial<ConfiguredRecord> = {}): ConfiguredRecord {
  return {
    id: 'record',
    name: 'Record',
    base,
    public_base: [],
    credentials: { kind: 'none' },
    search: 'chained',
    offers: ['Condition', 'Patient'],
    care_setting: 'acute',
    page_size: 50,
    timeout_ms: 2000,
    connect_ms: 1000,
    breaker: NEVER_OPEN,
    ...change,
  };
}
