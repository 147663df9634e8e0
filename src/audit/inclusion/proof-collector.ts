import { EvidenceError } from '../../errors.ts';
import { openCheckpoint } from '../../tlog/checkpoint.ts';
import { leafHash, verifyInclusion } from '../../tlog/merkle.ts';
import type { Neighbour } from '../../trust/neighbours.ts';
import { readLeaf } from '../entry.ts';
import { MOST_INCLUSIONS, type Inclusion, type Inclusions } from './inclusion-desk.ts';
import type { KnownLogs } from '../witnessing/known-logs.ts';
import type { AuditTrail } from '../trail.ts';

/** A response that we believed, and whose place in the responder's log is not proved to us yet. */
export interface Awaited {
  /** Our id of the request. */
  readonly exchange: string;
  readonly jti: string;
  /** Of the response's signing input, base64url. */
  readonly responseDigest: string;
}

export interface InclusionLink {
  readonly neighbour: Neighbour;
  /** @throws DeliveryError */
  inclusions(jtis: readonly string[]): Promise<Inclusions>;
}

interface Waiting extends Awaited {
  rounds: number;
}

/** More than these are not remembered: their proofs are fetched when they are exported. */
const MOST_AWAITED = 10_000;
/** Rounds in which a neighbour did not prove it, though it answered: then that is said. */
const PATIENCE_ROUNDS = 20;

/**
 * We as a requester: fetches, for each response, the proof that the responder's own log holds it, and keeps that.
 * A responder that leaves an exchange out of its log is found out here.
 */
export class ProofCollector {
  readonly #logs: KnownLogs;
  readonly #trail: AuditTrail;
  readonly #awaited = new Map<string, Waiting[]>();

  /** @param regions whose logs can be asked */
  constructor(logs: KnownLogs, trail: AuditTrail, regions: readonly string[]) {
    this.#logs = logs;
    this.#trail = trail;
    for (const region of regions) this.#awaited.set(region, []);
  }

  await(region: string, response: Awaited): void {
    const waiting = this.#awaited.get(region);
    if (waiting !== undefined && waiting.length < MOST_AWAITED) waiting.push({ ...response, rounds: 0 });
  }

  /** How many responses of each neighbour are not proved yet. */
  waiting(): { region: string; count: number }[] {
    return [...this.#awaited].map(([region, { length: count }]) => ({ region, count }));
  }

  /** Fetches what one neighbour can prove by now. @throws DeliveryError, HouseError `audit-unavailable` */
  async collect(link: InclusionLink): Promise<void> {
    const { region } = link.neighbour;
    const asked = (this.#awaited.get(region) ?? []).slice(0, MOST_INCLUSIONS);
    if (asked.length === 0) return;
    const { checkpoint, entries } = await link.inclusions(asked.map(({ jti }) => jti));
    const done = new Set<Waiting>();
    for (const one of asked) {
      const entry = entries.find(({ jti }) => jti === one.jti);
      const proved = entry !== undefined && (await this.#holds(one, entry, checkpoint, link.neighbour));
      one.rounds += 1;
      if (!proved && one.rounds < PATIENCE_ROUNDS) continue;
      done.add(one);
      if (proved) await this.#trail.inclusionProved(one, region, { ...entry, checkpoint });
      else await this.#trail.inclusionNotProved(one, region);
    }
    const left = (this.#awaited.get(region) ?? []).filter((one) => !done.has(one));
    // Those that were asked about go to the end: one that is never proved does not keep the others waiting.
    this.#awaited.set(region, [
      ...left.filter((one) => !asked.includes(one)),
      ...left.filter((one) => asked.includes(one)),
    ]);
  }

  async #holds(
    { jti, responseDigest }: Awaited,
    { leaf, index, proof }: Inclusion,
    note: string | undefined,
    neighbour: Neighbour,
  ): Promise<boolean> {
    const origin = note?.split('\n', 1)[0] ?? '';
    const log = await this.#logs.logOf(neighbour, origin);
    if (note === undefined || log === undefined) return false;
    try {
      const { size, root } = openCheckpoint(note, log);
      const said = readLeaf(Buffer.from(leaf));
      if (said.jti !== jti || said.response_digest !== responseDigest) return false;
      const hashes = proof.map((hash) => Buffer.from(hash, 'base64'));
      return verifyInclusion(leafHash(Buffer.from(leaf)), index, size, hashes, root);
    } catch (error) {
      if (error instanceof EvidenceError || error instanceof SyntaxError) return false;
      throw error;
    }
  }
}
