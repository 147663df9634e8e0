import { z } from 'zod';

import { path } from './forms.ts';

const MOST_SOURCES = 16;

/** Where a neighbour's certificate revocation lists (RFC 5280, 5) are found, and what to do when they are too old. */
export const crlForm = z
  .strictObject({
    /** DER or PEM. Read again when they change. */
    files: z.array(path).max(MOST_SOURCES).default([]),
    /** Fetched. A list is believed for its signature alone, so plain http serves, and is what authorities use. */
    urls: z
      .array(
        z
          .url({ protocol: /^https?$/, error: 'an http or https address' })
          .refine((url) => new URL(url).username === '', 'an address without a user'),
      )
      .max(MOST_SOURCES)
      .default([]),
    /** PEM of authorities below the pinned anchors that sign lists of their own. */
    issuers: z.array(path).max(MOST_SOURCES).default([]),
    /** Directory in which what was fetched outlives a restart. */
    cache: path.optional(),
    /** While a list is missing or too old: `refuse` the certificates that it is about, or `warn` and take them. */
    when_old: z.enum(['refuse', 'warn']).default('refuse'),
    /** For so long after its next update a list is not too old yet. */
    grace_hours: z
      .int()
      .min(0)
      .max(24 * 31)
      .default(0),
    fetch_minutes: z.int().min(1).max(1440).default(60),
  })
  .refine(({ files, urls }) => files.length + urls.length > 0, 'files, urls, or both');

export type CrlSettings = z.infer<typeof crlForm>;

/** As configured, with absolute paths, and the issuers' certificates read. */
export interface ConfiguredCrl extends CrlSettings {
  /** PEM, in the order of `issuers`. */
  readonly issuerCertificates: readonly string[];
}

/** @param near makes a path absolute */
export function configuredCrl(
  settings: CrlSettings | undefined,
  near: (name: string) => string,
  text: (name: string) => string,
): ConfiguredCrl | undefined {
  return (
    settings && {
      ...settings,
      files: settings.files.map(near),
      cache: settings.cache === undefined ? undefined : near(settings.cache),
      issuerCertificates: settings.issuers.map(text),
    }
  );
}
