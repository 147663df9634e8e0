import type { KeyObject } from 'node:crypto';

import { MaterialError } from '../errors.ts';
import { OWNER_ALONE, writeNewDurably } from '../trust/durable-file.ts';
import { settle, type PairFiles } from '../trust/key-pair-files.ts';
import { openPrivateKey } from '../trust/private-key.ts';
import { newTlsKey, tlsKeyText, type TlsKeyKind } from './new-region.ts';

/**
 * The key that a certificate is asked for: the next one where it waits already, or the present one.
 *
 * @param fresh makes the next key, of this kind; never over one that waits, for the authority may have signed it by now
 * @throws MaterialError `key-missing`, `exists`, `not-written`, `password-wrong`, `key-unreadable`
 */
export async function requestKey(
  files: PairFiles,
  fresh: TlsKeyKind | undefined,
): Promise<{ readonly file: string; readonly key: KeyObject }> {
  const { place, read, passphrase } = files;
  await settle(files);
  const waiting = await read(place.nextKey);
  if (fresh !== undefined) {
    if (waiting !== undefined) {
      throw new MaterialError(
        'exists',
        `${place.nextKey} is there and waits for its certificate: leave --new-key out to ask for that, ` +
          'or take the key away.',
      );
    }
    const key = await newTlsKey(fresh);
    await writeNewDurably(place.nextKey, await tlsKeyText(key, passphrase), OWNER_ALONE);
    return { file: place.nextKey, key };
  }
  const file = waiting === undefined ? place.key : place.nextKey;
  const text = waiting ?? (await read(place.key));
  if (text !== undefined) return { file, key: openPrivateKey(text, file, passphrase) };
  throw new MaterialError('key-missing', `${place.key} is not there: make one with --new-key.`);
}
