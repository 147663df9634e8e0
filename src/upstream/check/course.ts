import { mendFor } from './mend.ts';
import { STEPS, type Found, type Step, type StepName } from './step.ts';

/** The steps that were taken, told as they are taken; those that were not are skipped. */
export class Course {
  readonly steps: Step[] = [];
  readonly #told: (step: Step) => void;
  readonly #names: readonly StepName[];
  readonly #where: Pick<Step, 'endpoint'>;

  /** @param endpoint of one beside the first: what is asked before any is tried is no step of it */
  constructor(told: (step: Step) => void, endpoint?: string) {
    this.#told = told;
    this.#names = endpoint === undefined ? STEPS : STEPS.slice(STEPS.indexOf('name'));
    this.#where = endpoint === undefined ? {} : { endpoint };
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
    const upTo = step === undefined ? this.#names.length : this.#names.indexOf(step);
    while (this.steps.length < upTo) {
      const next = this.#names[this.steps.length];
      if (next === undefined) return;
      this.#tell({ step: next, result: 'skipped', detail: {} });
    }
  }

  #tell(found: Step): void {
    const step = { ...found, ...this.#where };
    this.steps.push(step);
    this.#told(step);
  }
}
