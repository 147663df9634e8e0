import type { ArchiveStore, KeyStore } from './contracts/archive.ts';
import type { CareLocationStore } from './contracts/care-locations.ts';
import type { CheckpointStore } from './contracts/checkpoints.ts';
import type { LogStore } from './contracts/log.ts';
import type { DirectoryStore } from './contracts/directory.ts';
import type { ObjectionStore, ToldRestrictionStore } from './contracts/patients.ts';
import type { StateStore, StreamCursorStore, ReplayStore } from './contracts/state.ts';
import type { NoticeInboxStore, NoticeQueueStore } from './contracts/notices.ts';
import type { KnownRegionStore, RegisterStore } from './contracts/whereabouts.ts';
import type { TellerStore } from './contracts/tellers.ts';
import type { DecisionStore, StatementStore, WholeFileStore } from './contracts/decisions.ts';

export type * from './contracts/archive.ts';
export type * from './contracts/care-locations.ts';
export type * from './contracts/checkpoints.ts';
export type * from './contracts/directory.ts';
export type * from './contracts/log.ts';
export type * from './contracts/patients.ts';
export type * from './contracts/sighting-stage.ts';
export type * from './contracts/state.ts';
export type * from './contracts/decisions.ts';
export type * from './contracts/notices.ts';
export type * from './contracts/tellers.ts';
export type * from './contracts/whereabouts.ts';

/**
 * What the broker asks of a store, and what a store promises. `test/store/contract.ts` holds every store to it.
 *
 * All methods reject with HouseError `store-unavailable` (or `audit-unavailable` for the audit) when the store
 * cannot do what it promises; a rejected write may or may not have happened, a resolved one has.
 * Times are milliseconds since the epoch. Patients are named by a keyed digest, never by their number.
 */
export interface Store {
  readonly replay: ReplayStore;
  readonly log: LogStore;
  readonly checkpoints: CheckpointStore;
  readonly statements: StatementStore;
  readonly decisions: DecisionStore;
  readonly wholeFiles: WholeFileStore;
  readonly state: StateStore;
  readonly streams: StreamCursorStore;
  readonly archive: ArchiveStore;
  readonly keys: KeyStore;
  readonly careLocations: CareLocationStore;
  readonly objections: ObjectionStore;
  readonly toldRestrictions: ToldRestrictionStore;
  readonly register: RegisterStore;
  readonly knownRegions: KnownRegionStore;
  readonly noticeInbox: NoticeInboxStore;
  readonly noticeQueue: NoticeQueueStore;
  readonly tellers: TellerStore;
  readonly directory: DirectoryStore;
  /**
   * False when the disk has come down to the reserve: what is begun can still be ended and told, and nothing new is to be
   * begun. True where the store cannot know (a database server's disk is its own to watch).
   */
  hasRoom(): boolean;
  /** True when a durable write works now. */
  healthy(): Promise<boolean>;
  close(): Promise<void>;
}
