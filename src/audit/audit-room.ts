import type { KeyObject } from 'node:crypto';

import type { Log } from '../log.ts';
import type { Store } from '../store/contracts.ts';
import { witnessName } from '../tlog/origin.ts';
import type { PublicJwk } from '../trust/entity-statement.ts';
import type { Neighbours } from '../trust/neighbours.ts';
import { InclusionDesk } from './inclusion/inclusion-desk.ts';
import { ProofCollector } from './inclusion/proof-collector.ts';
import { unprovedIn } from './inclusion/unproved.ts';
import type { AuditLog } from './log.ts';
import { RefusalSummary } from './refusal-summary.ts';
import type { StreamStatus } from './stream/audit-stream.ts';
import { AuditStreams, type WantedStream } from './stream/audit-streams.ts';
import { SeenSuccessors, type SeenSuccessor } from './succession/seen-successors.ts';
import { AuditTrail } from './trail.ts';
import { checkTail } from './whole-log/check-tail.ts';
import { endInterrupted } from './whole-log/resume.ts';
import { CheckpointWatch } from './witnessing/checkpoint-watch.ts';
import { Checkpoints } from './witnessing/checkpoints.ts';
import { Forks } from './witnessing/forks.ts';
import { KnownLogs } from './witnessing/known-logs.ts';
import type { HeldNote, OurPast } from './witnessing/our-past.ts';
import { WitnessDesk } from './witnessing/witness-desk.ts';
import { Witnessing, type Pace, type WitnessLink, type WitnessState } from './witnessing/witnessing.ts';

export interface AuditRoomSettings {
  readonly log: AuditLog;
  readonly store: Pick<Store, 'log' | 'checkpoints' | 'streams'>;
  readonly entity: string;
  /** Ed25519: signs our log's checkpoints; cosigns others'. */
  readonly logKey: KeyObject;
  readonly witnessKey: KeyObject;
  /** Every key of our own statement that may have signed them: the one in use, and former ones. */
  readonly logKeys: readonly PublicJwk[];
  readonly neighbours: Neighbours;
  /** Those of now: neighbours come and go while the log is written. */
  readonly witnesses: () => readonly WitnessLink[];
  /** How often the head is signed and cosigned. */
  readonly checkpoints: Pace;
  /** Where the log is sent on to as it grows, after those that it followed, the oldest first. */
  readonly streams: readonly WantedStream[];
  readonly former: readonly string[];
  /** What the process says of itself, beside the log. */
  readonly report: Log;
  readonly past: OurPast;
  /** Of our own statement, as it is now. */
  readonly sequence: () => number;
  readonly onBehind: (held: HeldNote) => void;
  readonly now: () => number;
}

/** A start waits no longer for neighbours. */
const ASK_MS = 3_000;

/** What `wayleave status` shows of the log. */
export interface LogStatus {
  readonly origin: string;
  readonly witnesses: readonly WitnessState[];
  /** Logs of neighbours that signed two heads which do not fit; undefined while the store cannot be read. */
  readonly forks: readonly { origin: string; seen: string }[] | undefined;
  /** Logs of neighbours that go on under another name; undefined while the store cannot be read. */
  readonly succeeded: readonly SeenSuccessor[] | undefined;
  /** Logs of neighbours that did not prove that their heads fit. */
  readonly unproved: readonly { origin: string; since: string }[];
  /** Responses whose place in the responder's log is not proved to us yet, by region; `more`: others wait in our log. */
  readonly awaitingProof: readonly { region: string; count: number; more: boolean }[];
  readonly streams: readonly StreamStatus[];
}

/** A running broker's log, and its part as a witness of its neighbours' logs. */
export class AuditRoom {
  readonly trail: AuditTrail;
  readonly desk: WitnessDesk;
  readonly watch: CheckpointWatch;
  readonly proofs: ProofCollector;
  readonly inclusions: InclusionDesk;
  readonly #settings: AuditRoomSettings;
  readonly #witnessing: Witnessing;
  readonly #refusals: RefusalSummary;
  readonly #forks: Forks;
  readonly #successors: SeenSuccessors;
  readonly #streams: AuditStreams;

  constructor(settings: AuditRoomSettings) {
    const { log, store, now, neighbours, witnesses, entity } = settings;
    this.#settings = settings;
    this.trail = new AuditTrail(log, store.log, now);
    this.#refusals = new RefusalSummary(store.log, this.trail, now);
    this.#forks = new Forks(store.checkpoints, this.trail, now);
    this.#successors = new SeenSuccessors(store.log, store.checkpoints, this.trail);
    const shared = {
      logs: new KnownLogs(neighbours),
      ...{ forks: this.#forks, successors: this.#successors, now },
    };
    this.watch = new CheckpointWatch({
      ...shared,
      witnessed: (origin) => store.checkpoints.witnessed(origin),
      consistencyOf: async ({ region }, origin, from, to) => {
        const owner = witnesses().find((link) => link.neighbour.region === region);
        return (await owner?.consistency(origin, from, to)) ?? [];
      },
    });
    this.desk = new WitnessDesk({
      ...shared,
      store: store.checkpoints,
      name: witnessName(entity),
      key: settings.witnessKey,
    });
    this.proofs = new ProofCollector({
      ...{ logs: shared.logs, trail: this.trail, now },
      regions: () => witnesses().map(({ neighbour }) => neighbour.region),
      unproved: (since) => unprovedIn(store.log, log.origin, since),
    });
    this.inclusions = new InclusionDesk(
      store.log,
      store.checkpoints,
      log.origin,
      () => this.latestNote(),
      now,
    );
    const { report, former, streams: wanted } = settings;
    this.#streams = new AuditStreams({ log: log.origin, former, entity, store, wanted, report, now });
    this.#witnessing = new Witnessing({
      ...shared,
      log: store.log,
      checkpoints: new Checkpoints({
        ...{ log: store.log, checkpoints: store.checkpoints, origin: log.origin, now },
        key: settings.logKey,
      }),
      watch: this.watch,
      proofs: this.proofs,
      grown: () => log.appended,
      ...{ links: witnesses, past: settings.past, sequence: settings.sequence },
      onBehind: settings.onBehind,
    });
  }

  /**
   * Verifies the log's tail, asks what neighbours hold of our logs, ends what a killed process left, keeps that we
   * started, and begins to summarise and to be witnessed.
   *
   * @returns how many neighbours could be asked
   * @throws StartError for a broken log; StoreBehind; HouseError `audit-unavailable`
   */
  async start(exchange: string, detail: object, onError: (error: unknown) => void): Promise<number> {
    const { log, store, checkpoints, logKeys } = this.#settings;
    await checkTail(log, store, logKeys);
    const asked = await this.#witnessing.askPast(ASK_MS);
    const interrupted = await endInterrupted(log.origin, store.log, this.trail);
    await this.trail.started(exchange, { ...detail, interrupted });
    this.#refusals.start(onError);
    this.#witnessing.start(checkpoints, onError);
    this.#streams.start();
    return asked;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#refusals.stop(), this.#witnessing.stop(), this.#streams.stop()]);
  }

  /** The newest checkpoint that a neighbour cosigned. */
  latestNote(): string | undefined {
    return this.#witnessing.latestNote();
  }

  async status(): Promise<LogStatus> {
    return {
      origin: this.#settings.log.origin,
      witnesses: this.#witnessing.states(),
      forks: await this.#forks.list().catch(() => undefined),
      succeeded: await this.#successors.list().catch(() => undefined),
      unproved: this.watch.unproved(),
      awaitingProof: this.proofs.waiting(),
      streams: await this.#streams.status(),
    };
  }
}
