import { z } from 'zod';

import { SEARCHABLE_TYPES } from '../fhir/search-parameters.ts';

/** What several settings are made of. */

export const code = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and hyphens');
export const odsCode = z
  .string()
  .regex(/^[A-Z0-9]{3,12}$/, 'an ODS code: 3 to 12 capital letters and digits');
export const date = z.iso.date('a date, as 2026-04-01');
export const path = z.string().min(1);
export const sdsRole = z.string().regex(/^R\d{4}$/, 'an SDS job role code, as R8000');
export const resourceType = z.enum(
  SEARCHABLE_TYPES as [string, ...string[]],
  'a FHIR resource type that can be shared',
);
export const milliseconds = z.int('whole milliseconds').min(50).max(120_000);

export const careSetting = z.enum([
  'acute',
  'primary',
  'community',
  'mental-health',
  'sexual-health',
  'urgent',
  'social',
]);
