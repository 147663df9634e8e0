import type { KeyObject } from 'node:crypto';

import type { CheckpointStore, LogStore, StoredCheckpoint } from '../../store/contracts.ts';
import { signCheckpoint } from '../../tlog/checkpoint.ts';

export interface CheckpointSettings {
  readonly log: LogStore;
  readonly checkpoints: CheckpointStore;
  /** The log's origin, and the Ed25519 key that signs its checkpoints and nothing else. */
  readonly origin: string;
  readonly key: KeyObject;
  readonly now: () => number;
}

/** Signs the head of our own log (C2SP tlog-checkpoint) and keeps what was signed. */
export class Checkpoints {
  readonly #settings: CheckpointSettings;

  constructor(settings: CheckpointSettings) {
    this.#settings = settings;
  }

  get origin(): string {
    return this.#settings.origin;
  }

  /**
   * A checkpoint of the log as it stands: the last one, if nothing was appended since.
   *
   * @throws HouseError `store-unavailable`, `audit-unavailable`
   */
  async sign(): Promise<StoredCheckpoint> {
    const { log, checkpoints, origin, key, now } = this.#settings;
    const { size, root } = await log.head(origin);
    const last = await checkpoints.latest(origin);
    if (last?.size === size) return last;
    const head = { origin, size, root: Buffer.from(root) };
    const signed = { size, at: now(), note: signCheckpoint(head, key) };
    await checkpoints.save(origin, signed);
    return signed;
  }

  latest(): Promise<StoredCheckpoint | undefined> {
    return this.#settings.checkpoints.latest(this.#settings.origin);
  }

  /** Adds a witness's signature line to a checkpoint that we keep. */
  async cosigned(checkpoint: StoredCheckpoint, line: string): Promise<StoredCheckpoint> {
    if (checkpoint.note.includes(line)) return checkpoint;
    const more = { ...checkpoint, note: `${checkpoint.note}${line}` };
    await this.#settings.checkpoints.save(this.#settings.origin, more);
    return more;
  }
}
