import { mendFor } from './mend.ts';
import { STEPS, type Found, type Step, type StepName } from './step.ts';

/** The steps that were taken, told as they are taken; those that were not are skipped. */
export class Course {
  readonly steps: Step[] = [];
  readonly #told: (step: Step) => void;

  constructor(told: (step: Step) => void) {
    this.#told = told;
  }

  /** @returns what the step gives to later ones; undefined where it gives nothing */
  async take<Value>(
    step: StepName,
    work: () => Promise<Found<Value>> | Found<Value>,
  ): Promise<Value | undefined> {
    this.#skipTo(step);
    const { value, detail = {}, fault, skipped } = await work();
    if (fault === undefined) this.#tell({ step, result: skipped ? 'skipped' : 'held', detail });
    else {
      const { code } = fault;
      const { whose, mend } = mendFor(step, code, fault.whose);
      this.#tell({ step, result: 'failed', code, detail: { ...detail, ...fault.detail }, whose, mend });
    }
    return value;
  }

  failed(step: StepName): boolean {
    return this.steps.some((one) => one.step === step && one.result === 'failed');
  }

  end(): readonly Step[] {
    this.#skipTo(undefined);
    return this.steps;
  }

  #skipTo(step: StepName | undefined): void {
    const upTo = step === undefined ? STEPS.length : STEPS.indexOf(step);
    while (this.steps.length < upTo) {
      const next = STEPS[this.steps.length];
      if (next === undefined) return;
      this.#tell({ step: next, result: 'skipped', detail: {} });
    }
  }

  #tell(step: Step): void {
    this.steps.push(step);
    this.#told(step);
  }
}
