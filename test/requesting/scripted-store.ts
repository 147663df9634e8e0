import { HouseError } from '../../src/errors.ts';
import type { Leaf } from '../../src/audit/entry.ts';
import { emptyRoot } from '../../src/tlog/merkle.ts';
import type { Store } from '../../src/store/contracts.ts';

/** A store in memory whose disk fails when a test says so. Every patient was treated at `treatedAt`. */
export class ScriptedStore implements Store {
  readonly rows: Omit<Leaf, 'seq'>[] = [];
  readonly counts = new Map<string, number>();
  /** Says whether these rows can be written. */
  writes: (rows: readonly Omit<Leaf, 'seq'>[]) => boolean = () => true;
  readsFail = false;
  readonly #spent = new Set<string>();
  readonly #treatedAt: readonly string[];

  constructor(treatedAt: readonly string[]) {
    this.#treatedAt = treatedAt;
  }

  readonly replay: Store['replay'] = {
    spend: async (issuer, jti) => {
      const first = !this.#spent.has(`${issuer} ${jti}`);
      this.#spent.add(`${issuer} ${jti}`);
      return first;
    },
  };

  readonly log: Store['log'] = {
    append: async (_log, items) => {
      const rows = items.flatMap(({ entries }) =>
        entries.map(({ facts }) => JSON.parse(`{${facts}}`) as Omit<Leaf, 'seq'>),
      );
      if (!this.writes(rows)) throw new HouseError('audit-unavailable');
      this.rows.push(...rows);
      return items.map(() => ({ fresh: true, sequence: 0 }));
    },
    count: async (code) => void this.counts.set(code, (this.counts.get(code) ?? 0) + 1),
    counts: async () => [],
    forgetCounts: async () => 0,
    pruned: async () => 0,
    entries: async () => [],
    leaves: async () => [],
    search: async () => [],
    openWork: async () => [],
    erase: async () => undefined,
    tiles: async () => [],
    logs: async () => [],
    succeed: async () => false,
    head: async () => ({ size: 0, root: emptyRoot() }),
  };

  readonly directory: Store['directory'] = {
    generation: async () => 0,
    read: async () => ({ generation: 0, versions: [], imports: [] }),
    replace: async () => undefined,
  };

  readonly wholeFiles: Store['wholeFiles'] = { keep: async () => undefined, of: async () => [] };
  readonly knownRegions: Store['knownRegions'] = {
    record: async () => undefined,
    of: async () => [],
    forget: async () => 0,
    toldBy: async () => [],
    forgetTeller: async () => 0,
  };
  readonly noticeInbox: Store['noticeInbox'] = {
    of: async () => [],
    keep: async () => true,
    firstDue: async () => undefined,
    take: async () => [],
    decided: async () => undefined,
    later: async () => undefined,
    counts: async () => [],
    forgetSender: async () => 0,
  };
  readonly tellers: Store['tellers'] = {
    add: async () => undefined,
    since: async () => [],
    forget: async () => undefined,
  };
  readonly noticeQueue: Store['noticeQueue'] = {
    enqueue: async () => undefined,
    stays: async () => [],
    homes: async () => [],
    toldTo: async () => undefined,
    homeChanged: async () => false,
    firstDue: async () => undefined,
    take: async () => [],
    move: async () => undefined,
    later: async () => undefined,
    forget: async () => 0,
    counts: async () => [],
    leaverCursor: async () => undefined,
    keepLeaverCursor: async () => undefined,
  };
  readonly decisions: Store['decisions'] = { from: async () => [] };

  readonly checkpoints: Store['checkpoints'] = {
    save: async () => undefined,
    latest: async () => undefined,
    covering: async () => undefined,
    allWitnessed: async () => [],
    page: async () => [],
    remove: async () => undefined,
    witnessed: async () => undefined,
    witness: async () => false,
    keepFork: async () => false,
    forks: async () => [],
  };

  readonly statements: Store['statements'] = {
    keep: async () => undefined,
    of: async () => [],
  };

  readonly state: Store['state'] = {
    read: async () => ({ closed: undefined, openedAt: undefined }),
    close: async () => false,
    open: async () => false,
  };
  readonly streams: Store['streams'] = { read: async () => 0, advance: async () => undefined };

  readonly keys: Store['keys'] = { page: async () => [], rewrap: async () => [] };

  readonly archive: Store['archive'] = {
    register: async () => false,
    segments: async () => [],
    last: async () => undefined,
    beginPrune: async () => false,
    prune: async () => 0,
    prunedWithin: async () => [],
    named: async () => [],
    keys: async () => [],
  };

  readonly careLocations: Store['careLocations'] = {
    record: async () => undefined,
    of: async ([patient = '']) => {
      if (this.readsFail) throw new HouseError('store-unavailable');
      return this.#treatedAt.map((organisation) => ({
        patient,
        organisation,
        firstSeen: 0,
        lastSeen: 0,
        source: 'test',
      }));
    },
    numbersOf: async () => [],
    merge: async () => ({ taken: 0, added: 0, widened: 0 }),
    settle: async () => undefined,
    forget: async () => ({ forgotten: 0, next: undefined }),
    tally: async () => ({ patients: 0, places: [], next: undefined }),
  };

  readonly objections: Store['objections'] = {
    record: async () => undefined,
    inForce: async () => [],
  };

  readonly toldRestrictions: Store['toldRestrictions'] = {
    record: async () => undefined,
    lift: async () => undefined,
    of: async () => [],
  };

  readonly register: Store['register'] = {
    record: async () => undefined,
    of: async () => [],
    leavers: async () => [],
    unread: async () => 0,
    markLeft: async () => ({ marked: 0, last: undefined }),
    ended: async () => undefined,
    counts: async () => ({ present: 0, left: 0 }),
  };

  hasRoom(): boolean {
    return true;
  }

  healthy(): Promise<boolean> {
    return Promise.resolve(!this.readsFail);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
