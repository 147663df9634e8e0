import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Credential } from '../src/trust/issue.ts';
import { credentialFiles } from '../src/trust/made-file.ts';
import { replaceDirectory, unless } from './directory.ts';
import type { DevelopmentRegion } from './federation.ts';
import { TLS_AUTHORITY } from './layout.ts';
import type { Variant } from './variants.ts';
import { issueVariant } from './variants.ts';

export interface VariantsRequest {
  readonly directory: string;
  /** Each region's `other` is the one after it, the last one's the first. */
  readonly regions: readonly DevelopmentRegion[];
  readonly variants: readonly Variant[];
  readonly now: Date;
  readonly force?: boolean;
}

export interface VariantReport {
  readonly variant: Variant;
  readonly region: string;
  readonly made: boolean;
}

/**
 * Writes `variants/<variant>/<region>/{client,server}.pem` with their keys, signed by the authorities that
 * `generateFederation` left in the same directory. Those that are there and still what they should be are kept.
 */
export async function writeVariants(request: VariantsRequest): Promise<VariantReport[]> {
  const { directory, regions, variants, now, force = false } = request;
  const pairs = variants.flatMap((variant) => regions.map((region, at) => ({ variant, region, at })));
  return Promise.all(
    pairs.map(async ({ variant, region: { id }, at }) => {
      const other = regions[(at + 1) % regions.length]?.id ?? id;
      const authority = await readAuthority(join(directory, id));
      const target = join(directory, 'variants', variant, id);
      const wanted = async (): Promise<boolean> =>
        force || !(await isIntact(target, variant, authority, now));

      const made = await wanted();
      if (made) {
        const context = { region: id, other, authority, now };
        const [client, server] = await Promise.all([
          issueVariant(variant, 'client', context),
          issueVariant(variant, 'server', context),
        ]);
        const files = [
          ...credentialFiles({ certificate: 'client.pem', key: 'client.key.pem' }, client),
          ...credentialFiles({ certificate: 'server.pem', key: 'server.key.pem' }, server),
        ];
        await replaceDirectory({ target, files, stillWanted: wanted });
      }
      return { variant, region: id, made };
    }),
  );
}

async function readAuthority(directory: string): Promise<Credential> {
  const [certificate, key] = await Promise.all([
    readFile(join(directory, TLS_AUTHORITY.certificate), 'utf8'),
    readFile(join(directory, TLS_AUTHORITY.key), 'utf8'),
  ]);
  return { certificate, key };
}

async function isIntact(
  target: string,
  variant: Variant,
  authority: Credential,
  now: Date,
): Promise<boolean> {
  const issuer = new X509Certificate(authority.certificate);
  for (const usage of ['client', 'server']) {
    const chain = await readFile(join(target, `${usage}.pem`), 'utf8').catch(unless('ENOENT'));
    const keyText = await readFile(join(target, `${usage}.key.pem`), 'utf8').catch(unless('ENOENT'));
    if (chain === undefined || keyText === undefined) return false;
    try {
      const certificates = chain
        .split(/(?<=-----END CERTIFICATE-----\n)/)
        .map((pem) => new X509Certificate(pem));
      const [leaf, top] = [certificates[0], certificates.at(-1)];
      if (!leaf || !top || !leaf.checkPrivateKey(createPrivateKey(keyText))) return false;
      if (top.verify(issuer.publicKey) !== (variant !== 'unknown-ca')) return false;
      if (now < leaf.validToDate !== (variant !== 'expired')) return false;
    } catch {
      return false;
    }
  }
  return true;
}
