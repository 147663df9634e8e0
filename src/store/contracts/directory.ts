/** What files of one kind say of one organisation, from the day of the first that says so until one says otherwise. */
export interface DirectoryVersion {
  readonly code: string;
  /** The kind of file, as the caller names it. */
  readonly kind: string;
  /** ISO date: the day that the first file with these facts shows. */
  readonly seen: string;
  /** JSON, the same text for the same facts. */
  readonly facts: string;
}

/** A file that was imported. */
export interface DirectoryImport {
  readonly kind: string;
  /** ISO date: the day that it shows. */
  readonly date: string;
  /** Its name, without a directory. */
  readonly file: string;
  /** Of its bytes, hexadecimal. */
  readonly sha256: string;
  readonly lines: number;
  readonly refused: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** All that was imported, as it stood at one moment. */
export interface StoredDirectory {
  /** Another number after each change; 0 for a store into which nothing was imported. */
  readonly generation: number;
  readonly versions: readonly DirectoryVersion[];
  /** Oldest first. */
  readonly imports: readonly DirectoryImport[];
}

/** What is to stand in the place of what. A version is known by its code, kind and day. */
export interface DirectoryChange {
  readonly remove: readonly DirectoryVersion[];
  readonly add: readonly DirectoryVersion[];
  readonly imports: readonly DirectoryImport[];
}

/** The published directory of organisations as this region imported it, with its history. */
export interface DirectoryStore {
  /** Cheap: to be asked every few seconds. */
  generation(): Promise<number>;
  read(): Promise<StoredDirectory>;
  /**
   * Makes a change that was worked out on a generation: all of it or nothing, however often it is cut short. Who reads meanwhile
   * reads what was before. It is written in short steps, so that other writers wait for none of them for long.
   *
   * @param onProgress is told how many versions were written
   * @returns the new generation; undefined, and nothing is changed, when another was made of `base` or is being made since
   */
  replace(
    base: number,
    change: DirectoryChange,
    onProgress?: (done: number) => void,
  ): Promise<number | undefined>;
}
