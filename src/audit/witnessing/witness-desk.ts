import type { KeyObject } from 'node:crypto';

import { EvidenceError } from '../../errors.ts';
import type { CheckpointStore } from '../../store/contracts.ts';
import { formatKnownSize, KNOWN_SIZE_TYPE, parseAddCheckpoint } from '../../tlog/add-checkpoint.ts';
import { claimedHead, cosign, openCheckpoint } from '../../tlog/checkpoint.ts';
import { judgeCheckpoint } from '../../tlog/judge-checkpoint.ts';
import type { Neighbour } from '../../trust/neighbours.ts';
import type { SeenSuccessors } from '../succession/seen-successors.ts';
import type { Forks } from './forks.ts';
import type { KnownLogs } from './known-logs.ts';

export interface DeskSettings {
  readonly store: CheckpointStore;
  readonly logs: KnownLogs;
  readonly forks: Forks;
  readonly successors: SeenSuccessors;
  /** The name that we cosign under, and the Ed25519 key that does nothing else. */
  readonly name: string;
  readonly key: KeyObject;
  readonly now: () => number;
}

export interface DeskAnswer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422;
  readonly type: string;
  readonly body: string;
}

const PLAIN = 'text/plain; charset=utf-8';
const refused = (status: DeskAnswer['status'], body: string): DeskAnswer => ({ status, type: PLAIN, body });

/** We as a witness of our neighbours' logs (C2SP tlog-witness): what we cosigned once we never contradict. */
export class WitnessDesk {
  readonly #settings: DeskSettings;

  constructor(settings: DeskSettings) {
    this.#settings = settings;
  }

  /**
   * Answers `add-checkpoint` of a neighbour for a log of its own.
   *
   * @param peer who the connection proved to be
   * @throws HouseError `store-unavailable`: then nothing is cosigned
   */
  async addCheckpoint(body: string, peer: Neighbour): Promise<DeskAnswer> {
    const { store, logs, forks, successors, name, key, now } = this.#settings;
    try {
      const request = parseAddCheckpoint(body);
      const log = await logs.logOf(peer, request.origin);
      if (log === undefined) return refused(404, 'unknown log\n');
      const checkpoint = openCheckpoint(request.checkpoint, log);
      const last = await store.witnessed(log.origin);
      const judged = judgeCheckpoint(last && claimedHead(last.note), request, checkpoint);
      if (judged.fork && last !== undefined) {
        await forks.keep(peer.region, { origin: log.origin, held: last.note, seen: request.checkpoint });
      }
      if (judged.answer === 'conflict') return knownSize(judged.knownSize);
      if (judged.answer !== 'accept') return refused(judged.status, `${judged.answer}\n`);
      await successors.met(peer, checkpoint);
      const at = now();
      const kept = { size: checkpoint.size, at, note: request.checkpoint };
      // Another replica of ours may have cosigned meanwhile.
      if (!(await store.witness(log.origin, request.oldSize, kept))) {
        return knownSize((await store.witnessed(log.origin))?.size ?? 0);
      }
      return { status: 200, type: PLAIN, body: cosign(checkpoint.text, name, key, Math.floor(at / 1000)) };
    } catch (error) {
      if (!(error instanceof EvidenceError)) throw error;
      return error.code === 'malformed' ? refused(400, 'malformed\n') : refused(403, `${error.code}\n`);
    }
  }

  /** The notes that we cosigned last of logs that statements list, for neighbours to hold against what they were shown. */
  async witnessed(): Promise<string[]> {
    const { store, logs } = this.#settings;
    const all = await store.allWitnessed();
    const owners = await Promise.all(all.map(({ origin }) => logs.byOrigin(origin)));
    return all.flatMap(({ note }, nth) => (owners[nth] === undefined ? [] : [note]));
  }
}

function knownSize(size: number): DeskAnswer {
  return { status: 409, type: KNOWN_SIZE_TYPE, body: formatKnownSize(size) };
}
