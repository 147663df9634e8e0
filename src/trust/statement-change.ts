import type { EntityStatement, PublicJwk } from './entity-statement.ts';

/** What became of a statement that was fetched, held against the one in force. Both are verified already. */
export type RefreshVerdict =
  /** The bytes that are in force. */
  | { readonly kind: 'same' }
  /** It changes only what a refresh may change. */
  | { readonly kind: 'take' }
  /** It changes more: which members, as dotted names. */
  | { readonly kind: 'pending'; readonly changes: readonly string[] }
  | { readonly kind: 'refused'; readonly code: RefreshFault };

export type RefreshFault =
  'lower-sequence' | 'equal-sequence' | 'issued-earlier' | 'another-entity' | 'another-region';

/** A statement and its text. */
export interface ReadStatement {
  readonly token: string;
  readonly statement: EntityStatement;
}

/** What alone may sign a neighbour's statements and issue its certificates. */
export interface Pins {
  readonly federationKeys: readonly PublicJwk[];
  /** PEM. */
  readonly anchors: readonly string[];
}

/** A sequence may rise by so many at once: a thief who signs the highest number there is would shut out all after him. */
const LARGEST_STEP = 1_000;

/** How long a neighbour that is reached may go on with a former statement: the longest `refresh_hint` that it keeps to. */
export const LONGEST_REFRESH_S = 86_400;

/** Members of `metadata.wayleave_broker` that a refresh changes by itself; each other one waits for an admin. */
export const TAKEN_BY_ITSELF: ReadonlySet<string> = new Set(['message_keys', 'log_keys', 'sequence']);

/** Whether a sequence rises by more than a refresh takes. */
export function isJump(before: EntityStatement, after: EntityStatement): boolean {
  const [from, to] = [before, after].map(({ metadata }) => metadata.wayleave_broker.sequence);
  return (to ?? 0) - (from ?? 0) > LARGEST_STEP;
}

/**
 * Judges a neighbour's newer statement (`docs/protocol.md`, "What a refresh may change by itself"): message keys and
 * log keys; leaf certificates under the pinned anchors are not listed at all.
 */
export function judgeRefresh(held: ReadStatement, fresh: ReadStatement, pins?: Pins): RefreshVerdict {
  const [before, after] = [held.statement, fresh.statement];
  const [ours, theirs] = [before.metadata.wayleave_broker, after.metadata.wayleave_broker];
  if (after.sub !== before.sub) return { kind: 'refused', code: 'another-entity' };
  if (theirs.region !== ours.region) return { kind: 'refused', code: 'another-region' };
  if (theirs.sequence < ours.sequence) return { kind: 'refused', code: 'lower-sequence' };
  if (theirs.sequence === ours.sequence) {
    return fresh.token === held.token ? { kind: 'same' } : { kind: 'refused', code: 'equal-sequence' };
  }
  // Evidence takes neither for the other's time, so that what the former one listed would be proved no more.
  if (after.iat < before.iat) return { kind: 'refused', code: 'issued-earlier' };
  const changes = changesBetween(before, after);
  if (changes.length === 0) return { kind: 'take' };
  // An approval pins what the statement lists, whether or not the one before it listed the same.
  return { kind: 'pending', changes: [...new Set([...changes, ...unlike(after, pins)])] };
}

/** Names of what an admin has to approve, in a fixed order. */
function changesBetween(before: EntityStatement, after: EntityStatement): string[] {
  const [ours, theirs] = [before.metadata.wayleave_broker, after.metadata.wayleave_broker];
  const members = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].sort();
  const changed = members.filter(
    (name) =>
      !TAKEN_BY_ITSELF.has(name) &&
      canonical(ours[name as keyof typeof ours]) !== canonical(theirs[name as keyof typeof theirs]),
  );
  return [
    ...(canonical(before.jwks) === canonical(after.jwks) ? [] : ['federation_keys']),
    ...changed,
    ...(isJump(before, after) ? ['sequence'] : []),
  ];
}

/** What of the pins an approval would change. */
function unlike({ jwks, metadata }: EntityStatement, pins: Pins | undefined): string[] {
  if (pins === undefined) return [];
  const same = (some: readonly unknown[], others: readonly unknown[]): boolean =>
    canonical(some.map(canonical).sort()) === canonical(others.map(canonical).sort());
  const trimmed = (texts: readonly string[]): string[] => texts.map((text) => text.trim());
  return [
    ...(same(jwks.keys, pins.federationKeys) ? [] : ['federation_keys']),
    ...(same(trimmed(metadata.wayleave_broker.tls.anchors), trimmed(pins.anchors)) ? [] : ['tls']),
  ];
}

/** JSON with members in one order: a statement that was only written in another order changes nothing. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}
