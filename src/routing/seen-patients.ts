/** That a patient was seen at an organisation of this region, as a file, the platform or a record says. */
export interface SeenPatient {
  readonly nhsNumber: string;
  /** Keyed digest of the number, base64url. */
  readonly patient: string;
  /** ODS organisation or site code. */
  readonly organisation: string;
  /** Milliseconds since the epoch. */
  readonly lastSeen: number;
}

/**
 * Who wants to know of patients that were seen here, batch by batch. Whoever learns of them awaits it before it marks its own
 * progress: after a crash the same come once more.
 */
export type OnSeen = (seen: readonly SeenPatient[]) => Promise<void>;
