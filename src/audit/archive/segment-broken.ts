/** What can be wrong with a segment's file. */
export type SegmentFault =
  /** No such file, or not the one text of one: cut short, something behind its end, a line that is none. */
  | 'form'
  /** The bytes are not those whose digest the file ends with. */
  | 'digest'
  /** The hashes of the tree before the segment do not lead to the root that was signed there. */
  | 'frontier'
  /** An entry is not in its place: missing, repeated, moved. */
  | 'order'
  /** The leaves do not lead to the root that was signed at the end. */
  | 'root';

/** The first thing that is wrong with a file, and the entry that it is about, where it is about one. */
export class SegmentBroken extends Error {
  override readonly name = 'SegmentBroken';
  readonly fault: SegmentFault;
  readonly sequence: number | undefined;

  constructor(fault: SegmentFault, says: string, sequence?: number, options?: ErrorOptions) {
    super(says, options);
    this.fault = fault;
    this.sequence = sequence;
  }
}
