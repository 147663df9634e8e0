import { toldType } from '../fhir/told-type.ts';
import type { Span } from '../span.ts';
import { overall } from './answer.ts';
import type { RecordAnswer } from './record-answer.ts';

/** Asks one record; who watches is told what came of it. @param types of what is asked for */
export async function watchedRecord(
  span: Span,
  record: string,
  types: readonly string[],
  read: () => Promise<RecordAnswer>,
): Promise<RecordAnswer> {
  const part = span.begin('record', { record, types: [...new Set(types.map(toldType))] });
  try {
    const answer = await read();
    part.set(becameOf(answer));
    return answer;
  } finally {
    part.end();
  }
}

function becameOf({ sources, restricted }: RecordAnswer): { outcome: string; reason: string | undefined } {
  const outcome = restricted ? 'withheld' : overall(sources);
  const reason = sources.find((source) => source.outcome === 'not-reached')?.reason;
  return { outcome, reason };
}
