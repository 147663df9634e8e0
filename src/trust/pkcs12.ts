import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';

import forge from 'node-forge';

import { MaterialError } from '../errors.ts';
import { encode, sequence } from './der-writing.ts';

const { oids } = forge.pki;

/** What a file that somebody gave us holds, in its own order, unjudged. */
export interface GivenMaterial {
  readonly form: 'PEM' | 'DER' | 'PKCS#12';
  readonly certificates: readonly X509Certificate[];
  readonly keys: readonly KeyObject[];
}

/**
 * What a PKCS#12 file (RFC 7292) holds: its certificates in any order, and its keys.
 *
 * @param password undefined where none was named: a file may have an empty one
 * @throws MaterialError `password-wrong`, `unreadable`
 */
export function readPkcs12(bytes: Buffer, file: string, password: string | undefined): GivenMaterial {
  const opened = open(bytes, file, password);
  const bags = (type: string | undefined): forge.pkcs12.Bag[] =>
    type === undefined ? [] : (opened.getBags({ bagType: type })[type] ?? []);
  try {
    return {
      form: 'PKCS#12',
      certificates: bags(oids['certBag']).map(certificateIn),
      keys: [...bags(oids['pkcs8ShroudedKeyBag']), ...bags(oids['keyBag'])].map(keyIn),
    };
  } catch {
    throw unreadable(file);
  }
}

function open(bytes: Buffer, file: string, password: string | undefined): forge.pkcs12.Pkcs12Pfx {
  let structure: forge.asn1.Asn1;
  try {
    structure = forge.asn1.fromDer(bytes.toString('latin1'));
  } catch {
    throw unreadable(file);
  }
  try {
    return openWith(structure, password ?? '');
  } catch (error) {
    if (!isAboutPassword(error)) throw unreadable(file);
    throw new MaterialError(
      'password-wrong',
      password === undefined
        ? `${file} needs its password: name the variable that holds it with --passphrase-env.`
        : `${file} does not open with this password: use the one that came with it.`,
    );
  }
}

/**
 * PKCS#12 takes a password as UTF-16 for its MAC and for its own ciphers, and as UTF-8 for those of PBES2; forge takes one
 * text for both. Outside ASCII, where the MAC has verified and the rest does not open, it is opened once more as UTF-8.
 */
function openWith(structure: forge.asn1.Asn1, password: string): forge.pkcs12.Pkcs12Pfx {
  try {
    return forge.pkcs12.pkcs12FromAsn1(structure, true, password);
  } catch (error) {
    const [version, content, mac] = structure.value as forge.asn1.Asn1[];
    const utf8 = forge.util.encodeUtf8(password);
    const asUtf8 = version && content && mac && utf8 !== password && !isAboutMac(error);
    if (!asUtf8) throw error;
    return forge.pkcs12.pkcs12FromAsn1(sequence(version, content), true, utf8);
  }
}

/** Of a wrong password the MAC tells, or, where there is none, what comes out of the decryption. */
function isAboutPassword(error: unknown): boolean {
  return isAboutMac(error) || /Invalid password|decrypt/i.test(String(error));
}

function isAboutMac(error: unknown): boolean {
  return /MAC could not be verified/.test(String(error));
}

function certificateIn(bag: forge.pkcs12.Bag): X509Certificate {
  // forge reads RSA certificates alone; of the others it hands on the bytes.
  const asn1 = bag.cert ? forge.pki.certificateToAsn1(bag.cert) : bag.asn1;
  return new X509Certificate(encode(asn1));
}

function keyIn(bag: forge.pkcs12.Bag): KeyObject {
  const asn1 = bag.key ? forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(bag.key)) : bag.asn1;
  return createPrivateKey({ key: encode(asn1), format: 'der', type: 'pkcs8' });
}

function unreadable(file: string): MaterialError {
  return new MaterialError(
    'unreadable',
    `${file} is neither PEM, nor a DER certificate, nor PKCS#12: ask the authority for one of these.`,
  );
}
