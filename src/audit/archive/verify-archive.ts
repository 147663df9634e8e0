import { failed, ok, type Step } from '../proof/verdict.ts';
import { verifySegment, type SegmentVerdict, type VerifySegmentOptions } from './verify-segment.ts';

/** A file, to be read from its beginning as often as it is asked for. */
export interface SegmentSource {
  readonly name: string;
  readonly chunks: () => AsyncIterable<Uint8Array>;
}

export interface ArchiveVerdict {
  readonly holds: boolean;
  readonly files: readonly (SegmentVerdict & { readonly name: string })[];
  /** How the files go together: `join`. */
  readonly joins: readonly Step[];
}

/**
 * Verifies files, one after another, and that those of one log go on where the one before ends, on the same signed
 * root. Files of several logs may come in one call.
 */
export async function verifyArchive(
  sources: readonly SegmentSource[],
  options: VerifySegmentOptions = {},
  onFile?: (name: string, verdict: SegmentVerdict) => void,
): Promise<ArchiveVerdict> {
  const files: (SegmentVerdict & { name: string })[] = [];
  for (const { name, chunks } of sources) {
    const verdict = await verifySegment(chunks(), options);
    onFile?.(name, verdict);
    files.push({ name, ...verdict });
  }
  const joins = joinSteps(files);
  const joined = joins.every(({ result }) => result !== 'failed');
  return { holds: joined && files.every(({ holds }) => holds), files, joins };
}

function joinSteps(files: ArchiveVerdict['files']): Step[] {
  const read = files.flatMap(({ name, summary, roots }) =>
    summary === undefined ? [] : [{ name, ...summary, roots }],
  );
  return [...Map.groupBy(read, ({ origin }) => origin).values()].flatMap((ofLog) => {
    const inOrder = ofLog.toSorted((one, other) => one.from - other.from);
    return inOrder.slice(1).map((next, nth): Step => {
      const last = inOrder[nth];
      const about = `${last?.name} and ${next.name}`;
      if (last?.to !== next.from) {
        const says = `one ends at entry ${last?.to}, the other begins at ${next.from}: a file is missing, or there twice`;
        return failed('join', `${about}: ${says}`, next.from);
      }
      if (last.roots.end === undefined || next.roots.start === undefined) {
        return failed(
          'join',
          `${about}: no root was signed for ${next.from} entries at one of them`,
          next.from,
        );
      }
      return last.roots.end === next.roots.start
        ? ok('join', `${about} join at entry ${next.from}, on one signed root`, next.from)
        : failed('join', `${about}: two roots were signed for ${next.from} entries`, next.from);
    });
  });
}
