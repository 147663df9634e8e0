import { sign, type X509Certificate } from 'node:crypto';

import { algorithmOf, type Hash, type Made } from './made-certificate.ts';
import { der, extension, oid, time, type Der } from './made-der.ts';

/** What a test wants of a revocation list: right in all that it does not name. */
export interface WantedCrl {
  readonly by: Pick<Made, 'subject' | 'privateKey'>;
  /** Signs in the place of `by`. */
  readonly signedBy?: Pick<Made, 'privateKey'>;
  readonly revoked?: readonly X509Certificate[];
  readonly number?: number | 'none';
  /** Relative to now, in minutes; default an hour ago, and a day ahead. */
  readonly from?: number;
  readonly until?: number | 'none';
  readonly hash?: Hash;
  readonly extensions?: readonly Der[];
  readonly entryExtensions?: readonly Der[];
}

/** Makes a CertificateList in DER (RFC 5280, 5). */
export function madeCrl(wanted: WantedCrl): Buffer {
  const { by, number = 1, until = 1440, revoked = [] } = wanted;
  const minutes = (count: number): Date => new Date(Date.now() + count * 60_000);
  const signer = (wanted.signedBy ?? by).privateKey;
  const algorithm = algorithmOf(signer, wanted.hash ?? 'sha256');
  const entries = revoked.map((one) =>
    der(0x30, [
      der(0x02, Buffer.from(one.serialNumber, 'hex')),
      time(minutes(-30)),
      der(0x30, [extension('2.5.29.21', der(0x0a, Buffer.from([1]))), ...(wanted.entryExtensions ?? [])]),
    ]),
  );
  const extensions = [
    ...(number === 'none' ? [] : [extension('2.5.29.20', der(0x02, Buffer.from([number])))]),
    ...(wanted.extensions ?? []),
  ];
  const tbs = der(0x30, [
    der(0x02, Buffer.from([1])),
    algorithm.identifier,
    by.subject,
    time(minutes(wanted.from ?? -60)),
    ...(until === 'none' ? [] : [time(minutes(until))]),
    ...(entries.length > 0 ? [der(0x30, entries)] : []),
    ...(extensions.length > 0 ? [der(0xa0, [der(0x30, extensions)])] : []),
  ]);
  const signature = sign(algorithm.hash, tbs, signer);
  return der(0x30, [tbs, algorithm.identifier, der(0x03, Buffer.concat([Buffer.from([0]), signature]))]);
}

/** The same as PEM (RFC 7468, 7). */
export function asPem(list: Buffer): string {
  const lines = list.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN X509 CRL-----', ...lines, '-----END X509 CRL-----', ''].join('\n');
}

/** Extensions that make a list another thing than the whole list of its issuer. */
export const OTHER_KINDS = {
  delta: extension('2.5.29.27', der(0x02, Buffer.from([1])), true),
  indirect: extension('2.5.29.28', der(0x30, [der(0x84, Buffer.from([0xff]))]), true),
  partial: extension('2.5.29.28', der(0x30, [der(0x81, Buffer.from([0xff]))]), true),
  strange: extension('1.3.6.1.4.1.32473.1', der(0x30, [oid('1.3.6.1.4.1.32473.2')]), true),
  strangeBeside: extension('1.3.6.1.4.1.32473.1', der(0x30, [])),
  foreignEntry: extension('2.5.29.29', der(0x30, []), true),
};
