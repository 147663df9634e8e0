import https from 'node:https';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { viewerIdentity } from '../../src/cli/viewer-tokens.ts';
import { loadConfig } from '../../src/config/load.ts';
import { SYSTEM } from '../../src/fhir/codes.ts';
import type { Bundle, BundleEntry } from '../../src/fhir/resource.ts';
import type { FloorBytes } from './floor.ts';
import {
  ask,
  runSlice,
  summarise,
  type Asker,
  type Phase,
  type Result,
  type Slice,
  type Subject,
} from './load.ts';
import { ANSWERING, ASKING, configFile, KEYS, preparePlaces, STATE, type Places } from './places.ts';
import { Measured } from './processes.ts';
import { table, type Report } from './report.ts';
import { HELD, NHS_NUMBER } from './stand-ins.ts';

/**
 * A query to three regions, beside the least that could be done for it, measured in the same run. `npm run bench`
 * prints a table; `-- --json` the numbers; `-- --profile DIR` has every broker write a CPU profile there.
 */
/** Brokers and floor take turns, so that whatever else the machine does meets both. */
const TURNS = 3;
const PHASES: readonly Phase[] = [
  { concurrency: 1, queries: 200, longestMs: 3_000 },
  { concurrency: 8, queries: 500, longestMs: 4_500 },
  { concurrency: 32, queries: 500, longestMs: 4_500 },
];
/** Until the compiler has seen enough of either: it counts in processor time as anything else does. */
const WARM_UP: Phase = { concurrency: 16, queries: 3_000, longestMs: 14_000 };
/** The signed query as it travels, and the header that carries the signed response; both within a few bytes. */
const QUERY_BYTES = 1_500;
const HEADER_BYTES = 1_100;

const { values: options } = parseArgs({
  options: { json: { type: 'boolean' }, profile: { type: 'string' } },
});
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const running: Measured[] = [];
try {
  say('Preparing keys and configurations.');
  const report = await measure(await preparePlaces());
  console.log(options.json ? JSON.stringify(report) : table(report));
} finally {
  await Promise.all(running.map((one) => one.stop()));
}

async function measure(places: Places): Promise<Report> {
  const started = (one: Measured): Measured => {
    running.push(one);
    return one;
  };
  say('Starting a process each for the records, four brokers and the floor.');
  const profile = options.profile === undefined ? undefined : resolve(options.profile);
  started(
    await Measured.ownFile('stand-ins', 'stand-ins.ts', {
      records: Object.values(places.regions).map(({ record }) => record),
      demographics: places.demographics,
    }),
  );
  const broker = async (region: typeof ASKING): Promise<Measured> =>
    started(await Measured.broker(region, places.regions[region].admin, profile));
  const asking = await broker(ASKING);
  const answering = await Promise.all(ANSWERING.map(broker));
  const restMemoryMib = asking.memoryMib();

  const asker = await brokerAsker(places);
  const bytes = sizesOf((await checked(asker)).body);
  const floorAnswering = await Promise.all(
    ANSWERING.map(async (region, at) =>
      started(
        await Measured.ownFile(`floor ${region}`, 'floor.ts', {
          region,
          port: places.floor.answering[at],
          calls: [],
          bytes,
        }),
      ),
    ),
  );
  const floorPlan = { region: ASKING, port: places.floor.asking, calls: places.floor.answering, bytes };
  const floorAsking = started(await Measured.ownFile('floor', 'floor.ts', floorPlan));
  const floorAsker: Asker = {
    ...asker,
    url: `https://127.0.0.1:${places.floor.asking}/`,
    check: (status, body) => {
      if (status !== 200 || body.length !== bytes.merged) throw new Error(`the floor answered ${status}`);
    },
  };

  say('Warming up.');
  const brokers: Subject = { asker, asking, answering };
  const floor: Subject = { asker: floorAsker, asking: floorAsking, answering: floorAnswering };
  for (const subject of [brokers, floor]) await runSlice(subject, WARM_UP);
  const results = { broker: [] as Result[], floor: [] as Result[] };
  for (const phase of PHASES) {
    say(`${phase.concurrency} at a time.`);
    const slices = { broker: [] as Slice[], floor: [] as Slice[] };
    for (let turn = 0; turn < TURNS; turn++) {
      slices.broker.push(await runSlice(brokers, phase));
      slices.floor.push(await runSlice(floor, phase));
    }
    results.broker.push(summarise(phase.concurrency, ANSWERING.length, slices.broker));
    results.floor.push(summarise(phase.concurrency, ANSWERING.length, slices.floor));
  }
  const machine = `${availableParallelism()} cores, Node ${process.versions.node}`;
  return { machine, ...results, restMemoryMib };
}

/** The viewer of the asking region, with one token for the whole run. */
async function brokerAsker(places: Places): Promise<Asker> {
  const config = loadConfig(configFile(ASKING));
  const keys = join(KEYS, ASKING, 'viewers', config.viewers[0]?.id ?? '');
  const identity = viewerIdentity(config, { keys });
  return {
    url: `https://127.0.0.1:${places.regions[ASKING].viewer}/fhir/Condition?patient=${NHS_NUMBER}`,
    headers: {
      Authorization: `Bearer ${await identity.tokenFor(NHS_NUMBER)}`,
      Accept: 'application/fhir+json',
    },
    agent: new https.Agent({
      cert: identity.certificate,
      key: identity.key,
      ca: identity.brokerAnchor,
      keepAlive: true,
    }),
    check: (status, body) => {
      const { total } = JSON.parse(body.toString('utf8')) as Bundle;
      if (status !== 200 || total !== HELD * ANSWERING.length) {
        throw new Error(`status ${status}, total ${String(total)}: see the logs in ${STATE}`);
      }
    },
  };
}

async function checked(asker: Asker) {
  const answer = await ask(asker);
  asker.check(answer.status, answer.body);
  return answer;
}

/** What the floor must carry: one region's part of the merged answer, and the whole of it. */
function sizesOf(body: Buffer): FloorBytes {
  const { entry = [] } = JSON.parse(body.toString('utf8')) as Bundle;
  const isFrom = ({ resource }: BundleEntry): boolean =>
    resource?.meta?.tag?.some(({ system, code }) => system === SYSTEM.region && code === ANSWERING[0]) ??
    false;
  const answer = Buffer.byteLength(JSON.stringify(entry.filter(isFrom)));
  return { query: QUERY_BYTES, header: HEADER_BYTES, answer, merged: body.length };
}
