import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { loadConfig } from '../../src/config/load.ts';
import type { RegionId } from '../../src/demo/places.ts';
import { ASKING, configFile, preparePlaces, STATE, type Places } from '../bench/places.ts';
import { Measured } from '../bench/processes.ts';
import { readAudit } from '../support/audit.ts';
import { errorCode, rollCallOf } from '../support/viewer.ts';
import { bundleOf, PlacesViewer } from './asking-places.ts';

/**
 * `npm run full-disk`, as root: each end of a query on a file system of its own (tmpfs), which is filled up to the reserve,
 * then to the last byte, then freed.
 */
const ANSWERING: RegionId = 'london';
const DISK_MB = 48;
const RESERVE_MB = 16;
const SOON_MS = 20_000;
const MIB = 2 ** 20;

const diskOf = (region: RegionId): string => join(STATE, region);
const ballastOf = (region: RegionId): string => join(diskOf(region), 'ballast');

function mount(region: RegionId): void {
  mkdirSync(diskOf(region), { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}m`, 'tmpfs', diskOf(region)]);
  } catch {
    console.error('A tmpfs cannot be mounted here: run this as root, on a machine that lets root mount.');
    process.exit(2);
  }
}

/** Leaves so many bytes free; what is not there in the end (the last page) cannot be used by anybody. */
function fill(region: RegionId, leave: number): void {
  const { bavail, bsize } = statfsSync(diskOf(region));
  const size = Math.max(bavail * bsize - leave, 0);
  try {
    writeFileSync(ballastOf(region), Buffer.alloc(size), { flag: 'a' });
  } catch (error) {
    // The broker, which writes meanwhile, took the last of it.
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

function free(region: RegionId): void {
  rmSync(ballastOf(region), { force: true });
}

function storeStatus({ regions }: Places, region: RegionId): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(`http://127.0.0.1:${regions[region].admin}/status`, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.once('end', () => resolve((JSON.parse(text) as { store: string }).store));
    });
    request.once('error', reject);
  });
}

async function soon<Result>(what: string, look: () => Promise<Result | undefined>): Promise<Result> {
  for (const until = performance.now() + SOON_MS; performance.now() < until; await sleep(200)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new assert.AssertionError({ message: `did not come: ${what}` });
}

async function answered(viewer: PlacesViewer): Promise<true | undefined> {
  const asked = await viewer.ask();
  return (asked.status === 200 && rollCallOf(bundleOf(asked))[ANSWERING]?.[0] === 'answered') || undefined;
}

/** Nothing of the record comes, and the answer says which nothing it is. */
async function nothingLeaves(viewer: PlacesViewer, full: RegionId): Promise<void> {
  for (let count = 0; count < 5; count += 1) {
    const asked = await viewer.ask();
    assert.doesNotMatch(asked.text, /"resourceType":"Condition"/);
    if (full === ASKING)
      assert.deepEqual([asked.status, errorCode(bundleOf(asked))], [503, 'audit-unavailable']);
    else assert.equal(rollCallOf(bundleOf(asked))[ANSWERING]?.[0], 'not-reached');
  }
}

async function lengthOf(region: RegionId): Promise<number> {
  return (await readAudit(loadConfig(configFile(region)))).length;
}

async function fillAndFree(places: Places, viewer: PlacesViewer, full: RegionId): Promise<void> {
  await soon('an answer before', () => answered(viewer));
  fill(full, (RESERVE_MB / 2) * MIB);
  await soon('status low', async () => (await storeStatus(places, full)) === 'low' || undefined);
  const before = await lengthOf(full);
  await nothingLeaves(viewer, full);
  assert.equal(await lengthOf(full), before, 'something was begun on the reserve');
  console.log(`${full}: down to the reserve: status low, no data, nothing begun`);
  fill(full, 0);
  await nothingLeaves(viewer, full);
  console.log(`${full}: full to the last byte: no data, ${full === ASKING ? '503' : 'not reached'}`);
  free(full);
  await soon('an answer after', () => answered(viewer));
  assert.equal(await storeStatus(places, full), 'ok');
  console.log(`${full}: space is back: answered again, by itself`);
}

const mounted = [ASKING, ANSWERING];
const running: Measured[] = [];
try {
  const reserve = { store_reserve_mb: RESERVE_MB, checkpoint_ms: 500 };
  const places = await preparePlaces({ window_ms: 1_000, reset_ms: 200, probe_ms: 500 }, reserve);
  for (const region of mounted) mount(region);
  const records = Object.values(places.regions).map(({ record }) => record);
  const plan = { records, demographics: places.demographics };
  running.push(await Measured.ownFile('stand-ins', 'stand-ins.ts', plan));
  for (const region of mounted) {
    running.push(await Measured.broker(region, places.regions[region].admin, undefined));
  }
  const viewer = PlacesViewer.of(places);
  for (const region of [ANSWERING, ASKING]) await fillAndFree(places, viewer, region);
  viewer.close();
} finally {
  await Promise.all(running.map((one) => one.stop()));
  for (const region of mounted) execFileSync('umount', ['-l', diskOf(region)]);
}
