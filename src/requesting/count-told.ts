import type { PlannedQuestion } from '../routing/plan-for.ts';
import type { ToldBy, ToldOutcome } from '../store/contracts.ts';
import type { RegionAnswer } from './region-answer.ts';

/** Counts what becomes of what a region told of where patients are held: no patient. */
export type OnToldAnswer = (teller: string, how: ToldBy, what: ToldOutcome) => void;

/**
 * Of each region that was asked because another, or itself, told that it holds something: what it answered, to whoever told.
 * Called for a whole question: a page and a read go where something was found already.
 */
export function countTold(
  { facts }: Pick<PlannedQuestion, 'facts'>,
  answers: readonly RegionAnswer[],
  onToldAnswer: OnToldAnswer,
): void {
  for (const answer of answers) {
    const what = answer.jti === undefined ? undefined : outcomeOf(answer);
    const tellers = new Map<string, [teller: string, how: ToldBy]>();
    for (const { region, how, from } of facts.known) {
      if (region !== answer.region || from === undefined) continue;
      if ((how === 'notice' || how === 'handover') && answer.asked.includes(how))
        tellers.set(`${from} ${how}`, [from, how]);
    }
    if (what !== undefined) for (const [teller, how] of tellers.values()) onToldAnswer(teller, how, what);
  }
}

function outcomeOf({ outcome, sources }: RegionAnswer): ToldOutcome | undefined {
  if (outcome === 'not-offered' || outcome === 'not-asked') return undefined;
  if (outcome !== 'partial') return outcome;
  const kinds = new Set(sources.map((source) => source.outcome));
  if (kinds.has('answered') || kinds.has('partial')) return 'answered';
  return kinds.has('withheld') ? 'withheld' : 'not-reached';
}
