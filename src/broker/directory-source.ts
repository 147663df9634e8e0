import { createHash, randomUUID } from 'node:crypto';

import type { AuditTrail } from '../audit/trail.ts';
import type { Config } from '../config/load.ts';
import { StartError } from '../errors.ts';
import { errorFields, type Log } from '../log.ts';
import { dayOf } from '../routing/directory-data.ts';
import { ImportedDirectory } from '../routing/imported-directory.ts';
import { ODS_CHANGES, readOdsChanges } from '../routing/ods-changes.ts';
import { DirectoryDraft } from '../routing/plan-directory-import.ts';
import type { DirectoryImport, Store, StoredDirectory } from '../store/contracts.ts';
import { OdsChanges } from '../upstream/ods-changes.ts';
import { Lookout } from './lookout.ts';

export interface DirectorySourceParts {
  readonly store: Pick<Store, 'directory'>;
  readonly changes: Pick<OdsChanges, 'since'>;
  /** Undefined while the store is closed: nothing is taken then. */
  readonly trail: () => AuditTrail | undefined;
  readonly everyMs: number;
  readonly log: Log;
  readonly now: () => number;
}

/** How often it is looked whether it is time: the store says when it was asked last, by whichever replica. */
const LOOK_MS = 60_000;
const FIRST_RETRY_MS = 5 * 60_000;

/** Asks the directory's source for what has changed since, and imports it as a file is. Nothing of it stops anything else. */
export class DirectorySource {
  readonly #parts: DirectorySourceParts;
  readonly #lookout: Lookout;
  readonly #stop = new AbortController();
  #failures = 0;
  #notBefore = 0;

  constructor(parts: DirectorySourceParts, lookMs = LOOK_MS) {
    this.#parts = parts;
    this.#lookout = new Lookout(lookMs, () => this.#look());
  }

  start(): void {
    this.#lookout.start();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#lookout.stop();
  }

  async #look(): Promise<void> {
    const { now, log, everyMs } = this.#parts;
    if (now() < this.#notBefore || this.#stop.signal.aborted) return;
    try {
      await this.#takeIfDue();
      this.#failures = 0;
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#notBefore = now() + Math.min(FIRST_RETRY_MS * 2 ** this.#failures, everyMs);
      this.#failures += 1;
      log.error(errorFields(error), 'what has changed in the directory cannot be fetched');
    }
  }

  async #takeIfDue(): Promise<void> {
    const { store, changes, trail, everyMs, now, log } = this.#parts;
    const to = trail();
    if (to === undefined) return;
    const stored = await store.directory.read();
    const last = stored.imports.findLast(({ kind }) => kind === ODS_CHANGES);
    if (last !== undefined && now() < last.at + everyMs) return;
    const since = (last ?? stored.imports.findLast(({ kind }) => kind === 'cost-centres'))?.date;
    if (since === undefined) {
      this.#notBefore = now() + everyMs;
      log.warn(
        {},
        'changes of the directory are not fetched: import epraccur first, which they are changes of',
      );
      return;
    }
    const resources = await changes.since(since, this.#stop.signal);
    const { change, made, count } = changedBy(resources, stored, now());
    if ((await store.directory.replace(stored.generation, change)) === undefined) return;
    const { sha256, date, refused } = made;
    await to.directoryImported(randomUUID(), count, {
      files: [{ kind: ODS_CHANGES, date, sha256, refused }],
    });
    log.info({ changed: count, refused }, 'changes of the directory were imported');
  }
}

/** The connection to the configured source. @throws StartError where its key is not in the environment */
export function odsChangesOf(
  { directory_source: settings, source }: Pick<Config, 'directory_source' | 'source'>,
  log: Log,
  environment: Readonly<Record<string, string | undefined>>,
): OdsChanges | undefined {
  if (settings === undefined) return undefined;
  const { api_key_env: name } = settings;
  const key = name === undefined ? undefined : environment[name];
  if (name !== undefined && !key) {
    throw new StartError(
      `${source}: directory_source.api_key_env names ${name}, which is not set: set it where the broker is started.`,
    );
  }
  return new OdsChanges(settings, key, log);
}

function changedBy(resources: readonly unknown[], stored: StoredDirectory, now: number) {
  const day = dayOf(now);
  const { organisations, refused } = readOdsChanges(resources, new ImportedDirectory(stored), day);
  const draft = new DirectoryDraft(stored);
  const changes = [...organisations].flatMap(
    ([kind, ofKind]) => draft.take({ kind, organisations: ofKind }, day, 'some').changes,
  );
  const sha256 = createHash('sha256').update(JSON.stringify(resources)).digest('hex');
  const made: DirectoryImport = {
    ...{ kind: ODS_CHANGES, date: day, file: ODS_CHANGES, sha256 },
    ...{ lines: resources.length, refused, at: now },
  };
  return { change: { ...draft.change(), imports: [made] }, made, count: changes.length };
}
