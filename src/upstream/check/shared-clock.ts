import { CLOCK_TOLERANCE_S } from '../../evidence/message.ts';
import { mendFor } from './mend.ts';
import type { Step } from './step.ts';

/**
 * One neighbour alone cannot tell whose clock is off. Where at least two do, and all that were reached are off alike, it is
 * ours. @param checks the steps of each neighbour
 */
export function blameSharedClock(checks: readonly (readonly Step[])[]): Step[][] {
  const clocks = checks.flatMap((steps) =>
    steps.filter(
      ({ step, result, endpoint }) => step === 'clock' && result !== 'skipped' && endpoint === undefined,
    ),
  );
  const ahead = clocks.map(({ detail }) => Number(detail['aheadSeconds']));
  const alike = Math.max(...ahead) - Math.min(...ahead) <= CLOCK_TOLERANCE_S;
  const ours = clocks.length > 1 && alike && clocks.every(({ result }) => result === 'failed');
  return checks.map((steps) =>
    steps.map((step) =>
      ours && step.step === 'clock' && step.result === 'failed'
        ? { ...step, ...mendFor('clock', step.code ?? '', 'ours') }
        : step,
    ),
  );
}
