import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';

import { startBroker, type Overrides } from '../../src/broker.ts';
import { loadConfig } from '../../src/config/load.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import type { RegionId } from '../../src/demo/places.ts';
import type { RawConfig, TestFederation } from './federation.ts';

/**
 * Another broker of a region that runs, on the same store (one that several may open), with ports of its own and a log of its
 * own, which the region's statement must list by now.
 *
 * @returns the federation as it is seen by whoever meets that region at this broker
 */
export async function startReplica(
  federation: TestFederation,
  region: RegionId,
  replica: string,
  overrides: Overrides = {},
): Promise<TestFederation & AsyncDisposable> {
  const file = (name: string): string => join(federation.directory, `${name}.yaml`);
  const raw = parse(readFileSync(file(region), 'utf8')) as RawConfig;
  raw['replica'] = replica;
  for (const listener of Object.values(raw['listeners'] as Record<string, { port: number }>)) {
    listener.port = 0;
  }
  writeFileSync(file(`${region}-${replica}`), stringify(raw));
  const config = loadConfig(file(`${region}-${replica}`));
  const broker = await startBroker(config, loadSecrets(config.secretsDirectory), overrides);
  return {
    ...federation,
    broker: (of) => (of === region ? broker : federation.broker(of)),
    config: (of) => (of === region ? config : federation.config(of)),
    [Symbol.asyncDispose]: () => broker.stop(),
  };
}
