import type { HeldNote } from '../audit/witnessing/our-past.ts';
import type { Closed } from '../store/contracts.ts';

/** That a store is closed because a neighbour holds a checkpoint of ours that it does not lead to: with the proof. */
export function behind({ region, origin, size, note }: HeldNote, now: number): Closed {
  const told_by = `${region} holds a checkpoint of ${size} entries of ${origin}, which our own key signed`;
  return { since: now, why: 'behind', detail: JSON.stringify({ told_by, region, origin, size, note }) };
}
