import assert from 'node:assert/strict';

import type { LogItem, LogStore, NewEntry, SealedValues, StoredEntry } from '../../src/store/contracts.ts';
import { leafHash, nodeHash, emptyRoot, verifyInclusion } from '../../src/tlog/merkle.ts';
import { inclusionProof } from '../../src/tlog/proofs.ts';

export const LOG = 'broker.example/log-1';

export function entry(exchange: string, more: Partial<NewEntry> = {}): NewEntry {
  return {
    at: 1_000,
    event: 'query-sent',
    exchange,
    facts: `"exchange":"${exchange}"`,
    index: {},
    ...more,
  };
}

export const item = (...entries: NewEntry[]): LogItem => ({ entries });

export function spending(jti: string, ...entries: NewEntry[]): LogItem {
  return { entries, spend: { issuer: 'https://broker.example', jti, keepUntil: Date.now() + 600_000 } };
}

export const sealedAs = (text: string): SealedValues => ({
  wrappedBy: 'key-1',
  wrappedKey: Buffer.from(`wrapped ${text}`),
  ciphertext: Buffer.from(`ciphertext ${text}`),
});

/** As many entries as that, named by their place. */
export function run(count: number, from = 0, more: Partial<NewEntry> = {}): NewEntry[] {
  return Array.from({ length: count }, (_, nth) => entry(`e-${from + nth}`, more));
}

export async function allEntries(store: LogStore, log = LOG): Promise<StoredEntry[]> {
  const found: StoredEntry[] = [];
  for (;;) {
    const page = await store.entries(log, found.length, 1_000);
    if (page.length === 0) return found;
    found.push(...page);
  }
}

export const textOf = ({ leaf }: StoredEntry): string => Buffer.from(leaf).toString('utf8');

/** MTH of RFC 9162, 2.1.1, as it is written there. */
export function naiveRoot(leaves: readonly Uint8Array[]): Buffer {
  const [first] = leaves;
  if (first === undefined) return emptyRoot();
  if (leaves.length === 1) return leafHash(first);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return nodeHash(naiveRoot(leaves.slice(0, split)), naiveRoot(leaves.slice(split)));
}

/** Numbered without a gap, the head is that of the leaves, and each leaf is proved against the head. */
export async function assertWhole(store: LogStore, size: number, log = LOG): Promise<void> {
  const entries = await allEntries(store, log);
  const leaves = entries.map(({ leaf }) => leaf);
  const head = await store.head(log);
  assert.deepEqual(
    entries.map(({ sequence }) => sequence),
    [...Array(size).keys()],
  );
  assert.equal(head.size, size);
  assert.deepEqual(Buffer.from(head.root), naiveRoot(leaves));
  for (const [index, leaf] of leaves.entries()) {
    const proof = await inclusionProof(index, size, (wanted) => store.tiles(log, wanted));
    assert.ok(verifyInclusion(leafHash(leaf), index, size, proof, head.root), `entry ${index} of ${size}`);
  }
}
