import { hash } from 'node:crypto';

import type { Config } from './load.ts';

/**
 * SHA-256, base64url, of a configuration with every public file that it names: two starts with the same digest ran
 * under the same agreements, pins, coverage and rules. Where its files lie makes no difference; credentials of records
 * and of demographics are left out.
 */
export function configurationDigest(config: Config): string {
  const {
    source: _source,
    secretsDirectory: _secrets,
    store: _store,
    whole: _whole,
    cut: _cut,
    ...said
  } = config;
  const records = config.records.map(({ credentials: { kind }, ...record }) => ({ ...record, kind }));
  const neighbours = config.neighbours.map(({ crl, ...neighbour }) => ({
    ...neighbour,
    ...(crl && { crl: { ...crl, files: crl.files.length, cache: undefined } }),
  }));
  const { credentials, ...demographics } = config.demographics;
  const digested = {
    ...said,
    neighbours,
    records,
    demographics: { ...demographics, kind: credentials.kind },
  };
  return hash('sha256', JSON.stringify(digested), 'base64url');
}
