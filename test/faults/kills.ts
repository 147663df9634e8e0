import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { RegionId } from '../../src/demo/places.ts';
import { ASKING, preparePlaces, type Places } from '../bench/places.ts';
import { Measured } from '../bench/processes.ts';
import { PlacesViewer } from './asking-places.ts';

export const KILLED: readonly RegionId[] = [ASKING, 'london'];
const AT_ONCE = 8;
const LONGEST_LIFE_MS = 400;
/** A circuit that opened for a kill is closed again soon after the start: the load is to meet both ends. */
const QUICK = { window_ms: 1_000, reset_ms: 100, probe_ms: 500 };

export interface KillRun {
  readonly kills: number;
  /** Ids (`X-Request-Id`) of the requests that the viewer had a whole answer to. */
  readonly answered: readonly string[];
  readonly asked: number;
  /** The most kills one after another between which nothing was answered: what a load that meets nothing shows. */
  readonly idle: number;
}

/**
 * Asks without pause, and kills a broker (the asking one and an answering one in turns) at a random moment, again
 * and again; each is started anew at once. At the end both are stopped in the ordinary way.
 *
 * @param longestMs after this the run ends, however many kills there were
 */
export async function killAndAsk(
  kills: number,
  longestMs: number,
  say: (line: string) => void,
): Promise<KillRun> {
  const places = await preparePlaces(QUICK);
  const running = new Map<string, Measured>();
  const ends = performance.now() + longestMs;
  const load = { answered: [] as string[], asked: 0, over: false };
  let [killed, idle] = [0, 0];
  let met = { answers: 0, kill: 0 };
  try {
    const plan = {
      records: Object.values(places.regions).map(({ record }) => record),
      demographics: places.demographics,
    };
    running.set('stand-ins', await Measured.ownFile('stand-ins', 'stand-ins.ts', plan));
    const start = async (region: RegionId): Promise<void> => {
      running.set(region, await Measured.broker(region, places.regions[region].admin, undefined));
    };
    await Promise.all(KILLED.map(start));
    const asking = Promise.all(Array.from({ length: AT_ONCE }, () => ask(places, load)));
    for (; killed < kills && performance.now() < ends; killed += 1) {
      const region = KILLED[killed % KILLED.length] ?? ASKING;
      await sleep(Math.random() * LONGEST_LIFE_MS);
      await running.get(region)?.kill();
      await start(region);
      if (load.answered.length > met.answers) met = { answers: load.answered.length, kill: killed };
      idle = Math.max(idle, killed - met.kill);
      if ((killed + 1) % 20 === 0) say(`${killed + 1} kills, ${load.answered.length} answers`);
    }
    load.over = true;
    await asking;
  } finally {
    load.over = true;
    await Promise.all([...running.values()].map((one) => one.stop()));
  }
  return { kills: killed, answered: load.answered, asked: load.asked, idle };
}

async function ask(
  places: Places,
  load: { answered: string[]; asked: number; over: boolean },
): Promise<void> {
  const viewer = PlacesViewer.of(places);
  while (!load.over) {
    const id = randomUUID();
    load.asked += 1;
    const { whole, status } = await viewer.ask(id);
    if (whole && status === 200) load.answered.push(id);
    else await sleep(20);
  }
  viewer.close();
}
