import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';

import type { OnSeen } from '../../routing/seen-patients.ts';
import type { CareLocationStore, CarePlace, SightingStage } from '../../store/contracts.ts';
import { newCounts, type Counts } from './counts.ts';
import { linesOf } from './lines.ts';
import { mergeStage, type MergedSoFar } from './merge-stage.ts';
import { readRows, type Place } from './read-rows.ts';
import { rowReader, type FileKind, type RowReader } from './row-reader.ts';
import { Staging } from './staging.ts';

/** So many bytes of a file are read between two marks: what a kill costs. */
const MARK_BYTES = 64 * 1024 * 1024;
/** The same of merging. */
const MARK_ROWS = 250_000;
const HASH_BYTES = 4 * 1024 * 1024;
const DIGEST_DIGITS = 32;

export interface ImportParts {
  readonly store: CareLocationStore;
  /** Opens, or makes, the stage of a file with this digest. */
  readonly openStage: (digest: string) => SightingStage;
  /** 32 bytes. */
  readonly digest: (nhsNumber: string) => Buffer;
  /** Of rows that name none. */
  readonly source: string;
  readonly now: () => number;
  readonly onSeen?: OnSeen | undefined;
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
  /** Awaited when all is merged, before the stage is removed: after a kill it is called again. */
  readonly onMerged: (imported: Imported) => Promise<void>;
}

export interface ImportProgress {
  readonly doing: 'checking' | 'reading' | 'merging';
  /** Lines read, or rows merged. */
  readonly done: number;
  /** From 0 to 1: of the file, or of what is to be merged. */
  readonly share: number;
}

export interface Imported extends Counts {
  readonly kind: FileKind;
  /** Of the file, under this region's secrets: without them nobody can try what it may have held. */
  readonly digest: string;
  /** Pairs of patient and place: new, wider than before, and as they were. */
  readonly added: number;
  readonly widened: number;
  readonly unchanged: number;
  /** True when an import that was cut short was gone on with. */
  readonly resumed: boolean;
}

/** A file that is no file of care locations. */
export class NotCareLocations extends Error {
  override readonly name = 'NotCareLocations';
}

/** What the stage remembers: how far it came, and what was counted. */
interface State {
  place: Place;
  wasRead: boolean;
  readonly counts: Counts;
  readonly places: CarePlace[];
  readonly merged: MergedSoFar;
}

/**
 * Reads a file of any size in constant memory, and merges it into the index beside a broker that may be running. The same
 * file once more changes nothing; after a kill it goes on where it was. Lines that cannot be read are counted, and the rest taken.
 *
 * @throws NotCareLocations
 */
export async function importFile(name: string, parts: ImportParts): Promise<Imported> {
  await using file = await open(name);
  const { kind, read, from } = await begin(file, name);
  const digest = await keyedDigestOf(file, parts);
  const stage = parts.openStage(digest);
  try {
    const known = stage.state();
    const state = known === undefined ? newState(from) : (JSON.parse(known) as State);
    await stageRows(file, read, stage, state, parts);
    await mergeAll(stage, state, parts);
    await parts.store.settle();
    const { added, widened, rows } = state.merged;
    const unchanged = rows - added - widened;
    const imported = {
      ...state.counts,
      ...{ kind, digest, added, widened, unchanged, resumed: known !== undefined },
    };
    await parts.onMerged(imported);
    stage.remove();
    return imported;
  } catch (error) {
    stage.close();
    throw error;
  }
}

/** Reads a file without taking anything of it. @throws NotCareLocations */
export async function checkFile(
  name: string,
  now: () => number,
  onProgress?: (progress: ImportProgress) => void,
): Promise<Counts> {
  await using file = await open(name);
  const { read, from } = await begin(file, name);
  const { size } = await file.stat();
  const counts = newCounts();
  for await (const { offset } of readRows(file, from, read, counts, now(), () => undefined)) {
    onProgress?.({ doing: 'checking', done: counts.read, share: offset / size });
  }
  return counts;
}

async function begin(
  file: FileHandle,
  name: string,
): Promise<{ kind: FileKind; read: RowReader; from: Place }> {
  const first = await linesOf(file, 0).next();
  const line = first.done === true ? undefined : first.value.lines[0];
  const reader = line === undefined ? undefined : rowReader(line);
  if (reader === undefined) {
    throw new NotCareLocations(
      `${name} is no file of care locations: its first line must name the columns nhs_number, organisation and ` +
        'first_seen, or be a FHIR Encounter in JSON, one to a line.',
    );
  }
  if (reader.kind === 'encounters') return { ...reader, from: { offset: 0, line: 0 } };
  return { ...reader, from: { offset: await endOfFirstLine(file), line: 1 } };
}

async function endOfFirstLine(file: FileHandle): Promise<number> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(HASH_BYTES), 0, HASH_BYTES, 0);
  const end = buffer.subarray(0, bytesRead).indexOf(0x0a);
  return end < 0 ? bytesRead : end + 1;
}

async function stageRows(
  file: FileHandle,
  read: RowReader,
  stage: SightingStage,
  state: State,
  parts: ImportParts,
): Promise<void> {
  if (state.wasRead) return;
  const { size } = await file.stat();
  const staging = new Staging(stage, parts.digest, parts.source, state.places, parts.onSeen);
  let marked = state.place.offset;
  const rows = readRows(file, state.place, read, state.counts, parts.now(), (row) => staging.add(row));
  for await (const place of rows) {
    state.place = place;
    parts.onProgress?.({ doing: 'reading', done: state.counts.read, share: place.offset / size });
    await staging.tellSeen();
    if (place.offset - marked < MARK_BYTES) continue;
    marked = place.offset;
    stage.mark(JSON.stringify(state));
  }
  state.wasRead = true;
  stage.mark(JSON.stringify(state));
}

async function mergeAll(stage: SightingStage, state: State, parts: ImportParts): Promise<void> {
  const { merged } = state;
  let marked = merged.rows;
  await mergeStage(stage, parts.store, state.places, merged, () => {
    parts.onProgress?.({ doing: 'merging', done: merged.rows, share: merged.parts / stage.parts });
    if (merged.rows - marked < MARK_ROWS && merged.parts < stage.parts) return;
    marked = merged.rows;
    stage.mark(JSON.stringify(state));
  });
}

function newState(place: Place): State {
  const merged = { parts: 0, rows: 0, added: 0, widened: 0 };
  return { place, wasRead: false, counts: newCounts(), places: [], merged };
}

/** Another source or other secrets make other rows of the same file: then it is another one's stage. */
async function keyedDigestOf(file: FileHandle, { digest, source }: ImportParts): Promise<string> {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(HASH_BYTES);
  for (let at = 0; ;) {
    const { bytesRead } = await file.read(chunk, 0, HASH_BYTES, at);
    if (bytesRead === 0) break;
    hash.update(chunk.subarray(0, bytesRead));
    at += bytesRead;
  }
  return digest(`care-locations/1 ${source} ${hash.digest('hex')}`)
    .toString('hex')
    .slice(0, DIGEST_DIGITS);
}
