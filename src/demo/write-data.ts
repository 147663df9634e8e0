import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { DemoData, Objection } from './demo-data.ts';
import { RECORD_IDS, REGION_IDS } from './places.ts';

/**
 * Writes what the demo's processes read, making `directory` if need be: `<record>.ndjson` for every record,
 * `pds.json` (an array of `PdsEntry`), `care-locations/<region>.json` (an array of `CareLocation`) and
 * `objections/<region>.csv` for every region, empty ones included.
 */
export async function writeDemoData(directory: string, data: DemoData): Promise<void> {
  for (const folder of ['care-locations', 'objections']) {
    await mkdir(join(directory, folder), { recursive: true });
  }
  for (const record of RECORD_IDS) {
    const lines = data.records[record].map((resource) => `${JSON.stringify(resource)}\n`);
    await pipeline(Readable.from(lines), createWriteStream(join(directory, `${record}.ndjson`)));
  }
  await writeFile(join(directory, 'pds.json'), JSON.stringify(data.demographics));
  for (const region of REGION_IDS) {
    const places = JSON.stringify(data.careLocations[region], undefined, 2);
    await writeFile(join(directory, 'care-locations', `${region}.json`), `${places}\n`);
    const objections = data.objections.filter((objection) => objection.region === region);
    await writeFile(join(directory, 'objections', `${region}.csv`), csv(objections));
  }
}

function csv(objections: readonly Objection[]): string {
  const rows = objections.map(({ nhsNumber, kind, from, reason }) => [nhsNumber, kind, from, reason]);
  return [['nhs_number', 'kind', 'from', 'reason'], ...rows]
    .map((row) => `${row.map(cell).join(',')}\n`)
    .join('');
}

function cell(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
