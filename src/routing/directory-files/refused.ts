/** A directory file that is refused whole: nothing of it is taken. One sentence; the caller puts the file's name before it. */
export class FileRefused extends Error {
  override readonly name = 'FileRefused';
  /** From 1; undefined where it is no line's fault. */
  readonly line: number | undefined;

  constructor(sentence: string, line?: number) {
    super(sentence);
    this.line = line;
  }
}
