import type { DemoData } from './demo-data.ts';
import { edgeCases } from './people/edge-cases.ts';
import { moves } from './people/moves.ts';
import { Ledger } from './people/ledger.ts';
import { story1 } from './people/story-1.ts';
import { story2 } from './people/story-2.ts';
import { story3 } from './people/story-3.ts';
import { story4 } from './people/story-4.ts';
import { story5 } from './people/story-5.ts';
import { story6 } from './people/story-6.ts';
import { story7 } from './people/story-7.ts';

export { buildFifth, FIFTH_NUMBERS } from './people/fifth.ts';
export { MOVE_NUMBERS } from './people/moves.ts';
export { EDGE_NUMBERS } from './people/edge-cases.ts';
export { buildPopulation } from './people/population.ts';
export { nextTestNhsNumber } from './test-nhs-number.ts';

/** The NHS number of story n is at n - 1. */
export const STORY_NUMBERS = [
  '9990000018',
  '9990000026',
  '9990000034',
  '9990000042',
  '9990000050',
  '9990000069',
  '9990000077',
] as const;

const FIRST_ID = 1001;

/**
 * The seven stories of the demo and the patients for whom demographics have a special answer, dated relative to
 * `now`. The same `now` gives the same data.
 *
 * The order of building is chosen: London gets a patient whom Hertfordshire does not know before those whom both
 * know, so in the two records one id never means the same patient.
 */
export function buildStories(now: Date): DemoData {
  const ledger = new Ledger(now, FIRST_ID);
  for (const story of [story6, story1, story2, story3, story5, story7, story4]) story(ledger);
  edgeCases(ledger);
  return ledger.data();
}

const FIRST_MOVE_ID = 800_001;

/** Patients whose records only another region's word leads to: its notice, or its handover. */
export function buildMoves(now: Date): DemoData {
  const ledger = new Ledger(now, FIRST_MOVE_ID);
  moves(ledger);
  return ledger.data();
}
