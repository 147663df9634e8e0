/** A patient who was seen at a place of this region, as a feed told it. */
export interface SeenPatient {
  readonly nhsNumber: string;
  /** Digest. */
  readonly patient: string;
  /** ODS organisation or site code. */
  readonly organisation: string;
  /** Milliseconds since the epoch. */
  readonly lastSeen: number;
}

/**
 * Is handed what a feed told, before that feed marks its own progress: what it kept is not lost by a crash, and may come
 * again. It rejects when it could not keep it.
 */
export type OnSeen = (seen: readonly SeenPatient[]) => Promise<void>;
