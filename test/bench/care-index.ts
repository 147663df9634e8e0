import { createHmac, createSecretKey } from 'node:crypto';
import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { Client } from 'pg';

import { patientNotices } from '../../src/config/patient-notices.ts';
import { PatientNumberSeal } from '../../src/evidence/patient-number-seal.ts';
import { Directory } from '../../src/routing/directory.ts';
import type { OnSeen } from '../../src/routing/seen-patients.ts';
import type { Store } from '../../src/store/contracts.ts';
import { openPostgresStore } from '../../src/store/postgres/store.ts';
import { openSqliteStage } from '../../src/store/sqlite/sighting-stage.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { importFile } from '../../src/whereabouts/import/import-file.ts';
import { queueSeen } from '../../src/whereabouts/notices/queue-seen.ts';
import { quantile } from './audit-floor.ts';

/**
 * One step of the benchmark of the care-location index, as a process of its own, whose memory is then that of this alone:
 * `care-index.ts import|notice|look STORE FILE PATIENTS`. It prints what it measured as JSON. `notice` imports, and puts every
 * patient into the queue of those whose home is to be told.
 */
export interface ImportFigures {
  readonly rows: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly memoryMib: number;
  /** On the disk, indexes included, without what SQLite or PostgreSQL keep beside. */
  readonly bytes: number;
}

export interface Looked {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of one: what others do on the machine is not in it. */
  readonly cpuUs: number;
}

export interface LookFigures {
  readonly present: Looked;
  readonly absent: Looked;
  readonly memoryMib: number;
}

const KEY = createSecretKey(Buffer.alloc(32, 1));
const LOOKS = 20_000;
/** The quietest of them counts: what else the machine does is no cost of ours. */
const ROUNDS = 5;
const NEVER: Looked = { p50Ms: Infinity, p99Ms: Infinity, cpuUs: Infinity };
const FIRST = 400_000_000;
/** Coprime to SPREAD: patients come in no order of their numbers. */
const STRIDE = 73_687_873;
const SPREAD = 500_000_000;
const DAY_MS = 86_400_000;

const digest = (nhsNumber: string): Buffer => createHmac('sha256', KEY).update(nhsNumber).digest();

/** The nth patient's valid number; `undefined` where nine digits have no check digit. */
function numberOf(nth: number): string | undefined {
  const nine = String(FIRST + ((nth * STRIDE) % SPREAD));
  let sum = 0;
  for (let at = 0; at < 9; at += 1) sum += (10 - at) * Number(nine[at]);
  const check = 11 - (sum % 11);
  return check === 10 ? undefined : `${nine}${check % 11}`;
}

/** A CSV with three locations of each patient: together, or each in another third of the file. @param from the first patient */
export async function writeRows(
  file: string,
  patients: number,
  order: 'together' | 'apart',
  from = 0,
): Promise<void> {
  const out = createWriteStream(file);
  let text = 'nhs_number,organisation,first_seen,last_seen\n';
  const turns = order === 'together' ? [[0, 1, 2]] : [[0], [1], [2]];
  for (const turn of turns) {
    for (let nth = from, done = 0; done < patients; nth += 1) {
      const number = numberOf(nth);
      if (number === undefined) continue;
      done += 1;
      for (const place of turn) {
        const code = `R${String.fromCharCode(65 + ((nth + place * 7) % 26))}${100 + ((nth * 13 + place) % 90)}`;
        const day = new Date(Date.UTC(2021, 0, 1) + ((nth * 7_919 + place * 37) % 1_800) * DAY_MS);
        const date = day.toISOString().slice(0, 10);
        text += `${number},${code},${date},${date}\n`;
      }
      if (text.length < 1_000_000) continue;
      if (!out.write(text)) await once(out, 'drain');
      text = '';
    }
  }
  out.end(text);
  await once(out, 'finish');
}

if (import.meta.main) {
  const [what, url = '', file = '', patients = '0'] = process.argv.slice(2);
  const store = await opened(url);
  const figures =
    what === 'look'
      ? await looked(store, url, Number(patients))
      : await imported(store, url, file, what === 'notice');
  await store.close();
  const bytes = what === 'look' ? undefined : await bytesOf(url);
  console.log(JSON.stringify({ ...figures, bytes }));
}

function opened(url: string): Promise<Store> {
  return url.startsWith('postgres:') ? openPostgresStore(url) : openSqliteStore(url);
}

async function imported(
  store: Store,
  url: string,
  file: string,
  isNoticed: boolean,
): Promise<Omit<ImportFigures, 'bytes'>> {
  const directory = url.startsWith('postgres:') ? dirname(file) : dirname(url);
  const started = performance.now();
  const { read } = await importFile(file, {
    ...{ store: store.careLocations, digest, source: 'bench', now: Date.now },
    openStage: (name) => openSqliteStage(join(directory, `stage-${name}`)),
    onSeen: isNoticed ? queueing(store) : undefined,
    onMerged: () => Promise.resolve(),
  });
  const { user, system } = process.cpuUsage();
  return {
    ...{ rows: read, seconds: (performance.now() - started) / 1000, cpuSeconds: (user + system) / 1e6 },
    memoryMib: process.resourceUsage().maxRSS / 1024,
  };
}

/** A directory that knows none of the places, and a register that is empty. */
function queueing(store: Store): OnSeen {
  return queueSeen(
    {
      ...{ region: 'bench', directory: new Directory({ regions: [], practices: {}, organisations: [] }) },
      ...{ store, register: store.register, numbers: new PatientNumberSeal(Buffer.alloc(32, 2)) },
      ...{ settings: patientNotices.parse({}), now: Date.now },
    },
    () => undefined,
  );
}

/** So that it lies in the machine's memory, of whatever size: what is read anew from a disk is the disk's. */
async function readThrough(file: string): Promise<void> {
  for await (const _ of createReadStream(file, { highWaterMark: 1024 * 1024 }));
}

async function looked(store: Store, url: string, count: number): Promise<LookFigures> {
  if (!url.startsWith('postgres:')) await readThrough(url);
  const patient = (absent: boolean): string => {
    for (;;) {
      const nth = Math.floor(Math.random() * count);
      const number = numberOf(absent ? SPREAD - 1 - nth : nth);
      if (number !== undefined) return digest(number).toString('base64url');
    }
  };
  const run = async (absent: boolean) => {
    const times: number[] = [];
    let found = 0;
    const patients = Array.from({ length: LOOKS }, () => patient(absent));
    const cpu = process.cpuUsage();
    for (const asked of patients) {
      const started = performance.now();
      const { length } = await store.careLocations.of([asked]);
      times.push(performance.now() - started);
      found += length;
    }
    if (absent ? found > 0 : found < LOOKS) throw new Error(`${found} locations of ${LOOKS} patients`);
    const { user, system } = process.cpuUsage(cpu);
    return { p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), cpuUs: (user + system) / LOOKS };
  };
  await run(false);
  const rounds: Looked[][] = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push([await run(false), await run(true)]);
  const quietest = (which: number): Looked =>
    rounds
      .map((round) => round[which] ?? NEVER)
      .reduce((one, other) => (other.p99Ms < one.p99Ms ? other : one));
  const [present, absent] = [quietest(0), quietest(1)];
  return { present, absent, memoryMib: process.resourceUsage().maxRSS / 1024 };
}

async function bytesOf(url: string): Promise<number> {
  if (!url.startsWith('postgres:')) return statSync(url).size;
  const client = new Client(url);
  await client.connect();
  const { rows } = await client.query<{ bytes: string }>(
    "SELECT pg_total_relation_size('care_sighting') + pg_total_relation_size('care_place') AS bytes",
  );
  await client.end();
  return Number(rows[0]?.bytes);
}
