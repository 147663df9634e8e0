import type { Caller } from '../span.ts';
import type { TraceContext } from './trace-context.ts';

export interface SamplingSettings {
  /** Of the viewers' requests, the part that is recorded. */
  readonly ratio: number;
  /** The most traces that are begun here in one second, whoever asks for them. */
  readonly tracesPerSecond: number;
}

/** Whether what comes from outside is recorded. @param parent what its sender says of the trace, where it is readable */
export type Sampler = (who: Caller['who'], parent: TraceContext | undefined) => boolean;

/** No trace is recorded. */
export const noSampling: Sampler = () => false;

/**
 * What a neighbour records is recorded here as well, so that a trace is whole. A viewer's own flag decides nothing, and nor
 * does the trace id that it chose: chance does. Both stay within the bound.
 *
 * @param mono milliseconds of a clock that never goes back @param random from 0 to 1, 1 not included
 */
export function sampling(
  { ratio, tracesPerSecond }: SamplingSettings,
  mono: () => number = () => performance.now(),
  random: () => number = Math.random,
): Sampler {
  let [second, begun] = [0, 0];
  return (who, parent) => {
    const isWanted = who === 'neighbour' && parent !== undefined ? parent.sampled : random() < ratio;
    if (!isWanted) return false;
    const now = Math.floor(mono() / 1000);
    if (now !== second) [second, begun] = [now, 0];
    begun += 1;
    return begun <= tracesPerSecond;
  };
}
