import { z } from 'zod';

import { startDeadline } from '../deadline.ts';
import { DeliveryError } from '../errors.ts';
import { STATEMENT_HEADER, type Neighbour } from '../trust/neighbours.ts';
import type { NeighbourLink } from './neighbour-link.ts';

const WITNESS_MS = 5_000;
const PLAIN = 'text/plain; charset=utf-8';
const inclusions = z.object({
  checkpoint: z
    .string()
    .max(128 * 1024)
    .optional(),
  entries: z
    .array(
      z.object({
        jti: z.string().max(64),
        leaf: z.string().max(256 * 1024),
        index: z.int().nonnegative(),
        proof: z.array(z.string().max(44)).max(63),
        checkpoint: z
          .string()
          .max(128 * 1024)
          .optional(),
      }),
    )
    .max(64),
});
export type Inclusions = z.infer<typeof inclusions>;

const HASH = /^[A-Za-z0-9+/]{43}=$/;

/** The way to a neighbour for what concerns logs: its circuit and its queries neither wait for this nor feel it. */
export class WitnessLink {
  readonly #link: NeighbourLink;

  constructor(link: NeighbourLink) {
    this.#link = link;
  }

  get neighbour(): Neighbour {
    return this.#link.neighbour;
  }

  /** `add-checkpoint` (C2SP tlog-witness). @throws DeliveryError */
  async addCheckpoint(text: string): Promise<{ status: number; body: string }> {
    using deadline = startDeadline(WITNESS_MS);
    return await this.#link.text('POST', '/federation/v1/add-checkpoint', { type: PLAIN, text }, deadline);
  }

  /** The notes that the neighbour cosigned last, and which statement of ours it has approved. @throws DeliveryError */
  async witnessed(withinMs = WITNESS_MS): Promise<{ notes: string[]; statement: number | undefined }> {
    const { body, header } = await this.#get('/federation/v1/witnessed', withinMs);
    const sequence = header(STATEMENT_HEADER) ?? '';
    return {
      notes: body === '' ? [] : body.split(/^\.\n/m),
      statement: /^\d{1,15}$/.test(sequence) ? Number(sequence) : undefined,
    };
  }

  /** The neighbour's proof that its log of `from` entries is the beginning of that of `to`. @throws DeliveryError */
  async consistency(log: string, from: number, to: number): Promise<Buffer[]> {
    const question = new URLSearchParams({ from: String(from), to: String(to), log }).toString();
    const { body } = await this.#get(`/federation/v1/consistency?${question}`);
    const lines = body.split('\n').slice(0, -1);
    if (!lines.every((line) => HASH.test(line))) throw new DeliveryError('bad-content', 'consistency');
    return lines.map((line) => Buffer.from(line, 'base64'));
  }

  /** Proofs that the neighbour's log holds its answers to these queries of ours. @throws DeliveryError */
  async inclusions(jtis: readonly string[]): Promise<Inclusions> {
    using deadline = startDeadline(WITNESS_MS);
    const body = { type: 'application/json', text: JSON.stringify({ jtis }) };
    const { status, body: text } = await this.#link.text('POST', '/federation/v1/inclusion', body, deadline);
    if (status !== 200) throw new DeliveryError('peer-refused', 'inclusion');
    return parseInclusions(text);
  }

  async #get(path: string, withinMs = WITNESS_MS): ReturnType<NeighbourLink['text']> {
    using deadline = startDeadline(withinMs);
    const answer = await this.#link.text('GET', path, undefined, deadline);
    if (answer.status !== 200) throw new DeliveryError('peer-refused', path.split('?', 1)[0]);
    return answer;
  }
}

/** @throws DeliveryError `bad-content` */
function parseInclusions(text: string): Inclusions {
  try {
    return inclusions.parse(JSON.parse(text));
  } catch (error) {
    throw new DeliveryError('bad-content', 'inclusion', { cause: error });
  }
}
