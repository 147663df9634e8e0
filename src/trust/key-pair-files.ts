import { X509Certificate, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { MaterialError } from '../errors.ts';
import { FOR_ANYONE, OWNER_ALONE, renameDurably, writeDurably, writeNewDurably } from './durable-file.ts';
import { openPrivateKey } from './private-key.ts';

export type TlsRole = 'server' | 'client';

/**
 * Where a certificate of ours and its key are. The two cannot change in one step, so that the certificate decides: its
 * key is whichever of the three fits it (`keyFor`).
 */
export interface PairPlace {
  readonly certificate: string;
  readonly formerCertificate: string;
  readonly key: string;
  /** The key of a certificate that is asked for, or was put in place a moment ago. */
  readonly nextKey: string;
  readonly formerKey: string;
}

/** @param secrets the directory of private keys @param certificate the file that the configuration names */
export function pairPlace(secrets: string, certificate: string, role: TlsRole): PairPlace {
  const key = (state: string): string => join(secrets, `tls-${role}${state}.key.pem`);
  const name = basename(certificate).replace(/\.[^.]+$/, '');
  return {
    certificate,
    formerCertificate: join(dirname(certificate), `${name}.former.pem`),
    ...{ key: key(''), nextKey: key('.next'), formerKey: key('.former') },
  };
}

/** Reads a file of a private key that may be absent: who may read it is the reader's to judge. */
export type ReadKey = (file: string) => Promise<string | undefined>;

/** The files of one pair, with what it takes to open the keys. */
export interface PairFiles {
  readonly place: PairPlace;
  readonly read: ReadKey;
  readonly passphrase: string | undefined;
}

/** A key as its file holds it. */
export interface KeyFile {
  readonly file: string;
  readonly text: string;
  readonly key: KeyObject;
}

/**
 * The key that fits a certificate. The next one is looked at first and the former one last: a change that happens
 * between two looks moves a key from next to present, and the present one to former has been copied before.
 *
 * @returns undefined when none fits
 * @throws MaterialError `password-wrong`, `key-unreadable`
 */
export async function keyFor(
  certificate: X509Certificate,
  { place, read, passphrase }: PairFiles,
): Promise<KeyFile | undefined> {
  for (const file of [place.nextKey, place.key, place.formerKey]) {
    const text = await read(file);
    if (text === undefined) continue;
    const key = openPrivateKey(text, file, passphrase);
    if (certificate.checkPrivateKey(key)) return { file, text, key };
  }
  return undefined;
}

/** A change of certificate that is wanted. */
export interface PairChange {
  /** PEM, leaf first. */
  readonly chain: string;
  readonly leaf: X509Certificate;
  /** The key, with the text that its file is to have; undefined when it must be in place already. */
  readonly key: Pick<KeyFile, 'text' | 'key'> | undefined;
}

/**
 * The steps of a change of certificate, each durable before the next begins. Between any two of them, and in the middle
 * of each, the certificate in place has its key in one of the three places.
 *
 * @returns undefined when no key was given and none in place fits
 * @throws MaterialError `exists` for another key that waits for its certificate
 */
export async function changeSteps(
  files: PairFiles,
  change: PairChange,
): Promise<(() => Promise<void>)[] | undefined> {
  const { place } = files;
  await settle(files);
  const found = await keyFor(change.leaf, files);
  const key = found ?? change.key;
  if (key === undefined) return undefined;
  const former = await presentPair(files);
  // A former key that comes back must be somewhere else before the present one takes its place.
  const isNew = found === undefined || found.file === place.formerKey;
  if (isNew && (await files.read(place.nextKey)) !== undefined) {
    throw new MaterialError(
      'exists',
      `${place.nextKey} is another key, which waits for its certificate: import that, or take the key away.`,
    );
  }
  return [
    ...(isNew ? [() => writeNewDurably(place.nextKey, key.text, OWNER_ALONE)] : []),
    ...(former === undefined
      ? []
      : [
          () => writeDurably(place.formerKey, former.key, OWNER_ALONE),
          () => writeDurably(place.formerCertificate, former.certificate, FOR_ANYONE),
        ]),
    () => writeDurably(place.certificate, change.chain, FOR_ANYONE),
    () => settle(files),
  ];
}

/** Ends what was begun: the next key takes its place once the certificate in place is its own. */
export async function settle(files: PairFiles): Promise<void> {
  const { place } = files;
  const found = await readCertificate(place.certificate);
  if (found === undefined) return;
  const fitting = await keyFor(found.leaf, files);
  if (fitting?.file === place.nextKey) await renameDurably(place.nextKey, place.key);
}

/** The certificate in place, or where that cannot be read the one before it; undefined where there is neither. */
export async function presentLeaf({ place }: Pick<PairFiles, 'place'>): Promise<X509Certificate | undefined> {
  const found =
    (await readCertificate(place.certificate)) ?? (await readCertificate(place.formerCertificate));
  return found?.leaf;
}

async function presentPair(files: PairFiles): Promise<{ certificate: string; key: string } | undefined> {
  const found = await readCertificate(files.place.certificate);
  if (found === undefined) return undefined;
  const fitting = await keyFor(found.leaf, files);
  return fitting && { certificate: found.text, key: fitting.text };
}

/** What is cut short, or no certificate, is as if it were not there: it is to be replaced. */
async function readCertificate(
  file: string,
): Promise<{ readonly text: string; readonly leaf: X509Certificate } | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new MaterialError('unreadable', `${file} cannot be read: name one that this user may read.`, {
      cause: error,
    });
  });
  try {
    return text === undefined ? undefined : { text, leaf: new X509Certificate(text) };
  } catch {
    return undefined;
  }
}
