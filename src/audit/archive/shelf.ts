/** Where segments' files lie. Names are without a directory. */
export interface Shelf {
  has(name: string): boolean;
  /** A file's bytes. */
  chunks(name: string): AsyncIterable<Uint8Array>;
  /** Writes a file beside its place; it is on the disk when this resolves, and takes its place when it is kept. */
  draft(name: string, chunks: AsyncIterable<Uint8Array>): Promise<Draft>;
}

export interface Draft {
  chunks(): AsyncIterable<Uint8Array>;
  /** Gives it its name, durably and never over another file. */
  keep(): Promise<void>;
  drop(): Promise<void>;
}

/** Why something was not archived or not pruned, as a code and as a sentence without its full stop. */
export class ArchiveRefused extends Error {
  override readonly name = 'ArchiveRefused';
  readonly code: 'not-whole' | 'file-exists' | 'file-missing' | 'file-changed' | 'tree' | 'another-run';

  constructor(code: ArchiveRefused['code'], says: string) {
    super(says);
    this.code = code;
  }
}
