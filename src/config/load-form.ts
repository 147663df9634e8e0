import { z } from 'zod';

import { milliseconds } from './forms.ts';

const MOST_UNDER_WAY = 100_000;

/** How many requests may be under way at once, of viewers, platforms and neighbours together. */
export const loadForm = z
  .strictObject({
    /** So many always may. */
    least: z.int().min(1).max(MOST_UNDER_WAY).default(16),
    /** So many never are exceeded, however well it goes: what they hold has to fit into the memory. */
    most: z.int().min(1).max(MOST_UNDER_WAY).default(1_024),
    /** The longest that a request waits to be let in; never more than a quarter of its own time. */
    wait_ms: milliseconds.default(500),
    /** When the event loop is later than this half of the time, fewer are let in. */
    loop_delay_ms: z.int().min(5).max(10_000).default(50),
    /** An event loop that was blocked for so long is told in the log. */
    blocked_ms: milliseconds.default(1_000),
  })
  .refine(({ least, most }) => least <= most, { path: ['most'], error: 'at least as many as load.least' });
