import { X509Certificate } from 'node:crypto';

import { MaterialError } from '../errors.ts';
import { readPkcs12, type GivenMaterial } from './pkcs12.ts';
import { openPrivateKey } from './private-key.ts';

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^]*?-----END \1-----/g;

/**
 * Reads a PEM file (certificates, and perhaps the key), a single certificate as DER, or PKCS#12.
 *
 * @param passphrase of the key in it, or of the PKCS#12
 * @throws MaterialError `unreadable`, `password-wrong`, `key-unreadable`, `no-certificate`
 */
export function readMaterial(bytes: Buffer, file: string, passphrase: string | undefined): GivenMaterial {
  const text = bytes.toString('latin1');
  if (text.includes('-----BEGIN ')) return readPem(text, file, passphrase);
  const single = derCertificate(bytes);
  return single === undefined
    ? readPkcs12(bytes, file, passphrase)
    : { form: 'DER', certificates: [single], keys: [] };
}

function readPem(text: string, file: string, passphrase: string | undefined): GivenMaterial {
  const blocks = [...text.matchAll(PEM_BLOCK)].map(([block, label = '']) => ({ block, label }));
  const certificates = blocks
    .filter(({ label }) => /^(?:X509 |TRUSTED )?CERTIFICATE$/.test(label))
    .map(({ block }) => pemCertificate(block, file));
  const keys = blocks
    .filter(({ label }) => label.endsWith('PRIVATE KEY'))
    .map(({ block }) => openPrivateKey(block, file, passphrase));
  if (text.split('-----BEGIN ').length - 1 !== blocks.length) {
    throw new MaterialError('unreadable', `${file} is cut off within a PEM block: get the whole file.`);
  }
  return { form: 'PEM', certificates, keys };
}

function pemCertificate(block: string, file: string): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch (cause) {
    throw new MaterialError(
      'no-certificate',
      `${file} holds a certificate that cannot be read: get the file again.`,
      { cause },
    );
  }
}

function derCertificate(bytes: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(bytes);
  } catch {
    return undefined;
  }
}
