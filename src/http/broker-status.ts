/** What became of what a neighbour told: of patients the first three, of queries the others. */
export type ToldWhat = 'known' | 'dropped' | 'given-up' | 'answered' | 'none' | 'withheld' | 'not-reached';

/** Everything that `wayleave status` shows: no patient, no secret. */
export interface BrokerStatus {
  readonly region: string;
  readonly entity: string;
  /** ISO instant. */
  readonly started: string;
  /** False while the store cannot write, has come down to its reserve, or is closed: then nothing is released. */
  readonly ready: boolean;
  /** `low`: its disk has come down to the reserve. */
  readonly store: 'ok' | 'low' | 'failing';
  /** Set while nothing is served from the store: since when (ISO instant), why, and what is known about it. */
  readonly closed?:
    | { readonly since: string; readonly why: string; readonly detail: Readonly<Record<string, unknown>> }
    | undefined;
  /** What is taken in, and whether we keep up. */
  readonly load?: {
    /** How late the event loop was, in milliseconds: the 99th percentile of the last whole ten seconds. */
    readonly loopDelayMs: number;
    /** How often it was blocked for longer than `load.blocked_ms` since the start. */
    readonly blocked: number;
    readonly underWay: { readonly viewers: number; readonly neighbours: number };
    readonly waiting: number;
    /** How many may be under way at once, now. */
    readonly limit: number;
    /** Requests that were refused for want of room, or while stopping, since the start. */
    readonly refused: number;
    /** Since when some are refused (ISO instant); absent when none was in the last ten seconds. */
    readonly overloaded?: string;
    /** Rejections that no code of ours handled, since the start: each is a mistake of ours. */
    readonly unhandled: number;
  };
  readonly log: {
    /** How each neighbour stands as a witness of our log. */
    readonly witnesses: readonly { readonly region: string; readonly fault?: string | undefined }[];
    /** Undefined while the store cannot say. */
    readonly forks: readonly object[] | undefined;
  };
  readonly destinations: readonly {
    readonly kind: string;
    readonly name: string;
    readonly circuit: string;
    readonly since?: string;
    readonly window: { readonly failed: number };
    readonly underWay: number;
    readonly capacity: number;
  }[];
  /** The newest import of each kind of file of the directory: the day that it shows. */
  readonly directory: readonly { readonly kind: string; readonly date: string }[];
  /** The sequence of our own statement, and why the files, as they are now, are not who we are. */
  readonly own: { readonly statement: number; readonly fault?: string };
  /** Why the admins of the configuration file, as it is now, do not count, or are not told in the log. */
  readonly admins: { readonly fault?: string };
  /** How each neighbour stands, and what waits for an admin. */
  readonly trust: {
    /** Why decisions cannot be read at the moment. */
    readonly fault?: string;
    readonly neighbours: readonly {
      readonly region: string;
      readonly state: string;
      readonly statement: number | undefined;
      readonly pausedUntil: string | undefined;
      readonly pending: readonly string[] | undefined;
      readonly refreshedAt: string | undefined;
      readonly fault: string | undefined;
    }[];
    /** Regions that an admin has proposed. */
    readonly proposed: readonly string[];
  };
  /** Neighbours' signed pings that were answered since the start. */
  readonly pings: readonly { readonly region: string; readonly answered: number; readonly last: string }[];
  /** Everything that ends, ours and theirs, the soonest first. */
  readonly certificates: readonly {
    readonly whose: string;
    readonly kind: string;
    readonly region: string;
    readonly name: string;
    readonly validUntil: string;
    readonly daysLeft: number;
    readonly level: string;
  }[];
  /** How telling administrators of what ends goes, by channel. */
  readonly notices: readonly { readonly channel: string; readonly waiting: number }[];
  /** Notices to and from other regions about patients, in counts; absent where nothing is served, or the store cannot say. */
  readonly patientNotices?:
    | {
        readonly seen: number;
        readonly waiting: readonly {
          readonly region: string;
          readonly count: number;
          readonly why?: string;
        }[];
        readonly told: readonly { readonly region: string; readonly count: number }[];
        readonly inbox: readonly { readonly region: string; readonly waiting: number }[];
        readonly inboxLimit: number;
        readonly decided: { readonly known: number; readonly dropped: number; readonly givenUp: number };
        readonly givenUp: readonly { readonly region?: string; readonly count: number }[];
        readonly tellers: readonly ({ readonly region: string; readonly how: string } & Readonly<
          Record<ToldWhat, number>
        >)[];
        readonly tellersDays: number;
      }
    | undefined;
  /** What feeds the care-location index: platforms that told something since the start, and records that are polled. */
  readonly feeds: {
    readonly platforms: readonly {
      readonly platform: string;
      readonly encounters: number;
      readonly last: string;
    }[];
    readonly polling: readonly {
      readonly record: string;
      readonly encounters: number;
      readonly refused: number;
      readonly last?: string;
      readonly until?: string;
      readonly fault?: string;
    }[];
  };
  /** Neighbours' revocation lists. */
  readonly crls: readonly object[];
}
