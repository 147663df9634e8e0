import type { HeldNote, OurPast } from '../audit/witnessing/our-past.ts';
import type { WitnessLink } from '../audit/witnessing/witnessing.ts';
import { isWayleaveError } from '../errors.ts';

/** What a neighbour says of us. */
export type Report =
  | { readonly region: string; readonly reached: false; readonly fault: string }
  | {
      readonly region: string;
      readonly reached: true;
      /** The sequence of our own entity statement that it has approved; undefined where it does not say. */
      readonly statement: number | undefined;
      /** What it holds of our logs, signed by our own key. */
      readonly notes: readonly HeldNote[];
    };

/** Asks all at once; who does not answer in time was not reached. */
export function askNeighbours(
  links: readonly Pick<WitnessLink, 'neighbour' | 'witnessed'>[],
  past: OurPast,
  withinMs: number,
): Promise<Report[]> {
  return Promise.all(
    links.map(async (link): Promise<Report> => {
      const { region } = link.neighbour;
      try {
        const { notes, statement } = await link.witnessed(withinMs);
        return { region, reached: true, statement, notes: await past.ours(region, notes) };
      } catch (error) {
        return { region, reached: false, fault: isWayleaveError(error) ? error.code : 'no answer' };
      }
    }),
  );
}

/** For each log of ours the largest checkpoint that anybody holds. */
export function highestOf(reports: readonly Report[], origin: string): HeldNote | undefined {
  const notes = reports.flatMap((report) => (report.reached ? report.notes : []));
  return notes.filter((held) => held.origin === origin).toSorted((one, other) => other.size - one.size)[0];
}
