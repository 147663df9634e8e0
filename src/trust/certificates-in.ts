import { X509Certificate } from 'node:crypto';

const BEGIN = '-----BEGIN CERTIFICATE-----';

/**
 * Every certificate of a PEM text, in order (RFC 7468); text around them is passed over.
 *
 * @throws Error when one of them cannot be read, as where a file was cut short
 */
export function certificatesIn(pem: string): X509Certificate[] {
  return pem
    .split(BEGIN)
    .slice(1)
    .map((rest) => new X509Certificate(BEGIN + rest));
}
