import type { Registration } from './registration.ts';

/** What the region's own register says of the patient. */
export interface RegisteredHere {
  readonly practice: string;
  /** Milliseconds since the epoch: since when with any practice of this region; absent where that is not known. */
  readonly from?: number | undefined;
}

/** A region that something leads to beside registration and our own care locations, and what does. */
export interface Known {
  readonly region: string;
  readonly how: 'notice' | 'handover' | 'located' | 'continued' | 'ask-all';
  /** The region that told, where it is kept. */
  readonly from?: string | undefined;
  /** Milliseconds since the epoch, where it is kept. */
  readonly lastTold?: number | undefined;
  /** It counts only where the patient is ours: the teller may be wrong about that. */
  readonly undecided?: true | undefined;
}

export interface RouteFacts {
  readonly nhsNumber: string;
  readonly registration: Registration;
  /** ODS codes of the organisations and sites where the patient was treated. */
  readonly careLocations: readonly string[];
  /** The practice that the viewer itself says the patient is registered with (ODS code). */
  readonly stated?: string | undefined;
  /** Absent for whom the local register does not have, or has no more. */
  readonly register?: RegisteredHere | undefined;
  readonly known: readonly Known[];
  readonly own: {
    readonly region: string;
    readonly records: readonly string[];
    /** The records that the viewer shows by itself. */
    readonly shownByViewer: readonly string[];
  };
  /** Regions that are neighbours with an agreement in force. */
  readonly agreed: ReadonlySet<string>;
  /** Regions whose agreement lets the viewer's break-glass (its role and code) lift the ask-none rule. */
  readonly breakGlass: ReadonlySet<string>;
  readonly withoutRegistration: 'ask-all-agreed' | 'ask-home-only' | 'ask-none';
  /** For so many months after a registration here began a handover is missed. */
  readonly recentMonths: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}
