import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';

import { prepareKeys } from '../../src/demo/prepare.ts';
import { REGION_IDS, type RegionId } from '../../src/demo/places.ts';
import { freePorts } from '../support/free-ports.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
/** Of its own for each of the processes that run test files beside each other. */
export const STATE = join(ROOT, 'var', ['bench', process.env['MOCHA_WORKER_ID'] ?? []].flat().join('-'));
export const KEYS = join(STATE, 'keys');

/** Who asks, and who is asked. */
export const ASKING: RegionId = 'herts-west-essex';
export const ANSWERING: readonly RegionId[] = REGION_IDS.filter((region) => region !== ASKING);

export interface RegionPorts {
  readonly viewer: number;
  readonly federation: number;
  readonly admin: number;
  readonly statement: number;
  readonly admin_api: number;
  readonly record: number;
}

export interface Places {
  readonly regions: Readonly<Record<RegionId, RegionPorts>>;
  readonly demographics: number;
  /** For the floor: where the plain asking process listens, and the plain answering ones. */
  readonly floor: { readonly asking: number; readonly answering: readonly number[] };
}

const UNLIMITED = { capacity: 1000 };
export const UNLIMITED_LOAD = { least: 100_000, most: 100_000 };

/** The part of a configuration file that changes here. */
interface RawConfig {
  region: string;
  directory: string;
  store: string;
  log_level: string;
  federation_base: string;
  listeners: Record<string, { port: number }>;
  demographics: { base: string };
  records: { id: string; base: string; search: string; breaker?: object }[];
  viewers: { own_records: string[] }[];
  neighbours: { rate_per_second?: number; breaker?: object }[];
}

/**
 * Writes each region's committed configuration with free ports, one record and no limits that a benchmark would
 * meet, and makes the keys that go with it. Files of an earlier run go; keys are kept.
 *
 * @param breaker settings of every breaker
 * @param more settings of every region, or of each
 */
export async function preparePlaces(
  breaker: object = {},
  more: object | ((region: RegionId) => object) = {},
): Promise<Places> {
  const ports = await freePorts(REGION_IDS.length * 6 + 5);
  const take = (): number => ports.pop() ?? 0;
  const regions = Object.fromEntries(
    REGION_IDS.map((region) => [
      region,
      {
        ...{ viewer: take(), federation: take(), admin: take(), statement: take(), admin_api: take() },
        record: take(),
      },
    ]),
  ) as Record<RegionId, RegionPorts>;
  const places: Places = {
    regions,
    demographics: take(),
    floor: { asking: take(), answering: ANSWERING.map(take) },
  };
  await mkdir(KEYS, { recursive: true, mode: 0o700 });
  for (const region of REGION_IDS) {
    await rm(join(STATE, region), { recursive: true, force: true });
    await writeConfig(
      region,
      places,
      { ...UNLIMITED, ...breaker },
      more instanceof Function ? more(region) : more,
    );
  }
  await prepareKeys({ configs: STATE, keys: KEYS }, new Date());
  return places;
}

export function configFile(region: RegionId): string {
  return join(STATE, `${region}.yaml`);
}

async function writeConfig(
  region: RegionId,
  { regions, demographics }: Places,
  breaker: object,
  more: object,
): Promise<void> {
  const text = await readFile(join(ROOT, 'config', `${region}.yaml`), 'utf8');
  const raw = parse(text.replaceAll('../certs-dev/generated', KEYS)) as RawConfig;
  const { record, ...listeners } = regions[region];
  raw.directory = join(ROOT, 'config/directory.yaml');
  raw.store = `sqlite:${join(STATE, region, 'wayleave.db')}`;
  raw.log_level = 'warn';
  raw.federation_base = `https://127.0.0.1:${listeners.federation}`;
  for (const [name, port] of Object.entries(listeners)) raw.listeners[name] = { port };
  raw.demographics.base = `http://127.0.0.1:${demographics}/personal-demographics/FHIR/R4`;
  raw.records = raw.records.slice(0, 1).map((one) => ({
    ...one,
    base: `http://127.0.0.1:${record}/fhir`,
    search: 'chained',
    breaker,
  }));
  const [only] = raw.records;
  raw.viewers = raw.viewers.filter(({ own_records: own }) => own.every((id) => id === only?.id));
  for (const neighbour of raw.neighbours) {
    Object.assign(neighbour, { rate_per_second: 1_000_000, breaker });
  }
  Object.assign(raw, { load: UNLIMITED_LOAD }, more);
  await writeFile(configFile(region), stringify(raw, { aliasDuplicateObjects: false }));
}
