import { dirname, resolve } from 'node:path';

import { loadConfig, readConfigFile, storeUrl, type Config } from '../config/load.ts';
import { certificateFile } from '../config/own-anew.ts';
import { storeSecrets, type StoreSecrets } from '../config/secrets.ts';
import { FileCut, type LastWhole } from '../config/trust-files.ts';
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

/**
 * What stands in for a file that was cut, in words. Our own certificates are not among it: `OwnCertificate` tells of them,
 * and takes them when they are whole.
 */
export function standIns(config: Config): string[] {
  const own = [certificateFile(config, 'server'), certificateFile(config, 'client')];
  return config.cut
    .filter(({ file }) => !own.includes(file))
    .map(
      ({ file, since }) =>
        `${file} is cut short, and what it held on ${new Date(since).toISOString().slice(0, 10)} stands in: ` +
        'put it back from a copy and restart.',
    );
}

/** Keeps what files hold that are whole, for a start at which one of them is not. @param now milliseconds since the epoch */
export async function keepWhole(
  files: readonly { readonly file: string; readonly text: string }[],
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
