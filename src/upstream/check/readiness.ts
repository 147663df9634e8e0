import type { Step, StepName } from './step.ts';

/** Whether a neighbour is ready for what is to be activated here. */
export interface Readiness {
  readonly region: string;
  readonly ready: boolean;
  /** The sequence of our statement that it has approved, where it says one. */
  readonly approved: number | undefined;
  /** Why it is not ready: the step that failed. */
  readonly because: Step | undefined;
}

/**
 * What the check of a link says about a neighbour's readiness.
 *
 * @param needed the steps that must have held, at each endpoint; what another one found is told by its failure alone
 */
export function readinessOf(region: string, steps: readonly Step[], needed: readonly StepName[]): Readiness {
  const held = (name: StepName): boolean => {
    const found = steps.filter(({ step }) => step === name);
    return found.length > 0 && found.every(({ result }) => result === 'held');
  };
  const failed = steps.filter(({ result }) => result === 'failed');
  const ready = needed.every(held);
  const approved = steps.find(({ step }) => step === 'own-statement')?.detail['theirs'];
  return {
    ...{ region, ready },
    approved: typeof approved === 'number' ? approved : undefined,
    // What was needed and failed says more than what failed before it and did not hinder it.
    because: ready ? undefined : (failed.find(({ step }) => needed.includes(step)) ?? failed[0]),
  };
}
