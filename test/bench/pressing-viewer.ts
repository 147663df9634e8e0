import { randomUUID } from 'node:crypto';

import type { Bundle } from '../../src/fhir/resource.ts';
import { PlacesViewer } from '../faults/asking-places.ts';
import { ANSWERING, type Places } from './places.ts';
import { HELD } from './stand-ins.ts';

/** Longer than the longest budget of a Bundle: what has not come by then is lost. */
const LOST_MS = 15_000;
/** Connections that are kept: it asks for thousands at once. */
const MOST_FREE = 4_096;

/** `part`: a region is missing, and the answer says so; `unanswered`: no region in time; `lost`: no answer at all. */
export type Outcome = 'whole' | 'part' | 'refused' | 'unanswered' | 'lost';

export interface Sent {
  readonly id: string;
  readonly outcome: Outcome;
  readonly ms: number;
}

/** A viewer that is not put off: it asks whatever it is answered, and keeps what that was. */
export class PressingViewer {
  readonly all: Sent[] = [];
  readonly #viewer: PlacesViewer;

  constructor(places: Places) {
    this.#viewer = PlacesViewer.of(places, LOST_MS, MOST_FREE);
  }

  async ask(): Promise<Sent> {
    const id = randomUUID();
    const from = performance.now();
    const { whole, status, text } = await this.#viewer.ask(id);
    const sent = {
      id,
      outcome: whole ? outcomeOf(status, text) : 'lost',
      ms: performance.now() - from,
    } as const;
    this.all.push(sent);
    return sent;
  }

  close(): void {
    this.#viewer.close();
  }
}

/** @returns `part` where a region is missing, which the answer says */
function outcomeOf(status: number, text: string): Outcome {
  if (status === 503) return 'refused';
  if (status !== 200) return 'unanswered';
  const { total } = JSON.parse(text) as Bundle;
  return total === HELD * ANSWERING.length ? 'whole' : 'part';
}
