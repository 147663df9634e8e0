import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';

import { FEDERATION } from '../../certs-dev/federation.ts';
import { generateFederation } from '../../certs-dev/generate.ts';
import { ensureStatement } from '../../certs-dev/statements.ts';
import { loadWithLastWhole, startBroker, type Broker } from '../../src/broker.ts';
import type { Config } from '../../src/config/load.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import type { DemoData } from '../../src/demo/demo-data.ts';
import { createPdsServer } from '../../src/demo/pds-server.ts';
import { recordBase, RECORDS, REGION_IDS, type RecordId, type RegionId } from '../../src/demo/places.ts';
import { seedStores } from '../../src/demo/prepare.ts';
import { createRecordServer } from '../../src/demo/record-server.ts';
import { buildStories } from '../../src/demo/stories.ts';
import { moveBase } from '../../src/fhir/references.ts';
import type { Log } from '../../src/log.ts';
import type { Store } from '../../src/store/contracts.ts';
import { freePorts } from './free-ports.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const KEYS = join(ROOT, 'var/test/keys');

/** A configuration file as YAML gives it: tests change it before it is read and checked. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type RawConfig = Record<string, any>;

export interface FederationOptions {
  /** Default: the seven stories. */
  readonly data?: DemoData;
  /** Listeners that take the place of a record's own server: records that misbehave. */
  readonly records?: Partial<Record<RecordId, RequestListener>>;
  readonly demographics?: RequestListener;
  readonly edit?: (region: RegionId, config: RawConfig) => void;
  readonly regions?: readonly RegionId[];
  /** A store in the place of the real one, for one region. */
  readonly store?: (region: RegionId) => Store | undefined;
  readonly now?: () => number;
  /** What a region gets where it looks for its neighbours' statements, by the address that it looks at. */
  readonly fetchStatement?: (region: RegionId, base: string) => Promise<string>;
}

export interface TestFederation {
  readonly directory: string;
  readonly data: DemoData;
  broker(region: RegionId): Broker;
  config(region: RegionId): Config;
  /** Every line that every broker logged, as JSON text. */
  readonly logged: readonly string[];
  /** Stops one broker; the others run on. */
  stopBroker(region: RegionId): Promise<void>;
  /** Starts one that was stopped, with the configuration that it had. */
  startBroker(region: RegionId): Promise<void>;
  stop(): Promise<void>;
}

/** How often a start is tried, when another program takes one of its ports meanwhile. */
const ATTEMPTS = 3;

/**
 * The regions in this process, as in life but for that: real brokers, real certificates of `certs-dev`, real
 * TLS over loopback, a store each on the disk, records and demographics over HTTP. Ports are free ones. A start
 * that fails leaves nothing behind; `edit` is called anew where it is tried again.
 */
export async function startFederation(options: FederationOptions = {}): Promise<TestFederation> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await tryToStart(options);
    } catch (error) {
      if (attempt === ATTEMPTS || !isPortTaken(error)) throw error;
    }
  }
}

async function tryToStart(options: FederationOptions): Promise<TestFederation> {
  const regions = options.regions ?? REGION_IDS;
  const data = options.data ?? buildStories(new Date());
  await using started = new AsyncDisposableStack();
  const directory = await freshDirectory();
  started.defer(() => rm(directory, { recursive: true, force: true }));

  await writeConfigs(regions, directory, await startUpstream(regions, data, options, started), options);
  await seedStores(data, { configs: directory }, regions);

  const logged: string[] = [];
  const brokers = new Map<RegionId, Broker>();
  const configs = new Map<RegionId, Config>();
  started.defer(async () => {
    await Promise.all([...brokers.values()].map((broker) => broker.stop()));
  });
  const start = async (region: RegionId): Promise<void> => {
    const config = await loadWithLastWhole(join(directory, `${region}.yaml`));
    configs.set(region, config);
    const store = options.store?.(region);
    const fetch = options.fetchStatement;
    const broker = await startBroker(config, loadSecrets(config.secretsDirectory), {
      log: captured(logged),
      ...(store === undefined ? {} : { store }),
      ...(options.now === undefined ? {} : { now: options.now }),
      ...(fetch === undefined ? {} : { fetchStatement: (base: string) => fetch(region, base) }),
    });
    brokers.set(region, broker);
  };
  for (const region of regions) await start(region);
  const need = <Value>(map: ReadonlyMap<RegionId, Value>, region: RegionId): Value => {
    const found = map.get(region);
    if (found === undefined) throw new TypeError(`${region} does not run here`);
    return found;
  };
  const running = started.move();
  return {
    directory,
    data,
    logged,
    broker: (region) => need(brokers, region),
    config: (region) => need(configs, region),
    stopBroker: async (region) => {
      await need(brokers, region).stop();
      brokers.delete(region);
    },
    startBroker: start,
    stop: () => running.disposeAsync(),
  };
}

/** What the brokers stand on: demographics and the regions' records, each on a port of its own. */
async function startUpstream(
  regions: readonly RegionId[],
  data: DemoData,
  options: FederationOptions,
  started: AsyncDisposableStack,
): Promise<Upstream> {
  const serve = async (listenerFor: (port: number) => RequestListener): Promise<number> => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    started.defer(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    server.on('request', listenerFor(port));
    return port;
  };
  const pds = await serve(() => options.demographics ?? createPdsServer({ entries: data.demographics }));
  const recordPorts = new Map<string, number>();
  for (const record of Object.keys(RECORDS) as RecordId[]) {
    if (!regions.includes(RECORDS[record].region)) continue;
    recordPorts.set(
      record,
      await serve((port) => options.records?.[record] ?? recordListener(record, data, port)),
    );
  }
  return { pds, recordPorts };
}

/** Each region's file, and the statement that goes with it; a region that does not run keeps the committed one. */
async function writeConfigs(
  regions: readonly RegionId[],
  directory: string,
  upstream: Upstream,
  options: FederationOptions,
): Promise<void> {
  const ports = await freePorts(regions.length * 5);
  const take = (): number => ports.pop() ?? 0;
  for (const region of regions) {
    const raw = parse(await readFile(join(ROOT, 'config', `${region}.yaml`), 'utf8')) as RawConfig;
    rewrite(raw, { directory, ...upstream, take });
    options.edit?.(region, raw);
    await writeFile(join(directory, `${region}.yaml`), stringify(raw, { aliasDuplicateObjects: false }));
  }
  for (const region of REGION_IDS) {
    const folder = regions.includes(region) ? directory : join(ROOT, 'config');
    await ensureStatement(join(folder, `${region}.yaml`), join(directory, 'keys', region), Date.now());
  }
}

function isPortTaken(error: unknown): boolean {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
}

/** The stories name each record by the demo's address in a few absolute URLs; here they move with it. */
function recordListener(record: RecordId, data: DemoData, port: number): RequestListener {
  const base = `http://127.0.0.1:${port}/fhir`;
  const resources = data.records[record].map((resource) => moveBase(resource, recordBase(record), base));
  return createRecordServer({ base, resources });
}

/** A directory of a test's own with a copy of the development keys, below `var/test`. */
export async function freshDirectory(): Promise<string> {
  await generateFederation({ directory: KEYS, ...FEDERATION, now: new Date() });
  await mkdir(join(ROOT, 'var/test'), { recursive: true });
  const directory = await mkdtemp(join(ROOT, 'var/test/federation-'));
  await cp(KEYS, join(directory, 'keys'), { recursive: true });
  return directory;
}

/** The ports of what the brokers stand on. */
interface Upstream {
  readonly pds: number;
  readonly recordPorts: ReadonlyMap<string, number>;
}

interface Rewriting extends Upstream {
  readonly directory: string;
  readonly take: () => number;
}

/** The committed file, with this test's ports, keys and store in the place of the demo's. */
function rewrite(raw: RawConfig, { directory, pds, recordPorts, take }: Rewriting): void {
  const keys = join(directory, 'keys');
  const text = JSON.stringify(raw).replaceAll('../certs-dev/generated', keys);
  Object.assign(raw, JSON.parse(text));
  raw['directory'] = join(ROOT, 'config/directory.yaml');
  raw['store'] = `sqlite:${join(directory, `${raw['region']}.db`)}`;
  raw['log_level'] = 'silent';
  // Tests that look at witnesses choose a time of their own; in the others no round comes in between.
  raw['checkpoint_ms'] = 60_000;
  // All regions share one event loop here, and the machine others: no test is refused for that.
  raw['load'] = { least: 1_000 };
  const listeners = raw['listeners'] as Record<string, { port: number }>;
  for (const listener of Object.values(listeners)) listener.port = take();
  raw['federation_base'] = `https://127.0.0.1:${listeners['federation']?.port}`;
  raw['statement_base'] = `https://127.0.0.1:${listeners['statement']?.port}`;
  (raw['demographics'] as RawConfig)['base'] = `http://127.0.0.1:${pds}/personal-demographics/FHIR/R4`;
  for (const record of raw['records'] as { id: string; base: string }[]) {
    record.base = `http://127.0.0.1:${recordPorts.get(record.id)}/fhir`;
  }
}

function captured(lines: string[]): Log {
  const write = (fields: object, message: string): void =>
    void lines.push(JSON.stringify({ ...fields, message }));
  return { info: write, warn: write, error: write };
}
