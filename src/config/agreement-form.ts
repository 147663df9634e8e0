import { z } from 'zod';

import { careSetting, code, date, resourceType, sdsRole } from './forms.ts';

const breakGlass = z.strictObject({
  roles: z.array(z.string()).min(1),
  codes: z.array(code).min(1),
  lifts: z.array(z.enum(['objection', 'ask-none'])).min(1),
});

/**
 * The purpose of a question after a patient's accesses (`docs/protocol.md`): it opens no record, and no other purpose
 * opens the log.
 */
export const ACCESS_REPORT = 'accessreport';

/** Who may ask, for a patient's report, who received the record here; and what of it is told. */
const accessReport = z.strictObject({
  /** SDS job roles: they may ask this and, by it alone, open no record. */
  roles: z.array(sdsRole).min(1),
  /** Which of our organisations looked travels too. By default only this region's id does. */
  organisations: z.boolean().default(false),
});

/** A sharing agreement, as one of its two sides keeps it. */
export const agreement = z
  .strictObject({
    version: z.string().min(1),
    from: date,
    /** The last day on which it is in force; absent: until ended. */
    until: date.optional(),
    review_by: date,
    purposes: z.array(z.string()).min(1),
    /** SDS job roles that may ask. */
    roles: z.array(z.string()).min(1),
    /** What we share with this neighbour; anything else is not offered. */
    types: z.array(resourceType).min(1),
    care_settings: z.array(careSetting).min(1),
    /** Confidentiality labels that are released although they are R or V. */
    release_labels: z.array(z.enum(['R', 'V'])).default([]),
    break_glass: breakGlass.optional(),
    /** For a patient whose home we are, this neighbour may ask which other regions hold something. */
    locate: z.boolean().optional(),
    /** Goes with the purpose `accessreport`. */
    access_report: accessReport.optional(),
  })
  .refine(
    ({ purposes, access_report: report }) => purposes.includes(ACCESS_REPORT) === (report !== undefined),
    {
      error: 'the purpose accessreport together with access_report and its roles, or neither',
      path: ['access_report'],
    },
  );
