import { HouseError } from '../../errors.ts';
import type { LogStore, StoredCheckpoint } from '../../store/contracts.ts';
import { formatAddCheckpoint, parseKnownSize } from '../../tlog/add-checkpoint.ts';
import { cosignaturesOf } from '../../tlog/checkpoint.ts';
import { consistencyProof } from '../../tlog/proofs.ts';
import { StoreBehind, type HeldNote, type OurPast } from './our-past.ts';
import type { CheckpointWatch } from './checkpoint-watch.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { KnownLogs } from './known-logs.ts';
import type { InclusionLink, ProofCollector } from '../inclusion/proof-collector.ts';

/** The way to one neighbour for what concerns logs: as a witness of ours, and as the keeper of its own. */
export interface WitnessLink extends InclusionLink {
  /** `add-checkpoint` (C2SP tlog-witness). @throws DeliveryError */
  addCheckpoint(body: string): Promise<{ status: number; body: string }>;
  /**
   * The notes that the neighbour cosigned last, of logs that we know; and the sequence of our own entity statement
   * that it has approved.
   *
   * @throws DeliveryError
   */
  witnessed(withinMs?: number): Promise<{ notes: readonly string[]; statement: number | undefined }>;
  /** The neighbour's proof that a log of its own of `from` entries is the beginning of that of `to`. @throws DeliveryError */
  consistency(log: string, from: number, to: number): Promise<readonly Buffer[]>;
}

/** How a neighbour stands as a witness of our log. */
export interface WitnessState {
  readonly region: string;
  /** Entries of our log that it has cosigned. */
  readonly size: number;
  /** ISO instant of its last cosignature. */
  readonly at?: string | undefined;
  /** Which statement of ours it has approved, where that is a later one than we have ourselves. */
  readonly statement?: number | undefined;
  /** Why the last attempt failed; `behind`: it has seen more of our log than we have. */
  readonly fault?: string | undefined;
}

export interface WitnessingSettings {
  readonly log: LogStore;
  readonly checkpoints: Checkpoints;
  readonly logs: KnownLogs;
  readonly watch: CheckpointWatch;
  readonly proofs: ProofCollector;
  readonly past: OurPast;
  /** Of our own statement, as it is now. */
  readonly sequence: () => number;
  /** A neighbour holds a checkpoint of ours that our store does not lead to. */
  readonly onBehind: (held: HeldNote) => void;
  readonly links: () => readonly WitnessLink[];
  /** How many entries this process has appended. */
  readonly grown: () => number;
  readonly now: () => number;
}

/** How often a round is due: after so many milliseconds, or so many entries. */
export interface Pace {
  readonly everyMs: number;
  readonly everyEntries: number;
}

/** However fast a log grows, its head is signed no more often. */
const LOOK_MS = 1_000;
/** A timer may come a little early. */
const SLACK_MS = 5;

/**
 * Our log before its witnesses: signs its head, has each neighbour cosign it, and holds what the neighbours saw of
 * each other's logs against what we saw. A log that shows two neighbours two pasts is found out here.
 */
export class Witnessing {
  readonly #settings: WitnessingSettings;
  readonly #states = new Map<string, WitnessState>();
  /** By region, the sequence of our own statement that it has approved. */
  readonly #approved = new Map<string, number>();
  /** The newest checkpoint that a neighbour cosigned: it goes out with every response. */
  #cosignedNote: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;

  constructor(settings: WitnessingSettings) {
    this.#settings = settings;
  }

  /**
   * A round after a time, and before that when the log has grown by a number of entries.
   *
   * @param onError a round that failed is made up for by the next
   */
  start({ everyMs, everyEntries }: Pace, onError: (error: unknown) => void): void {
    const { grown } = this.#settings;
    let [at, size] = [performance.now(), grown()];
    const look = (): void => {
      const late = performance.now() - at >= everyMs - SLACK_MS;
      if (this.#round !== undefined || !(late || grown() - size >= everyEntries)) return;
      [at, size] = [performance.now(), grown()];
      // A slow neighbour makes a round long, never two of them.
      this.#round = this.round()
        .catch(onError)
        .finally(() => (this.#round = undefined));
    };
    this.#timer = setInterval(look, Math.min(everyMs, LOOK_MS)).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#round;
  }

  /** Undefined while no neighbour has cosigned anything of this process's time. */
  latestNote(): string | undefined {
    return this.#cosignedNote;
  }

  states(): WitnessState[] {
    return this.#settings.links().map(({ neighbour: { region } }) => {
      const approved = this.#approved.get(region) ?? 0;
      const later = approved > this.#settings.sequence() ? { statement: approved } : {};
      return { ...(this.#states.get(region) ?? { region, size: 0 }), ...later };
    });
  }

  /**
   * Asks every neighbour at once what it holds of our logs, before anything is served.
   *
   * @returns how many answered in time
   * @throws StoreBehind; HouseError `store-unavailable`
   */
  async askPast(withinMs: number): Promise<number> {
    const { past } = this.#settings;
    const links = this.#settings.links();
    const answers = await Promise.all(links.map((link) => this.#held(link, withinMs)));
    for (const [nth, { neighbour }] of links.entries()) {
      const held = await past.contradiction(neighbour.region, answers[nth] ?? []);
      if (held !== undefined) throw new StoreBehind(held);
    }
    return answers.filter((notes) => notes !== undefined).length;
  }

  /** One round: sign, hand to every neighbour at once, compare. */
  async round(): Promise<void> {
    const { checkpoints } = this.#settings;
    const links = this.#settings.links();
    const checkpoint = await checkpoints.sign();
    const lines = await Promise.all(links.map((link) => this.#cosigned(link, checkpoint)));
    let kept = checkpoint;
    for (const line of lines) if (line !== undefined) kept = await checkpoints.cosigned(kept, line);
    if (kept !== checkpoint) this.#cosignedNote = kept.note;
    await this.#settings.proofs.refill();
    await Promise.all(links.map((link) => this.#compare(link)));
  }

  /** @returns the neighbour's signature line; undefined when it has cosigned this already, or did not */
  async #cosigned(link: WitnessLink, checkpoint: StoredCheckpoint): Promise<string | undefined> {
    const { region } = link.neighbour;
    const known = this.#states.get(region);
    if (known?.size === checkpoint.size && known.fault === undefined) return undefined;
    try {
      const line = await this.#ask(link, checkpoint, known?.size ?? 0);
      const at = new Date(this.#settings.now()).toISOString();
      this.#states.set(region, { region, size: checkpoint.size, at });
      return line;
    } catch (error) {
      const fault = error instanceof NotCosigned ? error.message : 'not-reached';
      const size = error instanceof NotCosigned ? error.size : undefined;
      this.#states.set(region, { region, size: 0, ...known, ...(size === undefined ? {} : { size }), fault });
      return undefined;
    }
  }

  /** @throws NotCosigned, DeliveryError */
  async #ask(
    link: WitnessLink,
    checkpoint: StoredCheckpoint,
    oldSize: number,
    again = true,
  ): Promise<string> {
    const { checkpoints, log, logs } = this.#settings;
    const { origin } = checkpoints;
    const proof = await consistencyProof(oldSize, checkpoint.size, (tiles) => log.tiles(origin, tiles));
    const answer = await link.addCheckpoint(
      formatAddCheckpoint({ oldSize, proof, checkpoint: checkpoint.note }),
    );
    if (answer.status === 409 && again) {
      const size = parseKnownSize(answer.body);
      // It has cosigned more than we hold: our store is an older one, or not the one that wrote the log.
      if (size > checkpoint.size) throw new NotCosigned('behind', size);
      return await this.#ask(link, checkpoint, size, false);
    }
    if (answer.status !== 200) throw new NotCosigned(`refused-${answer.status}`);
    const witnesses = await logs.witnessesOf(link.neighbour);
    const [cosignature] = cosignaturesOf(`${headOfNote(checkpoint.note)}${answer.body}`, witnesses);
    if (cosignature === undefined) throw new NotCosigned('not-signed');
    return cosignature.line;
  }

  /** What a neighbour holds; undefined when it is not reached. */
  async #held(link: WitnessLink, withinMs?: number): Promise<readonly string[] | undefined> {
    const answer = await link.witnessed(withinMs).catch(() => undefined);
    if (answer?.statement !== undefined) this.#approved.set(link.neighbour.region, answer.statement);
    return answer?.notes;
  }

  /** Holds what a neighbour cosigned of others' logs against what we did, and fetches its proofs for us. */
  async #compare(link: WitnessLink): Promise<void> {
    const { past, watch, onBehind } = this.#settings;
    const notes = (await this.#held(link)) ?? [];
    const held = await past.contradiction(link.neighbour.region, notes);
    if (held !== undefined) return onBehind(held);
    for (const note of notes) await watch.seen(note);
    await this.#settings.proofs.collect(link).catch(unlessHouse);
  }
}

/** The note with the log's own signature alone: an answer is read as if only it had been added. */
function headOfNote(note: string): string {
  const end = note.indexOf('\n', note.indexOf('\n\n') + 2) + 1;
  return note.slice(0, end);
}

/** A neighbour that is not reached is asked in the next round; a fault of ours is told. */
function unlessHouse(error: unknown): void {
  if (error instanceof HouseError) throw error;
}

class NotCosigned extends Error {
  readonly size: number | undefined;
  constructor(fault: string, size?: number) {
    super(fault);
    this.size = size;
  }
}
