import { z } from 'zod';

import { milliseconds, odsCode } from './forms.ts';

const days = (least: number, fallback: number) => z.int().min(least).max(36_500).default(fallback);

/** How patients' home regions are told that this region holds something of them, and what neighbours tell us. */
export const patientNotices = z.strictObject({
  /** Organisations, with all their sites, and sites: what is seen there alone leads to no notice. */
  sensitive_services: z.array(odsCode).default([]),
  /** A home region that was told of a patient is told again when the patient is seen after so many days. */
  renew_days: days(1, 90),
  /** How long notices to one region are gathered. */
  every_ms: milliseconds.default(10_000),
  /** A notice that could not be delivered for so many days is given up. */
  keep_days: days(1, 30),
  /** What of one neighbour's may wait here until it is known whose patients they are. */
  inbox_per_neighbour: z.int().min(1).max(10_000_000).default(100_000),
  /** What could not be decided for so many days is given up. */
  inbox_days: days(1, 7),
  /** Which regions hold something of a patient of ours is forgotten when nobody has told it anew for so many days. */
  known_days: days(30, 1_825),
});
export type PatientNotices = z.infer<typeof patientNotices>;
