import { z } from 'zod';

import { StartError } from '../errors.ts';
import { code, odsCode, path } from './forms.ts';

const DAY_MS = 86_400_000;

const platform = z.strictObject({
  id: code,
  name: z.string().min(1),
  /** The one URI name of its certificate, and the authorities that may have issued it. */
  certificate: z.strictObject({ uri: z.url(), anchors: path }),
  /** ODS codes of the organisations that it may speak of, each with its sites. */
  organisations: z.array(odsCode).min(1),
  /** Requests, each of one Encounter or of many. */
  requests_per_second: z.int().min(1).max(10_000).default(5),
});

const polling = z.strictObject({
  /** An id of `records`. */
  record: code,
  /** How often it is asked what is new. */
  every_ms: z.int().min(1_000).max(DAY_MS).default(60_000),
  /** Asked for again each time: what a record dates before it shows it. */
  overlap_ms: z.int().min(0).max(DAY_MS).default(300_000),
  page_size: z.int().min(1).max(500).default(100),
  /** From when on, at the very first time; absent: from then on. What is older is imported. */
  since: z.iso.date('a date, as 2026-04-01').optional(),
});

/** Whence this region's index of where patients were treated is fed, and how long it keeps what. */
export const careLocationsForm = z.strictObject({
  /** Days since a patient was last seen somewhere. */
  retention_days: z.int().min(365, 'at least 365').max(36_500).default(3_650),
  platforms: z.array(platform).default([]),
  polling: z.array(polling).default([]),
});

export type CareLocationsConfig = z.infer<typeof careLocationsForm>;
export type PollingConfig = CareLocationsConfig['polling'][number];

/** A platform as configured, with the PEM text of the authorities that may have issued its certificate. */
export type RegisteredPlatform = CareLocationsConfig['platforms'][number] & { readonly anchors: string };

export interface ConfiguredCareLocations extends Omit<CareLocationsConfig, 'platforms'> {
  readonly platforms: readonly RegisteredPlatform[];
}

/** @param pem the text of authorities, by setting and file name @throws StartError for what does not fit together */
export function configuredCareLocations(
  { platforms, ...config }: CareLocationsConfig,
  { records, source }: { readonly records: readonly { readonly id: string }[]; readonly source: string },
  pem: (setting: string, name: string) => string,
): ConfiguredCareLocations {
  const fail = (setting: string, wrong: string): never => {
    throw new StartError(`${source}: care_locations.${setting} ${wrong}.`);
  };
  if (!areDistinct(platforms.map(({ id }) => id))) fail('platforms', 'names one id twice: give each its own');
  if (!areDistinct(platforms.map(({ certificate }) => certificate.uri))) {
    fail('platforms', 'gives two platforms one certificate: register it once, with all organisations');
  }
  if (!areDistinct(config.polling.map(({ record }) => record))) {
    fail('polling', 'names one record twice: keep one entry');
  }
  for (const [position, { record }] of config.polling.entries()) {
    if (!records.some(({ id }) => id === record)) {
      fail(`polling.${position}.record`, `names ${record}, which is no record here: write an id of records`);
    }
  }
  return {
    ...config,
    platforms: platforms.map((one, position) => ({
      ...one,
      anchors: pem(`care_locations.platforms.${position}.certificate.anchors`, one.certificate.anchors),
    })),
  };
}

function areDistinct(values: readonly string[]): boolean {
  return new Set(values).size === values.length;
}
