import { REQUESTER_EVENTS, RESPONDER_EVENTS, type Event } from '../entry.ts';
import type { ReadEntry } from '../log.ts';

/**
 * What became of one look at a record. Here: `shown`, `nothing-shown`, `refused-here`. For another region:
 * `given`, `none-held` (we said that we hold nothing), `nothing-given` (for the reason that the region's part tells,
 * such as a source of ours that was not reached), `withheld`, `refused`. Either: `unfinished`, when the log does not
 * say how it ended.
 */
export type AccessKind =
  | ('shown' | 'nothing-shown' | 'refused-here')
  | ('given' | 'none-held' | 'nothing-given' | 'withheld' | 'refused')
  | 'unfinished';

/** What one region said, and how much of it was shown; or the region that asked, and how much it was given. */
export interface RegionPart {
  readonly region: string;
  readonly outcome?: string | undefined;
  readonly reason?: string | undefined;
  readonly count?: number | undefined;
}

/** One exchange: what one look at the screen, or one query of a neighbour, came to. */
export interface Access {
  /** Milliseconds since the epoch, when it began. */
  readonly at: number;
  readonly exchange: string;
  readonly askedBy: 'us' | 'neighbour';
  readonly kind: AccessKind;
  readonly organisation: string | undefined;
  readonly role: string | undefined;
  readonly purpose: string | undefined;
  readonly user: string | undefined;
  readonly breakGlass: { readonly code?: string; readonly reason?: string } | undefined;
  /** Code of a refusal. */
  readonly reason: string | undefined;
  readonly regions: readonly RegionPart[];
  /** By type, the most first; undefined where what is sealed was erased or does not open. */
  readonly types: readonly { readonly type: string; readonly count: number }[] | undefined;
  readonly count: number;
  readonly entries: readonly number[];
  /** `jti`s of the queries that were sent for it: each is in the log of the region that it went to as well. */
  readonly sent: readonly string[];
}

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

interface Draft extends Mutable<Omit<Access, 'kind' | 'regions' | 'types' | 'entries' | 'sent'>> {
  readonly ends: Set<string>;
  readonly parts: Map<string, Mutable<RegionPart>>;
  readonly counted: Map<string, number>;
  readonly sent: Set<string>;
  readonly sequences: number[];
  open: boolean;
}

/** What a look of our own viewers leaves beside its queries. */
const VIEWER_EVENTS = new Set<Event>(['route-planned', 'released-to-viewer', 'viewer-refused']);

/** Folds entries about one patient into exchanges, in any order; of what is sealed it keeps only what it tells. */
export class Accesses {
  readonly #drafts = new Map<string, Draft>();

  /** @returns false when the entry tells of no access */
  add({ sequence, leaf, opened }: ReadEntry): boolean {
    const here = VIEWER_EVENTS.has(leaf.event) || REQUESTER_EVENTS.has(leaf.event);
    if (!here && !RESPONDER_EVENTS.has(leaf.event)) return false;
    const draft = this.#draft(`${here ? 'us' : 'neighbour'} ${leaf.exchange}`, leaf.exchange, here);
    draft.at = Math.min(draft.at, leaf.at);
    draft.sequences.push(sequence);
    draft.organisation ??= leaf.organisation;
    draft.role ??= leaf.role;
    draft.purpose ??= leaf.purpose;
    draft.user ??= opened?.['user']?.value;
    if (leaf.sealed !== undefined && opened === undefined) draft.open = false;
    if (leaf.break_glass) draft.breakGlass = { ...draft.breakGlass, ...glassIn(opened) };
    draft.ends.add(leaf.event);
    if (here) addHere(draft, leaf, opened);
    else addElsewhere(draft, leaf, opened);
    return true;
  }

  /** Oldest first. What a region asked of itself for its other records is part of the look that it was asked for. */
  list(ownRegion: string): Access[] {
    const drafts = [...this.#drafts.values()];
    const sent = new Set(drafts.flatMap((draft) => [...draft.sent]));
    return drafts
      .filter(
        ({ askedBy, exchange, parts }) =>
          !(askedBy === 'neighbour' && parts.has(ownRegion) && sent.has(exchange)),
      )
      .map(toAccess)
      .sort((one, other) => one.at - other.at || (one.exchange < other.exchange ? -1 : 1));
  }

  /** How many looks of our own began in that time, as far as their entries were added. */
  begunHere(from: number, to: number): number {
    const drafts = [...this.#drafts.values()];
    return drafts.filter(({ askedBy, at }) => askedBy === 'us' && at >= from && at < to).length;
  }

  #draft(key: string, exchange: string, here: boolean): Draft {
    const known = this.#drafts.get(key);
    if (known !== undefined) return known;
    const draft: Draft = {
      ...{ at: Infinity, exchange, askedBy: here ? 'us' : 'neighbour', count: 0, open: true },
      ...{ organisation: undefined, role: undefined, purpose: undefined, user: undefined },
      ...{ breakGlass: undefined, reason: undefined },
      ...{ ends: new Set(), parts: new Map(), counted: new Map(), sent: new Set(), sequences: [] },
    };
    this.#drafts.set(key, draft);
    return draft;
  }
}

function addHere(draft: Draft, leaf: ReadEntry['leaf'], opened: ReadEntry['opened']): void {
  const { event, region, outcome, reason, count, retried_as: again } = leaf;
  if (event === 'query-sent' && leaf.jti !== undefined) draft.sent.add(leaf.jti);
  if (event === 'viewer-refused') draft.reason = reason;
  if (region !== undefined) {
    const part = draft.parts.get(region) ?? { region };
    // What became of the region is what became of the last time that it was asked.
    const isOpen = event === 'query-sent' || again !== undefined;
    draft.parts.set(region, isOpen ? part : { ...part, outcome, reason, count });
  }
  if (event !== 'released-to-viewer') return;
  draft.count += count ?? 0;
  tally(draft, opened?.['shown']?.value);
}

function addElsewhere(draft: Draft, leaf: ReadEntry['leaf'], opened: ReadEntry['opened']): void {
  const { event, region = '', outcome, reason, count } = leaf;
  const part = draft.parts.get(region) ?? { region };
  draft.parts.set(region, event === 'query-received' ? part : { ...part, outcome, reason, count });
  if (event === 'query-refused') draft.reason = reason;
  if (event !== 'query-answered') return;
  draft.count += count ?? 0;
  tally(draft, opened?.['resources']?.value);
}

function tally({ counted }: Draft, list: string | undefined): void {
  if (list === undefined) return;
  for (const { resource } of JSON.parse(list) as { resource: string }[]) {
    const type = resource.split('/', 1)[0] ?? '';
    counted.set(type, (counted.get(type) ?? 0) + 1);
  }
}

function glassIn(opened: ReadEntry['opened']): { code?: string; reason?: string } {
  const text = opened?.['break_glass']?.value;
  return text === undefined ? {} : (JSON.parse(text) as { code: string; reason: string });
}

function toAccess({ ends, parts, counted, sent, sequences, open, ...draft }: Draft): Access {
  return {
    ...draft,
    kind:
      draft.askedBy === 'us'
        ? kindHere(ends, draft.count, counted)
        : kindElsewhere(ends, draft.count, [...parts.values()]),
    regions: [...parts.values()].sort((one, other) => (one.region < other.region ? -1 : 1)),
    types: open
      ? [...counted].map(([type, count]) => ({ type, count })).sort((one, other) => other.count - one.count)
      : undefined,
    entries: sequences.toSorted((one, other) => one - other),
    sent: [...sent],
  };
}

function kindHere(
  ends: ReadonlySet<string>,
  count: number,
  counted: ReadonlyMap<string, number>,
): AccessKind {
  if (ends.has('released-to-viewer')) return count > 0 || counted.size > 0 ? 'shown' : 'nothing-shown';
  return ends.has('viewer-refused') ? 'refused-here' : 'unfinished';
}

function kindElsewhere(ends: ReadonlySet<string>, count: number, parts: readonly RegionPart[]): AccessKind {
  if (ends.has('query-answered')) {
    if (count > 0) return 'given';
    return parts.every(({ outcome }) => outcome === 'none') ? 'none-held' : 'nothing-given';
  }
  if (ends.has('query-withheld')) return 'withheld';
  return ends.has('query-refused') ? 'refused' : 'unfinished';
}
