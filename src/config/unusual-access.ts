import { z } from 'zod';

import { sdsRole } from './forms.ts';

const time = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'a time of day, as 07:00');
const moreThan = (fallback: number) =>
  z.strictObject({
    per: z.enum(['hour', 'day']).default('hour'),
    more_than: z.int().min(1).max(100_000).default(fallback),
  });

/** What `wayleave audit unusual` looks for: the rules that are written here, and no others. */
export const unusualAccess = z.strictObject({
  /** One user, more patients than that. */
  many_patients: moreThan(30).optional(),
  /** One patient, more users than that. */
  same_patient_many_users: moreThan(10).optional(),
  out_of_hours: z
    .strictObject({
      /** Time of England; over midnight when `until` comes before `from`. */
      from: time,
      until: time,
      /** Days that are out of hours as a whole. */
      days: z
        .array(z.enum(['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']))
        .default([]),
      /** SDS job roles that it is unusual for: others work at night. */
      roles: z.array(sdsRole).min(1),
    })
    .optional(),
  /** Every use of it. */
  break_glass: z.boolean().default(true),
});
