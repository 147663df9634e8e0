import type { OutgoingEntry } from './outgoing.ts';

const END = Buffer.from('}\n');

/**
 * One line of a file: `{"log":…,"seq":…,"leaf":{…}}`, members in this order, without white space. What stands between
 * `"leaf":` and the last brace is the leaf byte for byte, so that its hash can be made again.
 */
export function ndjsonLine({ log, sequence, leaf }: OutgoingEntry): Buffer {
  return Buffer.concat([Buffer.from(`${beginningOf(log)}${sequence},"leaf":`), leaf, END]);
}

/** With what every file of lines begins, whatever log it is of. */
export const FILE_BEGINS = '{"log":';

function beginningOf(log: string): string {
  return `${FILE_BEGINS}${JSON.stringify(log)},"seq":`;
}

/** The number of the first line that can be told; undefined where none can. @param head the beginning of a file */
export function firstSequence(head: string): number | undefined {
  const found = /^\{"log":"[^"\n]*","seq":(\d+),/m.exec(head);
  return found === null ? undefined : Number(found[1]);
}
