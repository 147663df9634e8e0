import type { KeyObject, X509Certificate } from 'node:crypto';

import { MaterialError } from '../errors.ts';
import { changeSteps, keyFor, presentLeaf, type PairFiles } from './key-pair-files.ts';
import { isStrongKey, keyWords } from './key-strength.ts';
import { endsAt, judgeOwnChain, orderChain, type OwnRole } from './own-chain.ts';
import { dnsNames, ipNames } from './peer-certificate.ts';
import type { GivenMaterial } from './pkcs12.ts';

export interface ImportRequest {
  readonly given: GivenMaterial;
  /** The file that it came in, for messages. */
  readonly file: string;
  /** A key that came in a file of its own. */
  readonly key: KeyObject | undefined;
  readonly role: OwnRole;
  /** Authorities named for this chain, besides those of the statement. */
  readonly namedAnchors: readonly X509Certificate[];
  /** The anchors of our present statement; undefined where there is none yet. */
  readonly listedAnchors: readonly X509Certificate[] | undefined;
  /** It is meant that neighbours do not know the authority yet. */
  readonly mayBeUnlisted: boolean;
  /** It is meant that hosts are not named any more which the certificate in place names. */
  readonly mayNameFewer: boolean;
  readonly files: PairFiles;
  /** The text that a key's file is to have. */
  readonly keyText: (key: KeyObject) => Promise<string>;
}

export interface PlannedImport {
  /** In order, the leaf first. */
  readonly chain: readonly X509Certificate[];
  /** Of the leaf. */
  readonly key: KeyObject;
  readonly steps: readonly (() => Promise<void>)[];
}

/**
 * Judges what an authority sent and says, without having written anything, in which steps it takes its place.
 *
 * @throws MaterialError with a code for each thing that can be wrong
 */
export async function planImport(request: ImportRequest): Promise<PlannedImport> {
  const { given, file, role, files, listedAnchors } = request;
  const key = theKey(request);
  const chain = orderChain(given.certificates, [...request.namedAnchors, ...(listedAnchors ?? [])], file);
  judgeOwnChain(chain, role, file);
  const [leaf] = chain;
  if (leaf === undefined) throw new TypeError('a chain has a leaf');
  if (key !== undefined) checkKey(leaf, key, file);
  if (listedAnchors !== undefined && !request.mayBeUnlisted && !endsAt(chain, listedAnchors)) {
    throw new MaterialError(
      'anchor-unlisted',
      `${file}: no authority that our entity statement lists has issued this, so that every neighbour would refuse it: ` +
        'let a statement with its authority be approved first, or say --unlisted-anchor to `trust import`.',
    );
  }
  if (!request.mayNameFewer) await checkHosts(leaf, request);
  const change = {
    chain: chain.map((one) => one.toString()).join(''),
    leaf,
    key: key && { key, text: await request.keyText(key) },
  };
  const steps = await changeSteps(files, change);
  const itsKey = key ?? (await keyFor(leaf, files))?.key;
  if (steps !== undefined && itsKey !== undefined) return { chain, key: itsKey, steps };
  throw await noKey(request);
}

function theKey({ given, key, file }: ImportRequest): KeyObject | undefined {
  const [one, ...others] = key === undefined ? given.keys : [...given.keys, key];
  if (one === undefined || others.every((other) => other.equals(one))) return one;
  throw new MaterialError(
    'several-keys',
    `${file} comes with ${others.length + 1} private keys: leave the one of the certificate.`,
  );
}

function checkKey(leaf: X509Certificate, key: KeyObject, file: string): void {
  if (!isStrongKey(key))
    throw new MaterialError('weak-key', `${file} comes with a key that is too weak (${keyWords(key)}).`);
  if (!leaf.checkPrivateKey(key)) {
    throw new MaterialError(
      'key-mismatch',
      `${file}: the private key is not the certificate's: give the two together.`,
    );
  }
}

/** Neighbours know us by the URI name; viewers, admins and other clients know a server by its host. */
async function checkHosts(leaf: X509Certificate, { file, files }: ImportRequest): Promise<void> {
  const present = await presentLeaf(files);
  const named = hostsOf(leaf);
  const gone = present === undefined ? [] : hostsOf(present).filter((host) => !named.includes(host));
  if (gone.length === 0) return;
  throw new MaterialError(
    'names-fewer',
    `${file} does not name ${gone.join(', ')}, which the certificate in place does: who knows us by that would be cut off. ` +
      'Ask for the same names (`trust csr` does), or say --fewer-names.',
  );
}

function hostsOf({ subjectAltName }: X509Certificate): string[] {
  return [...(dnsNames(subjectAltName) ?? []), ...(ipNames(subjectAltName) ?? [])];
}

async function noKey({ given, file, files: { place, read } }: ImportRequest): Promise<MaterialError> {
  const hasKey = (await read(place.key)) !== undefined || (await read(place.nextKey)) !== undefined;
  if (given.form === 'PKCS#12' || !hasKey) {
    return new MaterialError(
      'key-missing',
      `${file} holds no private key, and none in ${place.key} fits: give it with --key.`,
    );
  }
  return new MaterialError(
    'key-mismatch',
    `${file}: the certificate is for another key than ${place.key} or ${place.nextKey}: ` +
      'send the request of `trust csr` to the authority, or give the key with --key.',
  );
}
