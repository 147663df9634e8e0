import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import type { BrokerStatus } from '../../src/http/broker-status.ts';
import { checkLogs } from '../faults/check-logs.ts';
import { ANSWERING, ASKING, preparePlaces, UNLIMITED_LOAD } from './places.ts';
import { PressingViewer, type Outcome, type Sent } from './pressing-viewer.ts';
import { Measured } from './processes.ts';

/**
 * A broker that is asked for twice of what it can do, with the limit on what is under way and without it: how much is
 * answered whole, how quickly the rest is refused, and whether anything is lost. `npm run bench:overload` prints a table;
 * `-- --json` the numbers.
 */
const { values: options } = parseArgs({
  options: { json: { type: 'boolean' }, seconds: { type: 'string', default: '8' } },
});
/** Both ways of asking take turns, so that whatever else the machine does meets both. */
const TURNS = 3;
const MS = Number(options.seconds) * 1000;
const AT_ONCE = [16, 32, 64];
const WARM_UP_MS = 12_000;
const SEARCH_MS = 6_000;
const TICK_MS = 10;

interface Result {
  readonly limit: 'on' | 'off';
  readonly best: number;
  readonly atOnce: number;
  readonly offered: number;
  readonly whole: number;
  readonly counts: Record<Outcome, number>;
  readonly wholeMs: readonly [number, number];
  readonly refusedMs: readonly [number, number];
  readonly memoryMib: number;
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const results: Result[] = [];
for (const limit of ['off', 'on'] as const) results.push(await measure(limit));
if (options.json) console.log(JSON.stringify(results));
else for (const line of table(results)) console.log(line);

async function measure(limit: Result['limit']): Promise<Result> {
  say(`Limit ${limit}: starting.`);
  const places = await preparePlaces({}, (region) => ({
    // The others stand on machines of their own, in life.
    load: limit === 'on' && region === ASKING ? {} : UNLIMITED_LOAD,
  }));
  const running: Measured[] = [];
  try {
    const records = Object.values(places.regions).map(({ record }) => record);
    const plan = { records, demographics: places.demographics };
    running.push(await Measured.ownFile('stand-ins', 'stand-ins.ts', plan));
    for (const region of [...ANSWERING, ASKING]) {
      running.push(await Measured.broker(region, places.regions[region].admin, undefined));
    }
    const asking = running.at(-1);
    const viewer = new PressingViewer(places);
    await closed(viewer, 16, WARM_UP_MS);
    let [best, atOnce] = [0, 0];
    for (const workers of AT_ONCE) {
      const sent = await closed(viewer, workers, SEARCH_MS);
      const rate = perSecond(sent, 'whole', SEARCH_MS);
      say(`Limit ${limit}: ${workers} at a time, ${rate.toFixed(0)} a second.`);
      if (rate > best) [best, atOnce] = [rate, workers];
    }
    say(`Limit ${limit}: ${atOnce} at a time and twice that much, in turns.`);
    const [one, twice]: [Sent[], Sent[]] = [[], []];
    let offered = 0;
    for (let turn = 0; turn < TURNS; turn += 1) {
      const some = await closed(viewer, atOnce, MS);
      one.push(...some);
      const twofold = perSecond(some, 'whole', MS) * 2;
      offered += twofold / TURNS;
      twice.push(...(await open(viewer, twofold, MS)));
    }
    const { admin } = places.regions[ASKING];
    const { load } = (await (await fetch(`http://127.0.0.1:${admin}/status`)).json()) as BrokerStatus;
    say(`Limit ${limit}: ${JSON.stringify(load)}`);
    viewer.close();
    const memoryMib = asking?.memoryMib() ?? 0;
    await stopAll(running);
    const all = [...viewer.all];
    const answered = all.filter(({ outcome }) => outcome === 'whole').map(({ id }) => id);
    await checkLogs({ kills: 0, answered, asked: all.length, idle: 0 });
    const counts = { whole: 0, part: 0, refused: 0, unanswered: 0, lost: 0 };
    for (const { outcome } of twice) counts[outcome] += 1;
    return {
      ...{ limit, atOnce, offered, counts, memoryMib },
      best: perSecond(one, 'whole', MS * TURNS),
      whole: perSecond(twice, 'whole', MS * TURNS),
      wholeMs: quantiles(twice, 'whole'),
      refusedMs: quantiles(twice, 'refused'),
    };
  } finally {
    await stopAll(running);
  }
}

/** So many at a time, each anew when the one before is over: at the most that is asked for. */
async function closed(viewer: PressingViewer, workers: number, forMs: number): Promise<Sent[]> {
  const sent: Sent[] = [];
  const until = performance.now() + forMs;
  const work = async (): Promise<void> => {
    while (performance.now() < until) sent.push(await viewer.ask());
  };
  await Promise.all(Array.from({ length: workers }, work));
  return sent;
}

/** So many a second, whatever becomes of those before. */
async function open(viewer: PressingViewer, rate: number, forMs: number): Promise<Sent[]> {
  const asked: Promise<Sent>[] = [];
  const started = performance.now();
  for (let spent = 0; spent < forMs; spent = performance.now() - started) {
    while (asked.length < (spent / 1000) * rate) asked.push(viewer.ask());
    await sleep(TICK_MS);
  }
  return await Promise.all(asked);
}

function perSecond(sent: readonly Sent[], outcome: Outcome, ms: number): number {
  return (sent.filter((one) => one.outcome === outcome).length / ms) * 1000;
}

function quantiles(sent: readonly Sent[], outcome: Outcome): [number, number] {
  const times = sent.filter((one) => one.outcome === outcome).map(({ ms }) => ms);
  times.sort((left, right) => left - right);
  const at = (part: number): number => times[Math.floor(times.length * part)] ?? Number.NaN;
  return [at(0.5), at(0.99)];
}

async function stopAll(running: readonly Measured[]): Promise<void> {
  await Promise.all(running.map((one) => one.stop()));
}

function table(all: readonly Result[]): string[] {
  const ms = ([median, p99]: readonly [number, number]): string =>
    Number.isNaN(median) ? '-' : `${median.toFixed(0)}, ${p99.toFixed(0)} ms`;
  return [
    '| limit | best whole/s | offered/s | whole/s at that | of the best | whole: p50, p99 | refused: p50, p99 | in part | no region in time | lost | memory |',
    '|---|---|---|---|---|---|---|---|---|---|---|',
    ...all.map(({ limit, best, atOnce, offered, whole, counts, memoryMib, ...one }) =>
      [
        '',
        limit,
        `${best.toFixed(0)} (${atOnce} at a time)`,
        offered.toFixed(0),
        whole.toFixed(0),
        `${((whole / best) * 100).toFixed(0)}%`,
        ms(one.wholeMs),
        `${counts.refused}: ${ms(one.refusedMs)}`,
        counts.part,
        counts.unanswered,
        counts.lost,
        `${memoryMib.toFixed(0)} MiB`,
        '',
      ].join(' | '),
    ),
  ].map((line) => line.trim());
}
