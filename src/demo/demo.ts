import http from 'node:http';
import { createServer } from 'node:net';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { loadConfig, type Config } from '../config/load.ts';
import { StartError } from '../errors.ts';
import { cleanUp, startChild, stopChild, waitUntilReady, type Child, type ChildPlan } from './children.ts';
import { RECORDS, RECORD_IDS, REGION_IDS, recordsOf } from './places.ts';
import { gatherData, prepareKeys, seedStores, type Places } from './prepare.ts';
import { writeDemoData } from './write-data.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PDS_PORT = 4500;
const READY_MS = 50_000;

export interface DemoOptions extends Places {
  /** The Node executable that the processes run on. */
  readonly node: string;
  readonly pid: number;
  /** A directory of FHIR bundles to load beside the stories. */
  readonly records?: string | undefined;
  readonly say: (line: string) => void;
}

export interface Demo {
  readonly configs: readonly Config[];
  stop(): Promise<void>;
}

/**
 * The four regions on one machine, as in life: every broker, every regional record and the demographics
 * service is a process of its own. State is below `var/demo`.
 *
 * @throws StartError a sentence: a port is taken, a run is going on, a bundle cannot be read
 */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const { say } = options;
  const directory = join(ROOT, 'var/demo');
  const ended = await cleanUp(directory);
  if (ended > 0) say(`Ended ${ended} processes of an earlier run.`);
  const now = new Date();

  const made = await prepareKeys(options, now);
  say(
    made.length === 0
      ? 'Keys and certificates: there.'
      : `Keys and certificates: made for ${made.join(', ')}.`,
  );
  const configs = REGION_IDS.map((region) => loadConfig(join(options.configs, `${region}.yaml`)));
  await refuseTakenPorts(configs);

  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(join(directory, 'demo.pid'), `${options.pid}\n`);
  const { data, whoIsWhere } = await gatherData(options.records, now);
  await writeDemoData(join(directory, 'data'), data);
  const count = RECORD_IDS.reduce((sum, record) => sum + data.records[record].length, 0);
  say(`Records: ${count} resources for ${data.demographics.length} patients.`);
  for (const line of whoIsWhere) say(line);
  await seedStores(data, options);

  const children: Child[] = [];
  let stopping = false;
  const stop = async (): Promise<void> => {
    stopping = true;
    await Promise.all(children.map(stopChild));
    rmSync(join(directory, 'demo.pid'), { force: true });
  };
  const start = async (plan: ChildPlan, isReady: () => Promise<boolean>): Promise<void> => {
    const child = startChild(options.node, plan);
    children.push(child);
    await waitUntilReady(child, isReady, READY_MS);
    say(`  ${child.name}: ready`);
    void child.gone.then((how) => {
      if (!stopping) say(`${child.name} has stopped (${how}): see ${child.log}`);
    });
  };

  try {
    say('Starting the demographics service, six records and four brokers:');
    const starts = [
      start(pdsPlan(directory), () => answers(`http://127.0.0.1:${PDS_PORT}/`)),
      ...RECORD_IDS.map((record) => {
        const { port } = RECORDS[record];
        return start(recordPlan(directory, record), () => answers(`http://127.0.0.1:${port}/fhir/metadata`));
      }),
      ...configs.map((config) =>
        start(brokerPlan(directory, config), () =>
          answers(`http://127.0.0.1:${config.listeners.admin.port}/health/ready`),
        ),
      ),
    ];
    const results = await Promise.allSettled(starts);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  } catch (error) {
    await stop();
    throw error;
  }
  return { configs, stop };
}

function pdsPlan(directory: string): ChildPlan {
  return {
    name: 'demographics (PDS stand-in)',
    log: join(directory, 'pds.log'),
    arguments: [
      join(ROOT, 'src/demo/pds-main.ts'),
      ...['--port', String(PDS_PORT), '--data', join(directory, 'data/pds.json')],
      ...['--pid-file', join(directory, 'pds.pid')],
    ],
  };
}

function recordPlan(directory: string, record: (typeof RECORD_IDS)[number]): ChildPlan {
  const { region, port } = RECORDS[record];
  const place = join(directory, region);
  mkdirSync(place, { recursive: true, mode: 0o700 });
  return {
    name: `${region} / ${record}`,
    log: join(place, `${record}.log`),
    arguments: [
      join(ROOT, 'src/demo/record-main.ts'),
      ...['--port', String(port), '--name', record],
      ...['--data', join(directory, `data/${record}.ndjson`), '--pid-file', join(place, `${record}.pid`)],
    ],
  };
}

function brokerPlan(directory: string, config: Config): ChildPlan {
  const place = join(directory, config.region);
  return {
    name: `${config.region} / broker`,
    log: join(place, 'broker.log'),
    arguments: [
      join(ROOT, 'src/launch.js'),
      ...['serve', '--config', config.source, '--pid-file', join(place, 'broker.pid')],
    ],
  };
}

/** True when something answers, whatever it says. */
function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get(url, { timeout: 1_000 }, (response) => {
      response.resume();
      resolve(response.statusCode !== 503);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}

async function refuseTakenPorts(configs: readonly Config[]): Promise<void> {
  const ports = [
    PDS_PORT,
    ...RECORD_IDS.map((record) => RECORDS[record].port),
    ...configs.flatMap(({ listeners }) =>
      Object.values(listeners).flatMap((listener) => listener?.port ?? []),
    ),
  ];
  const taken = (await Promise.all(ports.map(async (port) => ((await isFree(port)) ? [] : [port])))).flat();
  if (taken.length > 0) {
    throw new StartError(
      `127.0.0.1 port ${taken.join(', ')}: another program listens there. Stop it (\`ss -ltnp\` names it) and start again.`,
    );
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

const SHOWN = ['viewer', 'federation', 'admin', 'statement', 'admin_api'] as const;

/** What a newcomer needs to go on: addresses and three commands. */
export function welcome(configs: readonly Config[]): string[] {
  const rows = configs.map(({ region, listeners }) => {
    const records = recordsOf(region as (typeof REGION_IDS)[number]).map((record) => RECORDS[record].port);
    const ports = SHOWN.map((name) => String(listeners[name]?.port ?? '').padEnd(name.length));
    return ['', region.padEnd(16), ...ports, records.join(', ')].join('  ');
  });
  return [
    '',
    'On 127.0.0.1:',
    ['', 'region'.padEnd(16), ...SHOWN, 'records'].join('  '),
    ...rows,
    `  demographics      ${PDS_PORT}`,
    '',
    'To try, in another terminal:',
    '  npx wayleave ask 9990000018 --type AllergyIntolerance --region herts-west-essex',
    '  npx wayleave ask 9990000042 --region west-midlands --stream',
    '  npx wayleave status',
    '',
    'Wayleave demo is ready',
  ];
}

/** The pid of one process of the running demo, by region and `broker` or a record's id. */
export function pidOf(region: string, name: string): number {
  return Number(readFileSync(join(ROOT, 'var/demo', region, `${name}.pid`), 'utf8').trim());
}
