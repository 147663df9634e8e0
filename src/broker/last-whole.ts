import { dirname, resolve } from 'node:path';

import { loadConfig, readConfigFile, storeUrl, type Config } from '../config/load.ts';
import { filesReadAnew } from '../config/own-anew.ts';
import { storeSecrets, type StoreSecrets } from '../config/secrets.ts';
import { FileCut, type CutFile, type LastWhole, type WholeFile } from '../config/trust-files.ts';
import { isSealed, sealFile } from '../evidence/file-seal.ts';
import type { Store } from '../store/contracts.ts';
import { openStore } from './stores.ts';

/**
 * Reads a configuration for a broker. Where a crash has cut a file that trust rests on, what it held when a broker
 * started with it last stands in: `config.cut` names the files.
 *
 * @throws StartError, HouseError `store-unavailable`
 */
export async function loadWithLastWhole(file: string): Promise<Config> {
  try {
    return loadConfig(file);
  } catch (error) {
    if (!(error instanceof FileCut)) throw error;
    const whole = await lastWholeOf(file).catch(() => {
      throw error;
    });
    return loadConfig(file, (cut) => whole.get(cut));
  }
}

async function lastWholeOf(file: string): Promise<ReadonlyMap<string, LastWhole>> {
  const raw = readConfigFile(file);
  const { trustKey } = storeSecrets(resolve(dirname(file), raw.secrets));
  const store = await openStore({ store: storeUrl(file, raw) });
  try {
    const kept = await store.wholeFiles.of(raw.replica);
    return new Map(kept.filter((one) => isSealed(trustKey, one)).map((one) => [one.file, one] as const));
  } finally {
    await store.close();
  }
}

/** What stands in, in words, for files of which only a restart takes another text. */
export function standIns(config: Config): string[] {
  const watched = Object.values(filesReadAnew(config)).flat();
  return config.cut
    .filter(({ file }) => !watched.includes(file))
    .map((one) => `${wordsOf(one)} and restart.`);
}

/** The same for one of these files, which are taken as soon as they are whole; undefined where none was cut. */
export function standInAmong(files: readonly string[], { cut }: Pick<Config, 'cut'>): string | undefined {
  const found = cut.find(({ file }) => files.includes(file));
  return found && `${wordsOf(found)}.`;
}

function wordsOf({ file, since }: CutFile): string {
  const day = new Date(since).toISOString().slice(0, 10);
  return `${file} is cut short, and what it held on ${day} stands in: put it back from a copy`;
}

/** Keeps what files hold that are whole, for a start at which one of them is not. @param now milliseconds since the epoch */
export async function keepWhole(
  files: readonly WholeFile[],
  { replica }: Pick<Config, 'replica'>,
  { trustKey }: Pick<StoreSecrets, 'trustKey'>,
  store: Pick<Store, 'wholeFiles'>,
  now: number,
): Promise<void> {
  await store.wholeFiles.keep(
    files.map(({ file, text }) => {
      const one = { replica, file, text, at: now };
      return { ...one, seal: sealFile(trustKey, one) };
    }),
  );
}
