import type { KeyObject, X509Certificate } from 'node:crypto';

import { readMaterial } from '../trust/given-material.ts';
import type { TlsRole } from '../trust/key-pair-files.ts';
import { planImport, type PlannedImport } from '../trust/plan-import.ts';
import { openPrivateKey } from '../trust/private-key.ts';
import { tlsKeyText } from './new-region.ts';
import { ownPair, type OwnPlaces } from './own-places.ts';

/** What an authority sent, as files that were read. */
export interface Sent {
  readonly file: string;
  readonly bytes: Buffer;
  /** Of the PKCS#12, or of the key. */
  readonly passphrase: string | undefined;
  readonly key: { readonly file: string; readonly text: string } | undefined;
  readonly namedAnchors: readonly X509Certificate[];
  /** The anchors of our present statement; undefined where there is none. */
  readonly listedAnchors: readonly X509Certificate[] | undefined;
  readonly mayBeUnlisted: boolean;
  readonly mayNameFewer: boolean;
}

/**
 * Judges what was sent for one of our certificates and plans how it takes its place.
 *
 * @param at milliseconds since the epoch
 * @throws MaterialError, StartError
 */
export async function planOwnImport(
  places: OwnPlaces,
  usage: TlsRole,
  sent: Sent,
  at: number,
): Promise<PlannedImport> {
  const { file, key, passphrase } = sent;
  return planImport({
    given: readMaterial(sent.bytes, file, passphrase),
    file,
    key: key && openPrivateKey(key.text, key.file, passphrase),
    role: { entity: places.config.entity, usage, at },
    namedAnchors: sent.namedAnchors,
    listedAnchors: sent.listedAnchors,
    mayBeUnlisted: sent.mayBeUnlisted,
    mayNameFewer: sent.mayNameFewer,
    files: ownPair(places, usage),
    keyText: (one: KeyObject) => tlsKeyText(one, places.passphrase),
  });
}
