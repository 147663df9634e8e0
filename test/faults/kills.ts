import { randomUUID } from 'node:crypto';
import https from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { viewerIdentity } from '../../src/cli/viewer-tokens.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { ASKING, configFile, KEYS, preparePlaces, type Places } from '../bench/places.ts';
import { Measured } from '../bench/processes.ts';
import { NHS_NUMBER } from '../bench/stand-ins.ts';

export const KILLED: readonly RegionId[] = [ASKING, 'london'];
const AT_ONCE = 8;
const LONGEST_LIFE_MS = 400;
const ANSWER_MS = 8_000;
/** A circuit that opened for a kill is closed again soon after the start: the load is to meet both ends. */
const QUICK = { window_ms: 1_000, reset_ms: 100, probe_ms: 500 };

export interface KillRun {
  readonly kills: number;
  /** Ids (`X-Request-Id`) of the requests that the viewer had a whole answer to. */
  readonly answered: readonly string[];
  readonly asked: number;
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
  let killed = 0;
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
      if ((killed + 1) % 20 === 0) say(`${killed + 1} kills, ${load.answered.length} answers`);
    }
    load.over = true;
    await asking;
  } finally {
    load.over = true;
    await Promise.all([...running.values()].map((one) => one.stop()));
  }
  return { kills: killed, answered: load.answered, asked: load.asked };
}

async function ask(
  places: Places,
  load: { answered: string[]; asked: number; over: boolean },
): Promise<void> {
  const config = loadConfig(configFile(ASKING));
  const identity = viewerIdentity(config, {
    keys: join(KEYS, ASKING, 'viewers', config.viewers[0]?.id ?? ''),
  });
  const tls = { cert: identity.certificate, key: identity.key, ca: identity.brokerAnchor };
  const agent = new https.Agent({ ...tls, keepAlive: true });
  const Authorization = `Bearer ${await identity.tokenFor(NHS_NUMBER)}`;
  while (!load.over) {
    const id = randomUUID();
    load.asked += 1;
    const url = `https://127.0.0.1:${places.regions[ASKING].viewer}/fhir/Condition?patient=${NHS_NUMBER}`;
    const whole = await answers(url, agent, { Authorization, 'X-Request-Id': id });
    if (whole) load.answered.push(id);
    else await sleep(20);
  }
  agent.destroy();
}

/** True when the whole of a 200 arrived. */
function answers(url: string, agent: https.Agent, headers: Record<string, string>): Promise<boolean> {
  return new Promise((done) => {
    const request = https.get(url, { agent, headers, timeout: ANSWER_MS }, (response) => {
      response.resume();
      response.once('error', () => done(false));
      response.once('end', () => done(response.complete && response.statusCode === 200));
    });
    request.once('timeout', () => request.destroy(new Error('timeout')));
    request.once('error', () => done(false));
  });
}
